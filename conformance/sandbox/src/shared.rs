//! What the instances of one carrier share: a folder. One store of `jti` values, one secret for nonces, the public keys
//! of the tokens and of the clients' assertions, and the one origin that they answer for.
//!
//! Every step is a file that is created once: the file system decides who was first, across processes, without locks.
//! Business state (tenders, idempotency keys) is each instance's own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use jsonwebtoken::jwk::Jwk;
use sha2::{Digest as _, Sha256};

use crate::{files, random};

/// How long a `jti` is kept: longer than any window in which it could be presented again.
const KEPT: Duration = Duration::from_secs(900);
/// How often old ones are swept out, at most, in seconds.
const SWEEP_S: u64 = 60;

/// The folder.
#[derive(Debug)]
pub struct Shared {
    dir: PathBuf,
    swept: AtomicU64,
}

impl Shared {
    /// Opens the folder, making what is missing.
    pub fn open(dir: &Path) -> Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for part in ["jti", "token-keys", "assertion-keys"] {
            builder.create(dir.join(part)).map_err(|e| failed("cannot be made", &e))?;
        }
        Ok(Self { dir: dir.to_owned(), swept: AtomicU64::new(0) })
    }

    /// Whether this is the first use of a `jti`. A store that cannot be written refuses: a replay must not get through
    /// because a disk is full.
    pub fn first(&self, scope: &str, jti: &str, now: u64) -> bool {
        let due = self.swept.load(Ordering::SeqCst) + SWEEP_S <= now;
        if due && self.swept.swap(now, Ordering::SeqCst) + SWEEP_S <= now {
            self.sweep();
        }
        let name = hex::encode(Sha256::digest(format!("{scope}\n{jti}")));
        match files::create(&self.dir.join("jti").join(name), b"") {
            Ok(()) => true,
            Err(error) => {
                if error.kind() != ErrorKind::AlreadyExists {
                    tracing::error!(%error, "the jti store cannot be written");
                }
                false
            }
        }
    }

    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.dir.join("jti")) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > KEPT) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// What the first instance wrote under this name, or else `value`, which is then what the others will find.
    pub fn agree(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let (path, draft) = (self.dir.join(name), self.dir.join(random::id(".draft-")));
        let linked = files::create(&draft, value).and_then(|()| fs::hard_link(&draft, &path));
        let _ = fs::remove_file(&draft);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed("cannot be written", &error)),
            _ => fs::read(&path).map_err(|e| failed("cannot be read", &e)),
        }
    }

    /// Publishes a public key to the other instances: of tokens, or of a client's assertions.
    pub fn publish(&self, of: KeyOf<'_>, name: &str, key: &Jwk) -> Result<()> {
        let text = serde_json::to_string(key).unwrap_or_default();
        files::replace(&self.dir, &format!("{}/{}{name}.jwk", of.folder(), of.start()), &text)
    }

    /// The public keys that the instances published.
    pub fn keys(&self, of: KeyOf<'_>) -> Vec<Jwk> {
        let Ok(entries) = fs::read_dir(self.dir.join(of.folder())) else { return Vec::new() };
        let start = of.start();
        let ours = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&start) && name.ends_with(".jwk")
        });
        let mut keys: Vec<(std::ffi::OsString, Jwk)> = ours
            .filter_map(|entry| Some((entry.file_name(), serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?)))
            .collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// Whose keys.
#[derive(Clone, Copy, Debug)]
pub enum KeyOf<'a> {
    /// The authorization server's, which sign access tokens.
    Tokens,
    /// A client's, which sign its assertions.
    Client(&'a str),
}

impl KeyOf<'_> {
    fn folder(self) -> &'static str {
        match self {
            Self::Tokens => "token-keys",
            Self::Client(_) => "assertion-keys",
        }
    }

    /// How the names of its files begin; client ids go in as hex, so that none can leave the folder or look like another.
    fn start(self) -> String {
        match self {
            Self::Tokens => String::new(),
            Self::Client(id) => format!("{}.", hex::encode(id)),
        }
    }
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    Error::new(Code::SandboxFailed, format!("the folder of --shared-dir {what}")).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_is_one_and_all_agree_with_it() {
        let dir = std::env::temp_dir().join(random::id("gladhand-shared-"));
        let stores: Vec<Shared> = (0..4).map(|_| Shared::open(&dir).unwrap()).collect();
        let outcomes: Vec<(bool, Vec<u8>)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0_u8..16)
                .map(|n| {
                    let store = &stores[usize::from(n) % 4];
                    scope.spawn(move || (store.first("p", "1", 100), store.agree("secret", &[n]).unwrap()))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|(first, _)| *first).count(), 1);
        assert!(outcomes.iter().all(|(_, agreed)| agreed == &outcomes[0].1));
        assert!(stores[0].first("q", "1", 100), "another scope is another jti");
        fs::remove_dir_all(&dir).unwrap();
        assert!(!stores[0].first("r", "1", 100), "a store that is gone refuses");
    }

    #[test]
    fn what_is_past_every_window_is_swept_out() {
        let dir = std::env::temp_dir().join(random::id("gladhand-shared-"));
        let store = Shared::open(&dir).unwrap();
        assert!(store.first("p", "old", 1000) && store.first("p", "new", 1000));
        let old = dir.join("jti").join(hex::encode(Sha256::digest("p\nold")));
        let past = fs::metadata(&old).unwrap().modified().unwrap() - KEPT - Duration::from_secs(1);
        fs::File::options().write(true).open(&old).unwrap().set_modified(past).unwrap();
        assert!(store.first("p", "other", 1000 + SWEEP_S));
        assert!(!old.exists() && !store.first("p", "new", 1000 + SWEEP_S));
        fs::remove_dir_all(&dir).unwrap();
    }
}
