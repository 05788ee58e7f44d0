//! Where a journal may lie: a set path on a local file system (contract 4c). Locks of network file systems lie.

use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};

const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "ocfs2",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.gcsfuse",
    "fuse.rclone",
    "davfs",
    "ncpfs",
];

/// Checks the path, makes its folder, and returns where the journal really is.
pub(super) fn check(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(Code::ConfigMissing, "`journal.path` is not set"));
    }
    let name = path
        .file_name()
        .ok_or_else(|| Error::new(Code::ConfigInvalid, format!("`journal.path` ({}) names no file", path.display())))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::create_dir_all(folder).and_then(|()| folder.canonicalize()).map_err(|e| {
        Error::new(Code::JournalUnwritable, format!("the journal's folder {} cannot be made", folder.display()))
            .caused_by(&e)
    })?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if let Some(kind) = filesystem(&mounts, &folder).filter(|kind| NETWORK.contains(&kind.as_str())) {
        return Err(Error::new(
            Code::JournalUnsupported,
            format!("the journal's folder {} lies on a network file system ({kind})", folder.display()),
        ));
    }
    Ok(folder.join(name))
}

/// The type of the file system that holds a folder, from the kernel's mount table; the longest mount point wins, and
/// among equals the last mounted.
fn filesystem(mounts: &str, folder: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            // Spaces in a mount point are written as octal escapes.
            let point = left.split(' ').nth(4)?.replace("\\040", " ");
            folder.starts_with(&point).then(|| (point.len(), right.split(' ').next().unwrap_or_default().to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:40 / /mnt/share rw - nfs4 server:/x rw\n23 22 8:2 / /mnt/share/my\\040disk rw - xfs /dev/sdb rw\n";

    #[test]
    fn the_nearest_mount_decides() {
        assert_eq!(filesystem(MOUNTS, Path::new("/var/lib")).as_deref(), Some("ext4"));
        assert_eq!(filesystem(MOUNTS, Path::new("/mnt/share/a")).as_deref(), Some("nfs4"));
        assert_eq!(filesystem(MOUNTS, Path::new("/mnt/share/my disk/a")).as_deref(), Some("xfs"));
        assert_eq!(filesystem(MOUNTS, Path::new("/mnt/shared")).as_deref(), Some("ext4"));
    }

    #[test]
    fn an_unset_path_is_refused() {
        assert_eq!(check(Path::new("")).unwrap_err().code(), Code::ConfigMissing);
        assert_eq!(check(Path::new("/")).unwrap_err().code(), Code::ConfigInvalid);
    }
}
