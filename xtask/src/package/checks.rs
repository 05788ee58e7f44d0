//! What is looked at in every packed binary, and fails the verb: that it runs on old systems, that it is stripped and small, and
//! that it has neither what only tests need nor a path of the machine that built it.

use std::path::{Path, PathBuf};

use super::build::cargo_home;
use super::platform::{GLIBC, Platform};
use super::{Release, fresh};
use crate::paths;
use crate::shell::{Result, Run, find};

/// What a library for a process of somebody else may weigh, in bytes.
const LARGEST: u64 = 12_000_000;

/// The libraries of glibc, which every system has.
const SYSTEM: [&str; 7] = ["libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libgcc_s.so", "ld-linux"];

/// What must not be in a release.
const FORBIDDEN: [&str; 2] = ["TESTING_", "GLADHAND_FAILPOINT"];

/// The binary of an artefact.
#[derive(Debug)]
pub(super) struct Binary {
    /// The artefact's file name.
    artefact: String,
    packed: u64,
    path: PathBuf,
}

/// What was found out about a binary.
#[derive(Debug)]
pub(super) struct Found {
    /// The binary and the kind of its artefact: the same from release to release.
    pub(super) name: String,
    /// Its size and that of its artefact, in bytes.
    pub(super) bytes: u64,
    pub(super) packed: u64,
}

/// Unpacks an artefact and finds its binary: its largest file.
pub(super) fn unpacked(release: &Release, artefact: &Path) -> Result<Binary> {
    let name = artefact.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = fresh(&release.work.join("unpacked").join(&name))?;
    if artefact.extension().is_some_and(|end| end == "whl") {
        let python = find("python3").ok_or("Python 3.10 or newer is not on the PATH")?;
        Run::new(python).args(["-m", "zipfile", "--extract"]).arg(artefact).arg(&folder).run()?;
    } else {
        Run::new("tar").args(["--extract", "--gzip", "--file"]).arg(artefact).arg("--directory").arg(&folder).run()?;
    }
    let largest = files_below(&folder)?.into_iter().max().ok_or_else(|| format!("{name} is empty"))?;
    Ok(Binary { artefact: name, packed: size(artefact)?, path: largest.1 })
}

/// The files of a folder and of those below it, with their sizes.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push((size(&path)?, path));
        }
    }
    Ok(files)
}

/// The newest glibc that a library asks for.
pub(crate) fn glibc(path: &Path) -> Result<Option<(u32, u32)>> {
    Ok(Elf::read(path)?.glibc)
}

/// Checks every binary; all that is wrong is said at once.
pub(super) fn run(release: &Release, platform: Platform, binaries: &[Binary]) -> Result<Vec<Found>> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for binary in binaries {
        let name = binary.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = std::fs::read(&binary.path).map_err(|e| format!("{}: {e}", binary.path.display()))?;
        let bytes = content.len() as u64;
        let archive = content.starts_with(b"!<arch>");
        let mut say = |what: String| wrong.push(format!("{}: {name}: {what}", binary.artefact));
        for text in forbidden() {
            if contains(&content, text.as_bytes()) {
                say(format!("contains {text}"));
            }
        }
        let mut floor = String::new();
        if !archive {
            if bytes > LARGEST && name != "gladhand-sandbox" {
                say(format!("{bytes} bytes, {LARGEST} are allowed"));
            }
            if platform.linux() {
                let facts = Elf::read(&binary.path)?;
                facts.complaints(platform).into_iter().for_each(&mut say);
                floor = facts.glibc.map(|(major, minor)| format!("glibc {major}.{minor}")).unwrap_or_default();
            }
        }
        println!("{bytes:>10} bytes  {name} in {} ({} bytes)  {floor}", binary.artefact, binary.packed);
        let kind = Path::new(&binary.artefact).extension().unwrap_or_default().to_string_lossy();
        found.push(Found { name: format!("{name} in {kind}"), bytes, packed: binary.packed });
    }
    if wrong.is_empty() { Ok(found) } else { Err(format!("{}: refused:\n{}", release.version, wrong.join("\n"))) }
}

/// What must not be read in a binary: what only tests have, and where things lie on this machine.
fn forbidden() -> Vec<String> {
    let machine =
        [Some(paths::root()), Some(paths::target()), Some(cargo_home()), std::env::var_os("HOME").map(PathBuf::from)];
    let machine = machine.into_iter().flatten().map(|path| format!("{}/", path.display()));
    FORBIDDEN.iter().map(|text| (*text).to_owned()).chain(machine).collect()
}

fn contains(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window == text)
}

/// What `readelf` says.
#[derive(Debug, Default)]
struct Elf {
    /// The newest glibc that a symbol asks for.
    glibc: Option<(u32, u32)>,
    needed: Vec<String>,
    search_path: bool,
    symbols: bool,
}

impl Elf {
    fn read(path: &Path) -> Result<Self> {
        let readelf = |what: &str| Run::new("readelf").args(["--wide", what]).arg(path).env("LC_ALL", "C").output();
        Ok(Self::parse(&readelf("--version-info")?, &readelf("--dynamic")?, &readelf("--sections")?))
    }

    fn parse(versions: &str, dynamic: &str, sections: &str) -> Self {
        let glibc = versions.split("GLIBC_").skip(1).filter_map(|rest| {
            let number = rest.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
            let (major, minor) = number.split_once('.')?;
            Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
        });
        let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
        Self {
            glibc: glibc.max(),
            needed: needed.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect(),
            search_path: dynamic.contains("(RPATH)") || dynamic.contains("(RUNPATH)"),
            symbols: sections.contains(".symtab") || sections.contains(".debug_info"),
        }
    }

    fn complaints(&self, platform: Platform) -> Vec<String> {
        let mut out = Vec::new();
        if platform.gnu() {
            let allowed = GLIBC.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
            if self.glibc.is_none() || self.glibc > allowed {
                out.push(format!("asks for glibc {:?}, {GLIBC} is promised", self.glibc));
            }
            let others = self.needed.iter().filter(|name| !SYSTEM.iter().any(|known| name.starts_with(known)));
            out.extend(others.map(|name| format!("needs {name}")));
        }
        if self.search_path {
            out.push("has an RPATH".to_owned());
        }
        if self.symbols {
            out.push("is not stripped".to_owned());
        }
        out
    }
}

fn size(path: &Path) -> Result<u64> {
    std::fs::metadata(path).map(|data| data.len()).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DYNAMIC: &str =
        " 0x01 (NEEDED)  Shared library: [libc.so.6]\n 0x01 (NEEDED)  Shared library: [libssl.so.3]\n";

    #[test]
    fn what_a_release_must_not_be_is_said() {
        let linux = Platform::of("x86_64-unknown-linux-gnu").unwrap();
        let elf = Elf::parse("Name: GLIBC_2.9\nName: GLIBC_2.34 x\n", DYNAMIC, " .text .symtab ");
        assert_eq!(elf.glibc, Some((2, 34)));
        assert_eq!(
            elf.complaints(linux),
            ["asks for glibc Some((2, 34)), 2.28 is promised", "needs libssl.so.3", "is not stripped"]
        );
        let fine = Elf::parse("GLIBC_2.28 GLIBC_2.2.5", " 0x01 (NEEDED)  Shared library: [libc.so.6]", " .text ");
        assert!(fine.complaints(linux).is_empty(), "{:?}", fine.complaints(linux));
        let searching = Elf::parse("GLIBC_2.28", " 0x1d (RUNPATH)  Library runpath: [/opt]", "");
        assert_eq!(searching.complaints(linux), ["has an RPATH"]);
        // An answer that was not understood is no permission.
        assert!(!Elf::parse("", "", "").complaints(linux).is_empty());
    }

    #[test]
    fn texts_are_found_in_bytes() {
        assert!(contains(b"\0\0TESTING_echo\0", b"TESTING_"));
        assert!(!contains(b"\0\0testing\0", b"TESTING_"));
        assert!(forbidden().len() > 4);
    }
}
