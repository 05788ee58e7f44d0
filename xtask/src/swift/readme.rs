//! The Swift of both READMEs and of the documentation's pages, built and run as a program of its own that depends on the staged
//! package. The manifest is the README's, the program its ten lines, and each further block a function that is called with a
//! sandbox of its own.

use std::fmt::Write;
use std::fs;

use super::staging::write;
use super::{Counts, Result, Stage, build_executable, run};

/// The program's package, and how the package is called that it depends on: there, and in the README.
const PACKAGE: &str = "ten-lines";
const STAGED: &str = "bindings-swift";
const NAMED: &str = "gladhand-swift";
/// Lines that these print when all went well: the README's, and that of docs/observability.md.
const PROMISED: &[&str] = &["0 differences", "notFound 4bf92f3577b34da6a3ce929d0e0e4736"];
/// What stands before the further blocks.
const SNIPPETS: &str = "\
import Foundation
import Gladhand
import GladhandTesting

/// Runs each block; gives how many ran.
func snippets() async throws -> Int {
    let all: [@Sendable (Client, Sandbox, LoadTender, CapacityOffer) async throws -> Void] = [";

/// Runs the README's Swift and expects it to end well, with equal histories on both sides.
pub(crate) fn test(stage: &Stage) -> Result<Counts> {
    let read = |path: &str| {
        let path = crate::paths::root().join(path);
        fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
    };
    let ten_lines = read("README.md")?;
    let ten_lines = block(&ten_lines, "swift").ok_or("README.md has no ```swift block")?;
    let readme = read("bindings-swift/README.md")?;
    let (mut manifest, mut cases, mut snippets) = (None, Vec::new(), Vec::new());
    let pages = pages()?;
    for block in pages.iter().chain([&readme]).flat_map(|page| blocks(page, "swift")) {
        match block {
            _ if block.starts_with("// swift-tools-version") => manifest = Some(block),
            _ if block.contains("import XCTest") => cases.push(block),
            _ => snippets.push(block),
        }
    }
    let tested = read("bindings-swift/Tests/GladhandTests/ReadmeTests.swift")?;
    if let Some(case) = cases.iter().find(|case| !tested.contains(**case)) {
        return Err(format!("a test case of bindings-swift/README.md is not in its ReadmeTests.swift:\n{case}"));
    }
    let manifest = manifest.ok_or("bindings-swift/README.md has no manifest")?.replace(NAMED, STAGED);
    let manifest = manifest.replace("\"dispatch\"", &format!("\"{PACKAGE}\""));
    let main = format!("{ten_lines}print(try await snippets(), \"snippets\")\n");
    for (path, text) in [
        ("Package.swift", manifest),
        (&*format!("Sources/{PACKAGE}/main.swift"), main),
        (&*format!("Sources/{PACKAGE}/Snippets.swift"), functions(&snippets)),
    ] {
        write(&stage.outside(&format!("{PACKAGE}/{path}")), text.as_bytes(), 0o644)?;
    }
    build_executable(stage, PACKAGE, PACKAGE)?;
    let output =
        run(stage, PACKAGE, PACKAGE, &[], &[]).output().map_err(|e| format!("{PACKAGE} does not start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let ran = format!("{} snippets", snippets.len());
    let mut promised = PROMISED.to_vec();
    promised.push(&ran);
    promised.extend(pages.iter().filter(|page| block(page, "swift").is_some()).flat_map(|page| promises(page)));
    if output.status.success() && promised.iter().all(|line| text.lines().any(|said| said == *line)) {
        return Ok(Counts { passed: 1 + snippets.len(), failed: 0 });
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("the READMEs' Swift ended with {}; it must print {promised:?}", output.status);
    Ok(Counts { passed: 0, failed: 1 })
}

/// The pages of the documentation.
fn pages() -> Result<Vec<String>> {
    let folder = crate::paths::root().join("docs");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{} cannot be read: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let pages = paths.iter().filter(|path| path.extension().is_some_and(|suffix| suffix == "md"));
    pages.map(|path| fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))).collect()
}

/// What a page says that its program prints in every language: "All print `…`.".
fn promises(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.split_once("All print `")?.1.strip_suffix("`."))
}

/// Each block as a function, and one that calls them all.
fn functions(snippets: &[&str]) -> String {
    let names: Vec<String> = (1..=snippets.len()).map(|number| format!("snippet{number}")).collect();
    let mut out = SNIPPETS.to_owned() + &names.join(", ");
    out.push_str(
        "]
    for snippet in all {
        try await withSandbox { carrier, gh in
            let found = try await gh.capacity.search(origin: (41.8781, -87.6298), destination: (34.0522, -118.2437))
            let offer = found.offers[0].offer
            try await snippet(gh, carrier, carrier.load(\"load-1\", offer: offer), offer)
        }
    }
    return all.count
}
",
    );
    for (name, snippet) in names.iter().zip(snippets) {
        let _ = write!(
            out,
            "\n@Sendable func {name}(gh: Client, carrier: Sandbox, load: LoadTender, offer: CapacityOffer) async throws {{\n"
        );
        for line in snippet.lines().filter(|line| !line.starts_with("import ")) {
            let _ = writeln!(out, "    {line}");
        }
        out.push_str("}\n");
    }
    out
}

/// The first block of a language in a page.
pub(crate) fn block<'a>(markdown: &'a str, language: &str) -> Option<&'a str> {
    blocks(markdown, language).next()
}

/// Every block of a language in a page.
fn blocks<'a>(markdown: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let fence = format!("```{language}\n");
    let after: Vec<&str> = markdown.split(&*fence).skip(1).collect();
    after.into_iter().filter_map(|rest| rest.split_once("```").map(|(code, _)| code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_blocks_of_one_language() {
        let page = "a\n```js\nx\n```\n```swift\ny\nz\n```\n```sh\nw\n```\n```swift\nv\n```\n";
        assert_eq!(blocks(page, "swift").collect::<Vec<_>>(), ["y\nz\n", "v\n"]);
        assert_eq!(block(page, "js"), Some("x\n"));
        assert_eq!(block("nothing", "swift"), None);
    }

    #[test]
    fn what_a_page_promises_is_known() {
        assert_eq!(promises("x\nAll print `delivered`.\nBoth print `no`.\n").collect::<Vec<_>>(), ["delivered"]);
    }

    #[test]
    fn a_block_is_a_function() {
        let source = functions(&["import Gladhand\n\nlet a = 1\n"]);
        assert!(source.contains("= [snippet1]"), "{source}");
        assert!(source.contains("async throws {\n    \n    let a = 1\n}\n"), "{source}");
    }
}
