//! What travels with a binary on paper: the licences of all that is linked into it, and its bill of materials.

use std::path::PathBuf;

use super::build::Builder;
use super::linked::Linked;
use super::{Release, licences, sbom};
use crate::paths;
use crate::shell::Result;

/// The name of the bill of materials beside a binary.
pub(super) const BILL: &str = "sbom.cdx.json";

/// The papers of one binary.
#[derive(Debug)]
pub(super) struct Papers {
    /// Gladhand's own licence, and that of all that is linked.
    pub(super) licences: [PathBuf; 2],
    /// The bill of materials.
    pub(super) bill: PathBuf,
}

impl Papers {
    /// Every file with its name, for artefacts that have them side by side.
    pub(super) fn files(&self) -> [(&'static str, &PathBuf); 3] {
        let [own, others] = &self.licences;
        [("LICENSE", own), (licences::FILE, others), (BILL, &self.bill)]
    }
}

/// Writes the papers of a package of the workspace. The bill is an artefact of its own as well.
pub(super) fn write(release: &Release, builder: &Builder, package: &str, linked: &Linked) -> Result<Papers> {
    let folder = release.work.join("papers").join(package);
    let others = folder.join(licences::FILE);
    super::write(&others, licences::text(linked)?.as_bytes())?;
    let kind = if package == "gladhand-sandbox" { "application" } else { "library" };
    let bill = sbom::document(package, release.version, kind, linked, &release.at);
    let text = serde_json::to_string_pretty(&bill).map_err(|e| e.to_string())? + "\n";
    let path = release.out.join(format!("{package}-{}-{}.cdx.json", release.version, builder.platform.triple));
    super::write(&path, text.as_bytes())?;
    builder.tool("python").arg(paths::root().join("xtask/packaging/validate_sbom.py")).arg(&path).run()?;
    println!("{package}: {} crates, {} pieces of C code linked", linked.crates.len(), linked.bundled.len());
    Ok(Papers { licences: [paths::root().join("LICENSE"), others], bill: path })
}
