//! `cargo xtask demo`: one dispatcher's morning through the public API of a language, against a sandbox carrier of its own.
//!
//! Each language has a program called *morning* that prints `STEP ok <title> — <detail>` for each thing it did. This
//! module builds what is needed, starts the carrier, runs the program and shows its steps as a timeline.

pub(crate) mod carrier;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::languages::{Build, Language, Prepared, cargo_binary};
use crate::paths;
use crate::shell::Result;
use carrier::Carrier;

/// Runs the verb: `[--language rust|python|node|swift|all] [--swift-rootfs]`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut chosen = "python".to_owned();
    let mut build = Build { swift_rootfs: false, testing: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--language" => chosen.clone_from(rest.next().ok_or("--language wants rust, python, node, swift or all")?),
            "--swift-rootfs" => build.swift_rootfs = true,
            other => return Err(format!("demo does not know {other}; it takes --language and --swift-rootfs")),
        }
    }
    let languages = Language::choose(&chosen, build)?;
    println!("building the sandbox carrier");
    let sandbox = cargo_binary("gladhand-sandbox")?;
    let mut total = Count::default();
    for language in languages {
        println!("\n── {} ─ building its package", language.name());
        let prepared = language.prepare(build, &sandbox)?;
        total.add(&morning(language, &prepared, &sandbox)?);
    }
    println!("\ndemo: {} steps, {} failed", total.steps, total.failed);
    if total.failed == 0 { Ok(()) } else { Err(String::new()) }
}

#[derive(Default)]
pub(crate) struct Count {
    pub(crate) steps: u64,
    pub(crate) failed: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.failed += other.failed;
    }
}

fn morning(language: Language, prepared: &Prepared, sandbox: &Path) -> Result<Count> {
    let folder = prepared.demo_folder(language);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let carrier = Carrier::start(sandbox, &folder)?;
    println!("── {} ─ a dispatcher's morning; the carrier answers at {}", language.name(), carrier.url);
    // Beside the configuration, where every language's programs can see it.
    let minute = folder.join("highway_minute.jsonl.gz");
    std::fs::copy(paths::root().join("conformance/vectors/telemetry/highway_minute.jsonl.gz"), &minute)
        .map_err(|e| format!("{}: {e}", minute.display()))?;
    let mut command = prepared.morning(&[
        ("GLADHAND_CONFIG", carrier.config.clone()),
        ("GLADHAND_SANDBOX_CONTROL", PathBuf::from(&carrier.control)),
        ("GLADHAND_GATEWAY_CONFIG", carrier.gateway_config.clone()),
        ("GLADHAND_HIGHWAY_MINUTE", minute),
    ])?;
    let mut count = play(&mut command)?;
    if count.steps == 0 {
        println!("   FAILED: the morning printed no step");
        count = Count { steps: 1, failed: 1 };
    }
    println!("   the journal lies at {}", carrier.folder.join("journal.db").display());
    Ok(count)
}

/// Runs the program and shows each step with the time since the start.
pub(crate) fn play(command: &mut Command) -> Result<Count> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let mut count = Count::default();
    let pipe = child.stdout.take().ok_or("the morning has no output")?;
    for line in BufReader::new(pipe).lines().map_while(std::result::Result::ok) {
        let Some(step) = line.strip_prefix("STEP ") else {
            println!("           {line}");
            continue;
        };
        let (verdict, text) = step.split_once(' ').unwrap_or((step, ""));
        let (title, detail) = text.split_once(" — ").unwrap_or((text, ""));
        count.steps += 1;
        let seconds = started.elapsed().as_secs_f64();
        if verdict == "ok" {
            println!("   {seconds:6.2} s  {title:<34} {detail}");
        } else {
            count.failed += 1;
            println!("   {seconds:6.2} s  FAILED: {title:<26} {detail}");
        }
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    if !status.success() {
        count.steps += 1;
        count.failed += 1;
        println!("   FAILED: the morning ended with {status}");
    }
    Ok(count)
}
