//! The README's ten lines of Swift and those of the log, built and run as programs of their own that depend on the staged package.

use super::staging::write;
use super::{Counts, Result, Stage, build_executable, run};

const PACKAGE: &str = "ten-lines";
const MANIFEST: &str = r#"// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "ten-lines",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../bindings-swift")],
    targets: [
        .executableTarget(
            name: "ten-lines", dependencies: [.product(name: "Gladhand", package: "bindings-swift")]),
        .executableTarget(
            name: "log-lines", dependencies: [.product(name: "Gladhand", package: "bindings-swift")]),
    ],
    swiftLanguageModes: [.v6]
)
"#;

/// The pages, the program that each one's Swift is, and a line that it prints when all went well.
pub(super) const PAGES: [(&str, &str, &str); 2] = [
    ("README.md", "ten-lines", "0 differences"),
    ("docs/observability.md", "log-lines", "notFound 4bf92f3577b34da6a3ce929d0e0e4736"),
];

/// Runs the Swift of each page and expects it to end well.
pub(crate) fn test(stage: &Stage) -> Result<Counts> {
    write(&stage.outside(&format!("{PACKAGE}/Package.swift")), MANIFEST.as_bytes(), 0o644)?;
    for (page, program, _) in PAGES {
        let path = stage.outside(page);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        let source = block(&text, "swift").ok_or_else(|| format!("{page} has no ```swift block"))?;
        write(&stage.outside(&format!("{PACKAGE}/Sources/{program}/main.swift")), source.as_bytes(), 0o644)?;
    }
    let mut counts = Counts::default();
    for (page, program, expected) in PAGES {
        build_executable(stage, PACKAGE, program)?;
        let output =
            run(stage, PACKAGE, program, &[], &[]).output().map_err(|e| format!("{program} does not start: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        if output.status.success() && text.lines().any(|line| line == expected) {
            counts.passed += 1;
            continue;
        }
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        eprintln!("the Swift of {page} ended with {}", output.status);
        counts.failed += 1;
    }
    Ok(counts)
}

fn block<'a>(markdown: &'a str, language: &str) -> Option<&'a str> {
    let (_, after) = markdown.split_once(&format!("```{language}\n"))?;
    after.split_once("```").map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_block_of_one_language() {
        assert_eq!(block("a\n```js\nx\n```\n```swift\ny\nz\n```\n", "swift"), Some("y\nz\n"));
        assert_eq!(block("nothing", "swift"), None);
    }
}
