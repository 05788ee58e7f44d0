//! Fixed fields, little-endian.

/// Reads fields one after the other; nothing beyond the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, many: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// The content of a small file or slot: a magic, what it says, and their CRC32C. Gives what it says.
pub(super) fn checked(bytes: &[u8], magic: [u8; 4], length: usize) -> Option<Fields<'_>> {
    let whole = bytes.get(..length + 8)?;
    let (said, sum) = whole.split_at_checked(length + 4)?;
    let good = said.starts_with(&magic) && sum == crc32c::crc32c(said).to_le_bytes();
    good.then_some(Fields(&said[4..]))
}

/// The counterpart of [`checked`]; `length` bytes of `said`, zeros after its end.
pub(super) fn check(magic: [u8; 4], mut said: Vec<u8>, length: usize) -> Vec<u8> {
    said.resize(length, 0);
    let mut bytes = magic.to_vec();
    bytes.append(&mut said);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}
