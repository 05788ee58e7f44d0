//! What the program is told on its command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use gladhand::{Code, Config, Error, Result};

/// How it is called.
pub(crate) const USAGE: &str = "\
vehicle-gateway --config gateway.toml [--replay FILE.jsonl[.gz]] [--rate HZ] [--count N] [--loop] [--safety-every N]
                [--state DIR] [--vehicle ID] [--load ID] [--dispatch ID] [--keep-time] [--linger MS]

Publishes the records of a file at a rate (10 a second unless set, 0 for as fast as it goes), or those that come on the
standard input, one JSON object per line. Every Nth goes to the safety lane with --safety-every. --state is the folder of
the spool, in place of gateway.spool. Records of a replay are observed now, unless --keep-time; the ids are those of the
file unless set. SIGTERM, the end of the input or --count end it: what waits is sent first, for at most --linger
milliseconds (10000 unless set). Prints a JSON object per second, and a last one with \"final\":true.";

/// The command line.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) config: PathBuf,
    pub(crate) replay: Option<PathBuf>,
    pub(crate) rate: f64,
    pub(crate) count: Option<u64>,
    pub(crate) again: bool,
    pub(crate) safety_every: Option<u64>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) vehicle: Option<String>,
    pub(crate) load: Option<String>,
    pub(crate) dispatch: Option<String>,
    pub(crate) keep_time: bool,
    pub(crate) linger: Duration,
}

impl Arguments {
    /// Reads the command line; nothing if only the usage is wanted.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut read = Self {
            config: PathBuf::new(),
            replay: None,
            rate: 10.0,
            count: None,
            again: false,
            safety_every: None,
            state: None,
            vehicle: None,
            load: None,
            dispatch: None,
            keep_time: false,
            linger: Duration::from_secs(10),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| wrong(format!("{word} needs a value")));
            match word.as_str() {
                "--config" => read.config = value()?.into(),
                "--replay" => read.replay = Some(value()?.into()),
                "--rate" => read.rate = number(&word, &value()?)?,
                "--count" => read.count = Some(number(&word, &value()?)?),
                "--loop" => read.again = true,
                "--safety-every" => read.safety_every = Some(number(&word, &value()?)?),
                "--state" => read.state = Some(value()?.into()),
                "--vehicle" => read.vehicle = Some(value()?),
                "--load" => read.load = Some(value()?),
                "--dispatch" => read.dispatch = Some(value()?),
                "--keep-time" => read.keep_time = true,
                "--linger" => read.linger = Duration::from_millis(number(&word, &value()?)?),
                "--help" | "-h" => return Ok(None),
                _ => return Err(wrong(format!("{word} is not known; --help says what is"))),
            }
        }
        if read.config.as_os_str().is_empty() {
            return Err(wrong("--config is missing; --help says more"));
        }
        if !read.rate.is_finite() || read.rate < 0.0 {
            return Err(wrong("--rate must be 0 or more records per second"));
        }
        Ok(Some(read))
    }

    /// Whether what is not acknowledged outlives the program.
    pub(crate) fn keeps(&self, config: &Config) -> bool {
        self.state.is_some() || config.gateway.as_ref().is_some_and(|gateway| gateway.spool.is_some())
    }
}

fn number<T: FromStr>(word: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| wrong(format!("{word} must be a number, not {value}")))
}

fn wrong(problem: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument, problem)
}

/// Something of the machine's that does not work.
pub(crate) fn problem(what: impl Display, error: &std::io::Error) -> Error {
    Error::new(Code::InvalidArgument, what.to_string()).caused_by(error)
}
