//! The documentation of the configuration names every key.

use gladhand::config::KEYS;

#[test]
fn every_key_is_documented_with_its_meaning() {
    let page = include_str!("../../../docs/configuration.md");
    for key in KEYS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", key.path)));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md lacks {}", key.path));
        assert!(row.contains("| yes |") == key.required, "{}: is it required?", key.path);
    }
}
