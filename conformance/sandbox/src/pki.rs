//! The carrier's public key infrastructure: one root (two in SPIFFE mode: the carrier's trust domain and its clients'),
//! below it an authority for servers and one for clients, what they issued, and their revocation lists.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use gladhand_documents::error::{Code, Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Deserialize;

use crate::ca::{Authority, DAY_S, Pair, Wanted};
use crate::files;

/// Seconds until the next revocation list is due, unless control asks for something else.
const LIST_S: i64 = 30 * DAY_S;

/// Which of the two issuing authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// Of the carrier's servers.
    Servers,
    /// Of its clients.
    Clients,
}

/// How the list that clients read differs from the true one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Spoilt {
    /// Seconds until the next update.
    pub next_update_s: Option<i64>,
    /// The servers' list is not in the file: their status is unknown.
    pub missing: bool,
    /// Its next update was due a minute ago.
    pub expired: bool,
    /// The servers' list is signed by an authority of the same name and another key.
    pub forged: bool,
}

/// Authorities, certificates, revocations.
pub struct Pki {
    dir: PathBuf,
    /// The servers' root first, the clients' last; the same one unless there are two trust domains.
    roots: Vec<Authority>,
    servers: Authority,
    clients: Authority,
    stranger: OnceLock<Authority>,
    /// By fingerprint, so that control can revoke what it was told.
    issued: Mutex<HashMap<String, (Branch, Vec<u8>)>>,
    spoilt: Mutex<Spoilt>,
}

impl Pki {
    /// New authorities; `two_domains` gives the clients a root of their own.
    pub fn generate(dir: &Path, two_domains: bool) -> Result<Self> {
        let mut roots = vec![Authority::root("Gladhand sandbox CA")?];
        if two_domains {
            roots.push(Authority::root("Gladhand sandbox workloads CA")?);
        }
        Self::below(dir, roots)
    }

    /// The authorities that an earlier run wrote to `dir`, if it did.
    pub fn kept(dir: &Path, two_domains: bool) -> Result<Option<Self>> {
        if !dir.join("clients-ca-key.pem").exists() {
            return Ok(None);
        }
        Self::load(dir, dir).map(|pki| Some(pki).filter(|pki| pki.two_domains() == two_domains))
    }

    /// The authorities that another sandbox wrote to `other`, so that two carriers share their trust roots. A folder with
    /// nothing but `ca.pem` and `ca-key.pem` will do.
    pub fn load(dir: &Path, other: &Path) -> Result<Self> {
        let read = |file: &str| {
            std::fs::read_to_string(other.join(file)).map_err(|e| {
                Error::new(Code::SandboxFailed, format!("cannot read `{file}` of the other sandbox")).caused_by(&e)
            })
        };
        let (certificates, keys) = (blocks(&read("ca.pem")?), blocks(&read("ca-key.pem")?));
        let roots = certificates.iter().zip(&keys).map(|(pem, key)| Authority::load(pem, key, true));
        let roots = roots.collect::<Result<Vec<_>>>()?;
        if roots.is_empty() {
            return Err(Error::new(Code::SandboxFailed, "`ca.pem` of the other sandbox holds no certificate"));
        }
        if !other.join("servers-ca.pem").exists() {
            return Self::below(dir, roots);
        }
        let servers = Authority::load(&read("servers-ca.pem")?, &read("servers-ca-key.pem")?, false)?;
        let clients = Authority::load(&read("clients-ca.pem")?, &read("clients-ca-key.pem")?, false)?;
        Ok(Self::of(dir, roots, servers, clients))
    }

    fn below(dir: &Path, roots: Vec<Authority>) -> Result<Self> {
        let last = roots.len() - 1;
        let servers = roots[0].intermediate("Gladhand sandbox servers CA")?;
        let clients = roots[last].intermediate("Gladhand sandbox clients CA")?;
        Ok(Self::of(dir, roots, servers, clients))
    }

    fn of(dir: &Path, roots: Vec<Authority>, servers: Authority, clients: Authority) -> Self {
        let (issued, spoilt) = (Mutex::default(), Mutex::default());
        Self { dir: dir.to_owned(), roots, servers, clients, stranger: OnceLock::new(), issued, spoilt }
    }

    /// Writes certificates, keys and lists for clients and for a second sandbox.
    pub fn write(&self) -> Result<()> {
        let joined = |part: fn(&Authority) -> &str| self.roots.iter().map(part).collect::<String>();
        files::write(&self.dir, "ca.pem", &joined(Authority::pem))?;
        files::write(&self.dir, "ca-key.pem", &joined(Authority::key_pem))?;
        for (name, authority) in [("servers-ca", &self.servers), ("clients-ca", &self.clients)] {
            files::write(&self.dir, &format!("{name}.pem"), authority.pem())?;
            files::write(&self.dir, &format!("{name}-key.pem"), authority.key_pem())?;
        }
        self.write_lists()
    }

    /// Issues a certificate and remembers it.
    pub fn issue(&self, branch: Branch, wanted: &Wanted) -> Result<Pair> {
        let pair = self.authority(branch).issue(wanted)?;
        let mut issued = self.issued.lock().expect("the certificates issued");
        issued.insert(pair.fingerprint.clone(), (branch, pair.serial.clone()));
        Ok(pair)
    }

    /// Issues a certificate of an authority that nobody trusts.
    pub fn issue_untrusted(&self, wanted: &Wanted) -> Result<Pair> {
        self.stranger()?.issue(wanted)
    }

    fn stranger(&self) -> Result<&Authority> {
        if let Some(known) = self.stranger.get() {
            return Ok(known);
        }
        // Of the same name as the true one: only the key tells them apart, which is what a forger would try.
        let made = Authority::root("Gladhand sandbox servers CA")?;
        Ok(self.stranger.get_or_init(|| made))
    }

    fn authority(&self, branch: Branch) -> &Authority {
        match branch {
            Branch::Servers => &self.servers,
            Branch::Clients => &self.clients,
        }
    }

    /// Whether the carrier's trust domain is another than its clients'.
    pub fn two_domains(&self) -> bool {
        self.roots.len() > 1
    }

    /// The root that servers' certificates end in.
    pub fn servers_root(&self) -> &CertificateDer<'static> {
        self.roots[0].der()
    }

    /// The root that clients' certificates end in.
    pub fn clients_root(&self) -> &CertificateDer<'static> {
        self.roots[self.roots.len() - 1].der()
    }

    /// The roots as rustls wants them: one, or all.
    pub fn store<'a>(roots: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone()).map_err(|e| Error::new(Code::SandboxFailed, "a trust root").caused_by(&e))?;
        }
        Ok(store)
    }

    /// Every root.
    pub fn all_roots(&self) -> Result<RootCertStore> {
        Self::store(self.roots.iter().map(Authority::der))
    }

    /// Revokes a certificate by its fingerprint; false if it is not one of ours.
    pub fn revoke(&self, fingerprint: &str) -> bool {
        let issued = self.issued.lock().expect("the certificates issued");
        let Some((branch, serial)) = issued.get(fingerprint) else { return false };
        self.authority(*branch).revoke(serial);
        true
    }

    /// Revokes a whole branch: its authority's certificate goes on the root's list.
    pub fn revoke_branch(&self, branch: Branch) {
        let root = match branch {
            Branch::Servers => &self.roots[0],
            Branch::Clients => &self.roots[self.roots.len() - 1],
        };
        root.revoke(self.authority(branch).serial());
    }

    /// Takes every revocation back.
    pub fn forgive(&self) {
        for authority in self.all() {
            authority.forgive();
        }
    }

    fn all(&self) -> impl Iterator<Item = &Authority> {
        self.roots.iter().chain([&self.servers, &self.clients])
    }

    /// The true lists, for the carrier's own checks.
    pub fn lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>> {
        self.all().map(|authority| authority.list(-60, LIST_S)).collect()
    }

    /// Spoils the file that clients read, or mends it.
    pub fn spoil(&self, spoilt: Spoilt) {
        *self.spoilt.lock().expect("the list's state") = spoilt;
    }

    /// Writes `crl.pem`, as spoilt as asked for, by one rename.
    pub fn write_lists(&self) -> Result<()> {
        let spoilt = *self.spoilt.lock().expect("the list's state");
        let (from_s, to_s) = match spoilt {
            Spoilt { expired: true, .. } => (-3600, -60),
            Spoilt { next_update_s: Some(seconds), .. } => (-3600, seconds.max(-3599)),
            Spoilt { .. } => (-60, LIST_S),
        };
        let mut lists = Vec::new();
        for authority in self.roots.iter().chain([&self.clients]) {
            lists.push(authority.list(from_s, to_s)?);
        }
        match spoilt {
            Spoilt { missing: true, .. } => {}
            Spoilt { forged: true, .. } => lists.push(self.stranger()?.list(from_s, to_s)?),
            Spoilt { .. } => lists.push(self.servers.list(from_s, to_s)?),
        }
        let pem: String = lists.iter().map(|list| pem("X509 CRL", list)).collect();
        files::replace(&self.dir, "crl.pem", &pem)
    }
}

/// The blocks of a PEM file, each with its lines of begin and end.
fn blocks(pem: &str) -> Vec<String> {
    pem.split_inclusive("-----END ")
        .collect::<Vec<_>>()
        .windows(2)
        .map(|pair| {
            let start = pair[0].rfind("-----BEGIN ").unwrap_or(0);
            let label = pair[1].split("-----").next().unwrap_or_default();
            format!("{}{label}-----\n", &pair[0][start..])
        })
        .collect()
}

/// One block of PEM, 64 characters a line (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_several_blocks_comes_apart_and_loads() {
        let (a, b) = (Authority::root("a").unwrap(), Authority::root("b").unwrap());
        let taken = blocks(&format!("{}{}", a.pem(), b.pem()));
        assert_eq!(taken.len(), 2);
        let loaded = Authority::load(&taken[1], &blocks(b.key_pem())[0], true).unwrap();
        assert_eq!((loaded.der(), loaded.serial()), (b.der(), b.serial()));
    }
}
