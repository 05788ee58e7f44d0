//! The README's ten lines of Swift, built and run as a program of its own that depends on the staged package.

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
            name: "ten-lines", dependencies: [.product(name: "Gladhand", package: "bindings-swift")])
    ],
    swiftLanguageModes: [.v6]
)
"#;

/// Runs the README's Swift and expects it to end well, with equal histories on both sides.
pub(crate) fn test(stage: &Stage) -> Result<Counts> {
    let path = stage.outside("README.md");
    let readme = std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let source = block(&readme, "swift").ok_or("README.md has no ```swift block")?;
    write(&stage.outside(&format!("{PACKAGE}/Package.swift")), MANIFEST.as_bytes(), 0o644)?;
    write(&stage.outside(&format!("{PACKAGE}/Sources/ten-lines/main.swift")), source.as_bytes(), 0o644)?;
    build_executable(stage, PACKAGE, PACKAGE)?;
    let output =
        run(stage, PACKAGE, PACKAGE, &[], &[]).output().map_err(|e| format!("ten-lines does not start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    if output.status.success() && text.lines().any(|line| line == "0 differences") {
        return Ok(Counts { passed: 1, failed: 0 });
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("the README's Swift ended with {}", output.status);
    Ok(Counts { passed: 0, failed: 1 })
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
