//! What others say of the published contract: Redocly's linter over OpenAPI and AsyncAPI, and oasdiff for what breaks
//! against the copy that was published last (contract 5). Both are pinned, and kept in the cache outside the clone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Result;
use crate::npm;
use crate::shell::{Run, find};

const FOLDER: &str = "conformance/contract";
/// The contract as it was published last, by name of the file.
const PUBLISHED: &str = "conformance/contract/published";
const DOCUMENTS: [&str; 2] = ["openapi.json", "asyncapi.json"];
const OASDIFF: &str = "github.com/oasdiff/oasdiff@v1.37.0";

/// Lints the contract, and names what breaks those who hold to the published one.
pub(crate) fn run(root: &Path, cache: &Path) -> Result<()> {
    let linter = npm::locked(&root.join(FOLDER).join("linter"), &cache.join("contract-linter"))?.join("redocly");
    Run::new(&linter)
        .args(["lint", "--format", "stylish", "--config", "redocly.yaml"])
        .args(DOCUMENTS)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .at(root.join(FOLDER))
        .run()?;
    broken(root, cache)
}

/// Makes today's contract the one that later ones are compared with.
pub(crate) fn publish(root: &Path) -> Result<()> {
    for name in DOCUMENTS {
        let text = read(&root.join(FOLDER).join(name))?;
        write(&root.join(PUBLISHED).join(name), &text)?;
    }
    crate::interop::telemetry::publish(root)?;
    println!("contract: published; a change that breaks it now needs another major version");
    Ok(())
}

/// Errors of oasdiff, and event types that are gone, unless the major version rose.
fn broken(root: &Path, cache: &Path) -> Result<()> {
    let [before, now] = [PUBLISHED, FOLDER].map(|folder| root.join(folder));
    if major(&before)? < major(&now)? {
        println!("contract: another major version, nothing to compare");
        return Ok(());
    }
    Run::new(differ(cache)?)
        .args(["breaking", "--fail-on", "ERR", "--deprecation-days-stable", "365"])
        .arg(before.join("openapi.json"))
        .arg(now.join("openapi.json"))
        .run()?;
    let gone: Vec<String> = events(&before)?.difference(&events(&now)?).cloned().collect();
    if gone.is_empty() { Ok(()) } else { Err(format!("event types are gone from asyncapi.json: {}", gone.join(", "))) }
}

fn major(folder: &Path) -> Result<u32> {
    let document = json(&folder.join("openapi.json"))?;
    let version = document["info"]["version"].as_str().and_then(|version| version.split('.').next()?.parse().ok());
    version.ok_or_else(|| format!("{}: info.version is no semantic version", folder.display()))
}

fn events(folder: &Path) -> Result<BTreeSet<String>> {
    let document = json(&folder.join("asyncapi.json"))?;
    let messages = document["components"]["messages"].as_object().into_iter().flat_map(|messages| messages.values());
    Ok(messages.filter_map(|message| Some(message["name"].as_str()?.to_owned())).collect())
}

/// oasdiff, built from its module unless that version is there.
fn differ(cache: &Path) -> Result<PathBuf> {
    let version = OASDIFF.rsplit('@').next().unwrap_or_default();
    let bin = cache.join(format!("tools/oasdiff-{version}"));
    let program = bin.join("oasdiff");
    if !program.is_file() {
        let go = find("go").ok_or("Go 1.24 or newer is not on the PATH: the contract is compared with oasdiff")?;
        Run::new(go)
            .args(["install", OASDIFF])
            .env("GOBIN", &bin)
            .env("GOFLAGS", "-trimpath")
            .at(std::env::temp_dir())
            .run()?;
    }
    Ok(program)
}

fn json(path: &Path) -> Result<Value> {
    serde_json::from_str(&read(path)?).map_err(|e| format!("{}: {e}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))
}
