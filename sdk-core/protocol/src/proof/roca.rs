//! RSA keys of the defective generator of 2017 (ROCA, CVE-2017-15361): their modulus is a power of 65537 modulo each of the
//! first primes, which no other key is. Such a key can be factored, so what it signs proves nothing.

/// The odd primes up to 167, whose product the generator worked with for short keys.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether this modulus (big-endian) has the fingerprint. The chance of a sound key to have it is below 2⁻⁵⁰.
pub(super) fn is_vulnerable(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        loop {
            if power == residue {
                return true;
            }
            power = power * (65_537 % prime) % prime;
            if power == 1 {
                return false;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};

    use super::*;

    #[test]
    fn a_sound_key_has_no_fingerprint_and_a_power_of_65537_has() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        assert!(!is_vulnerable(&RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key()).n));
        assert!(is_vulnerable(&65_537u64.pow(3).to_be_bytes()));
        assert!(!is_vulnerable(&(65_537u64.pow(3) + 2).to_be_bytes()));
    }
}
