//! Where records come from: a recording, at a rate, or a live source.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use gladhand::telemetry::{Context, Record, json, minute};
use gladhand::{Document, Result};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::time::{Interval, MissedTickBehavior};

use crate::arguments::{Arguments, problem};

/// Ids that replace those of the records.
#[derive(Clone, Debug)]
struct Ids {
    vehicle: Option<String>,
    load: Option<String>,
    dispatch: Option<String>,
}

/// Records, one after the other.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file.
    Replay(Replay),
    /// The standard input.
    Live {
        /// Its lines.
        lines: Lines<BufReader<Stdin>>,
        /// What is replaced.
        ids: Box<Identity>,
    },
}

/// A recording and where it is.
#[derive(Debug)]
pub(crate) struct Replay {
    records: Vec<Record>,
    next: usize,
    again: bool,
    keep_time: bool,
    pace: Option<Interval>,
}

/// Ids, and the last context they were put into.
#[derive(Debug)]
pub(crate) struct Identity {
    ids: Ids,
    last: Option<(Arc<Context>, Arc<Context>)>,
}

impl Source {
    /// Opens what the command line names.
    pub(crate) fn open(arguments: &Arguments) -> Result<Self> {
        let ids = Ids {
            vehicle: arguments.vehicle.clone(),
            load: arguments.load.clone(),
            dispatch: arguments.dispatch.clone(),
        };
        let mut identity = Identity { ids, last: None };
        let Some(path) = &arguments.replay else {
            return Ok(Self::Live { lines: BufReader::new(tokio::io::stdin()).lines(), ids: Box::new(identity) });
        };
        let unreadable = |error: std::io::Error| problem(format!("{} cannot be read", path.display()), &error);
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut text = String::new();
        if path.extension().is_some_and(|extension| extension == "gz") {
            GzDecoder::new(file).read_to_string(&mut text).map_err(unreadable)?;
        } else {
            file.read_to_string(&mut text).map_err(unreadable)?;
        }
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let records = lines.map(|line| Ok(identity.put(record(line)?))).collect::<Result<Vec<_>>>()?;
        let pace = (arguments.rate > 0.0).then(|| {
            let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.rate));
            // What a slow moment held up is made up for, so that the rate is the one that was asked for.
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            pace
        });
        Ok(Self::Replay(Replay { records, next: 0, again: arguments.again, keep_time: arguments.keep_time, pace }))
    }

    /// The next record, when it is time; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Record>> {
        match self {
            Self::Replay(replay) => Ok(replay.next().await),
            Self::Live { lines, ids } => loop {
                let line = lines.next_line().await.map_err(|error| problem("the input cannot be read", &error))?;
                match line {
                    Some(line) if line.trim().is_empty() => {}
                    Some(line) => return Ok(Some(ids.put(record(&line)?))),
                    None => return Ok(None),
                }
            },
        }
    }
}

impl Replay {
    async fn next(&mut self) -> Option<Record> {
        if let Some(pace) = &mut self.pace {
            pace.tick().await;
        } else {
            // Signals and the status line come in between.
            tokio::task::yield_now().await;
        }
        if self.next == self.records.len() && self.again {
            self.next = 0;
        }
        let mut record = self.records.get(self.next)?.clone();
        self.next += 1;
        if !self.keep_time {
            record.observed_unix_nanos = now_nanos();
        }
        Some(record)
    }
}

impl Identity {
    /// The record with these ids, to be numbered by the gateway.
    fn put(&mut self, mut record: Record) -> Record {
        record.event_sequence = 0;
        if let Some((before, after)) = &self.last
            && *before == record.context
        {
            record.context = after.clone();
            return record;
        }
        let before = record.context.clone();
        let mut context = Context::clone(&before);
        let replace = |field: &mut String, id: &Option<String>| {
            if let Some(id) = id {
                field.clone_from(id);
            }
        };
        replace(&mut context.vehicle_id, &self.ids.vehicle);
        replace(&mut context.load_id, &self.ids.load);
        replace(&mut context.dispatch_id, &self.ids.dispatch);
        record.context = Arc::new(context);
        self.last = Some((before, record.context.clone()));
        record
    }
}

fn now_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// A line of a recorded trace, or a record of the contract.
fn record(line: &str) -> Result<Record> {
    let document = Document::parse(line)?;
    if document.at("/latE7").is_some() { minute::parse_line(line) } else { json::from_document(&document) }
}
