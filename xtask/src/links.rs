//! Links within the repository's pages lead somewhere: to a file that is there, and to a heading that it has.
//!
//! Links to other places are not followed: this must work without a network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::shell::{Result, Run};

/// Checks every page that is under version control, or about to be.
fn check(root: &Path) -> Result<()> {
    let listed =
        Run::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]).at(root).output()?;
    let pages: Vec<&str> = listed.lines().filter(|page| root.join(page).exists()).collect();
    let mut dead = Vec::new();
    for page in &pages {
        let text = read(&root.join(page))?;
        for target in targets(&text) {
            if let Some(why) = broken(root, Path::new(page), &text, &target) {
                dead.push(format!("{page}: {target}: {why}"));
            }
        }
    }
    println!("links: {} pages, {} dead", pages.len(), dead.len());
    if dead.is_empty() { Ok(()) } else { Err(dead.join("\n")) }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Why a link leads nowhere, if it does.
fn broken(root: &Path, page: &Path, text: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let place: PathBuf = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    if !root.join(&place).exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    let other = if path.is_empty() { text.to_owned() } else { read(&root.join(&place)).ok()? };
    (!anchors(&other).contains(anchor)).then(|| "the page has no such heading".to_owned())
}

/// What a page links to: `[words](target)`, outside of code.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What stands between backticks is no link.
        let plain: String = line.split('`').step_by(2).collect();
        let mut rest = plain.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let end = after.find(')').unwrap_or(after.len());
            found.push(after[..end].to_owned());
            rest = &after[end..];
        }
    }
    found
}

/// The anchors of a page's headings, as forges make them: lower case, spaces as hyphens, punctuation left out.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let words = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        Some(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect())
    };
    prose(text).filter_map(heading).collect()
}

/// The lines that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_seen_and_code_is_not_read() {
        let text =
            "# One: two\n[a](#one-two) [b](other.md) [c](https://x.test) `[d](no.md)`\n```\n[e](no.md)\n# no\n```\n";
        assert_eq!(targets(text), ["#one-two", "other.md", "https://x.test"]);
        assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), ["one-two"]);
        let root = crate::paths::root();
        let why = |target| broken(&root, Path::new("docs/tender.md"), text, target);
        assert_eq!(why("#one-two"), None);
        assert!(why("#two").is_some() && why("other.md").is_some() && why("tender.md#no-such").is_some());
        assert_eq!((why("tender.md#errors"), why("https://x.test")), (None, None));
    }

    #[test]
    fn every_link_of_every_page_leads_somewhere() {
        check(&crate::paths::root()).unwrap();
    }
}
