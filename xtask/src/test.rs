//! `cargo xtask test`: everything, in all four languages, from the built wheel, the packed tarball and the Swift package.

use crate::languages::{Build, Language, cargo_binary};
use crate::shell::Result;
use crate::tally::{self, Tally};

/// Runs the verb: `[--swift-rootfs] [--language …|all] [--filter TEXT]`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut build = Build { swift_rootfs: false, failpoints: true };
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
    let mut total = Tally::default();
    for language in Language::choose(&chosen, build)? {
        println!("\n── {} ─", language.name());
        let tally = language
            .prepare(build, &sandbox)
            .and_then(|prepared| prepared.test(&sandbox, filter.as_deref()))
            .unwrap_or_else(|why| {
                eprintln!("{}: {why}", language.name());
                Tally { passed: 0, failed: 1 }
            });
        total.add(tally);
    }
    println!();
    tally::close(total)
}
