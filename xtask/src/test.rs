//! `cargo xtask test`: everything, in all four languages, from the built wheel, the packed tarball and the Swift package.

use std::path::Path;

use crate::languages::{Build, Language, Testing, cargo_binary};
use crate::negative::Cases;
use crate::shell::Result;
use crate::tally::{self, Tally};
use crate::{canary, parity, paths};

/// Runs the verb: `[--swift-rootfs] [--language …|all] [--filter TEXT]`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut build = Build { swift_rootfs: false, testing: true };
    let (mut chosen, mut filter) = ("all".to_owned(), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--swift-rootfs" => build.swift_rootfs = true,
            "--language" => chosen = value()?,
            "--filter" => filter = Some(value()?),
            other => {
                return Err(format!("test does not know {other}; it takes --swift-rootfs, --language and --filter"));
            }
        }
    }
    let sandbox = cargo_binary("gladhand-sandbox")?;
    let canaries = canary::file(&paths::target())?;
    let (mut total, mut cases, mut output) = (Tally::default(), Cases::default(), String::new());
    let languages = Language::choose(&chosen, build)?;
    for language in languages.iter().copied() {
        println!("\n── {} ─", language.name());
        let ran = language.prepare(build, &sandbox).and_then(|prepared| {
            prepared.test(&Testing { sandbox: &sandbox, canaries: &canaries, filter: filter.as_deref() })
        });
        match ran {
            Ok((tally, text)) => {
                total.add(tally);
                cases.read(language.name(), &text);
                output.push_str(&text);
            }
            Err(why) => {
                eprintln!("{}: {why}", language.name());
                total.add(Tally { passed: 0, failed: 1 });
            }
        }
    }
    total.add(scanned(&output, &canaries)?);
    // What the packages say of themselves; Swift's sources are always there.
    if filter.is_none() && [Language::Python, Language::Node].iter().all(|language| languages.contains(language)) {
        total.add(parity::test()?);
    }
    if chosen == "all" && filter.as_deref().is_none_or(|filter| filter == "negative") {
        if filter.is_some() {
            cases.print();
        }
        total.add(complete(&cases));
    }
    println!();
    tally::close(total)
}

/// The canary scan over everything that was printed: one more test.
fn scanned(output: &str, canaries: &Path) -> Result<Tally> {
    let known = std::fs::read_to_string(canaries).map_err(|e| format!("{}: {e}", canaries.display()))?;
    let found = canary::scan(output, &known);
    println!(
        "\ncanary scan: {} lines, {} secrets known, {} found",
        output.lines().count(),
        known.lines().count(),
        found.len()
    );
    for what in &found {
        println!("canary scan: {what}");
    }
    Ok(if found.is_empty() { Tally { passed: 1, failed: 0 } } else { Tally { passed: 0, failed: 1 } })
}

/// All negative cases are there: one more test.
fn complete(cases: &Cases) -> Tally {
    let missing = cases.missing();
    if missing.is_empty() {
        return Tally { passed: 1, failed: 0 };
    }
    println!("negative cases without a test that passed: {}", missing.join(", "));
    Tally { passed: 0, failed: 1 }
}
