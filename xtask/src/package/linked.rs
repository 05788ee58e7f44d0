//! What is linked into an artefact: the crates, which of them needs which, and the C code that some of them bring along.
//!
//! `cargo tree` knows the features that one package is built with; `cargo metadata`, which is asked for the rest, would unite
//! those of the whole workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::paths;
use crate::shell::{Result, Run};

/// One crate of a release.
#[derive(Debug, Clone)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: String,
    pub(super) authors: Vec<String>,
    pub(super) repository: Option<String>,
    /// Where its source lies.
    pub(super) folder: PathBuf,
    /// SHA-256 of the crate file, for those of the registry.
    pub(super) checksum: Option<String>,
}

/// C code inside a crate.
#[derive(Debug, Clone)]
pub(super) struct Bundled {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) license: String,
    /// The crate that brings it.
    pub(super) of: Id,
}

/// Name and version.
pub(super) type Id = (String, String);

/// The crates of one artefact.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) root: Id,
    pub(super) crates: BTreeMap<Id, Crate>,
    pub(super) needs: BTreeMap<Id, BTreeSet<Id>>,
    pub(super) bundled: Vec<Bundled>,
}

/// What cargo says of all crates that the lock file names.
#[derive(Debug)]
pub(super) struct Known(BTreeMap<Id, Crate>);

impl Known {
    pub(super) fn read() -> Result<Self> {
        let text = cargo(&["metadata", "--locked", "--format-version", "1"]).output()?;
        let metadata: Value = serde_json::from_str(&text).map_err(|e| format!("cargo metadata: {e}"))?;
        let lock = paths::root().join("Cargo.lock");
        let lock = std::fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
        let checksums = checksums(&lock);
        let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self(packages.iter().map(|package| described(package, &checksums)).collect()))
    }

    /// What is linked into the library or program of a package.
    pub(super) fn linked(&self, package: &str, triple: &str) -> Result<Linked> {
        let tree = ["tree", "--locked", "--package", package, "--target", triple];
        let shown = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}"];
        let (root, needs) = edges(&cargo(&tree).args(shown).output()?)?;
        let crates: BTreeMap<Id, Crate> = needs
            .keys()
            .map(|id| {
                let known = self.0.get(id).ok_or_else(|| format!("cargo metadata does not know {} {}", id.0, id.1))?;
                Ok((id.clone(), known.clone()))
            })
            .collect::<Result<_>>()?;
        let bundled = crates.iter().filter_map(|(id, known)| bundled(id, known).transpose());
        let bundled = bundled.collect::<Result<_>>()?;
        Ok(Linked { root, crates, needs, bundled })
    }
}

fn cargo(arguments: &[&str]) -> Run {
    Run::new("cargo").args(arguments.iter().copied()).at(paths::root())
}

fn described(package: &Value, checksums: &BTreeMap<Id, String>) -> (Id, Crate) {
    let text = |name: &str| package[name].as_str().map(str::to_owned);
    let (name, version) = (text("name").unwrap_or_default(), text("version").unwrap_or_default());
    let id = (name.clone(), version.clone());
    let authors = package["authors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = Crate {
        // The older way to write a choice.
        license: text("license").unwrap_or_default().replace('/', " OR ").replace("  ", " "),
        authors: authors.iter().filter_map(|author| author.as_str().map(str::to_owned)).collect(),
        repository: text("repository"),
        folder: text("manifest_path")
            .map(PathBuf::from)
            .and_then(|path| path.parent().map(Path::to_owned))
            .unwrap_or_default(),
        checksum: checksums.get(&id).cloned(),
        name,
        version,
    };
    (id, known)
}

/// The checksums of a lock file.
pub(super) fn checksums(lock: &str) -> BTreeMap<Id, String> {
    lock.split("[[package]]")
        .filter_map(|block| {
            let of = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
                line.map(|value| value.trim_end_matches('"').to_owned())
            };
            Some(((of("name")?, of("version")?), of("checksum")?))
        })
        .collect()
}

/// Root and edges of a tree whose lines begin with their depth: `2|name v1.2.3 (where)`.
fn edges(tree: &str) -> Result<(Id, BTreeMap<Id, BTreeSet<Id>>)> {
    let mut needs: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut path: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let unreadable = || format!("cargo tree wrote a line that is not understood: {line}");
        let (depth, rest) = line.split_once('|').ok_or_else(unreadable)?;
        let depth: usize = depth.parse().map_err(|_| unreadable())?;
        let mut words = rest.split(' ');
        let name = words.next().ok_or_else(unreadable)?.to_owned();
        let version = words.next().and_then(|word| word.strip_prefix('v')).ok_or_else(unreadable)?.to_owned();
        path.truncate(depth);
        if let Some(parent) = path.last() {
            needs.entry(parent.clone()).or_default().insert((name.clone(), version.clone()));
        }
        needs.entry((name.clone(), version.clone())).or_default();
        path.push((name, version));
    }
    let root = path.into_iter().next().ok_or("cargo tree is empty")?;
    Ok((root, needs))
}

/// The C code of a crate, with the version that its own header states.
fn bundled(id: &Id, known: &Crate) -> Result<Option<Bundled>> {
    let (name, license, header, define) = match id.0.as_str() {
        // The crate's licence is that of its C code.
        "aws-lc-sys" => {
            ("aws-lc", known.license.as_str(), "aws-lc/include/openssl/base.h", "AWSLC_VERSION_NUMBER_STRING")
        }
        "libsqlite3-sys" => ("sqlite", "blessing", "sqlite3/sqlite3.h", "SQLITE_VERSION"),
        // Its header states the parts of its version; the crate's own version ends with it.
        "zstd-sys" => {
            let version = id.1.split_once("+zstd.").map(|(_, version)| version.to_owned());
            let version = version.ok_or_else(|| format!("zstd-sys {} names no version of zstd", id.1))?;
            return Ok(Some(Bundled { name: "zstd", version, license: "BSD-3-Clause".to_owned(), of: id.clone() }));
        }
        _ => return Ok(None),
    };
    let path = known.folder.join(header);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let version = defined(&text, define).ok_or_else(|| format!("{} does not define {define}", path.display()))?;
    Ok(Some(Bundled { name, version, license: license.to_owned(), of: id.clone() }))
}

/// The text that a C header defines a name as.
fn defined(header: &str, name: &str) -> Option<String> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.strip_prefix(' '))?;
    Some(line.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> Id {
        (name.to_owned(), version.to_owned())
    }

    #[test]
    fn a_tree_is_edges() {
        let tree = "0|top v0.1.0 (/somewhere)\n1|one v1.0.0\n2|two v2.0.0\n1|two v2.0.0\n1|three v3.0.0+x (*)\n";
        let (root, needs) = edges(tree).unwrap();
        assert_eq!(root, id("top", "0.1.0"));
        assert_eq!(needs[&root], BTreeSet::from([id("one", "1.0.0"), id("two", "2.0.0"), id("three", "3.0.0+x")]));
        assert_eq!(needs[&id("one", "1.0.0")], BTreeSet::from([id("two", "2.0.0")]));
        assert!(edges("what\n").is_err());
    }

    #[test]
    fn a_lock_file_has_checksums_of_the_registry_alone() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        assert_eq!(checksums(lock), BTreeMap::from([(id("a", "1.0.0"), "ab".to_owned())]));
    }

    #[test]
    fn a_header_states_its_version() {
        assert_eq!(defined("#define SQLITE_VERSION        \"3.54.1\"\n", "SQLITE_VERSION").as_deref(), Some("3.54.1"));
        assert_eq!(defined("#define SQLITE_VERSION_NUMBER 3\n", "SQLITE_VERSION"), None);
    }
}
