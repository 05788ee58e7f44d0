//! A vehicle gateway. Replays a recorded file at a rate, or passes on what a live source writes to its standard input, and
//! says once a second how it is. Killed, unplugged from the network or with a damaged spool, it goes on where it was.
//!
//! * [`arguments`]: what it is told. * [`source`]: where records come from. * [`report`]: what it says.

mod arguments;
mod report;
mod source;

use std::time::Duration;

use arguments::Arguments;
use gladhand::telemetry::{Lane, Record};
use gladhand::{Code, Config, Gateway, GatewayOptions, Result};
use source::Source;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Some(arguments) = Arguments::read(std::env::args().skip(1))? else {
        println!("{}", arguments::USAGE);
        return Ok(());
    };
    let config = Config::builder().environment_variables().file(&arguments.config).build()?;
    let options = GatewayOptions { spool: arguments.state.clone(), ..GatewayOptions::default() };
    let gateway = Gateway::connect(&config, options).await?;
    let mut count = report::Count::default();
    let published = publish(&arguments, &gateway, &mut count).await;
    let closed = gateway.close(arguments.linger).await;
    println!("{}", report::line(&gateway.status(), count, true));
    match (published, closed) {
        // What still waits is in the spool.
        (Ok(()), Err(error)) if error.code() == Code::DeadlineExceeded && arguments.keeps(&config) => Ok(()),
        (published, closed) => published.and(closed.map(|_| ())),
    }
}

/// Publishes until the source ends, enough was published, or somebody asks it to stop.
async fn publish(arguments: &Arguments, gateway: &Gateway, count: &mut report::Count) -> Result<()> {
    let stopped = |kind| signal(kind).map_err(|error| arguments::problem("signals cannot be heard", &error));
    let (mut terminated, mut interrupted) = (stopped(SignalKind::terminate())?, stopped(SignalKind::interrupt())?);
    let mut source = Source::open(arguments)?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while arguments.count.is_none_or(|count_limit| count.published < count_limit) {
        tokio::select! {
            biased;
            _ = terminated.recv() => break,
            _ = interrupted.recv() => break,
            _ = second.tick() => println!("{}", report::line(&gateway.status(), *count, false)),
            record = source.next() => match record? {
                Some(record) => take(arguments, gateway, record, count)?,
                None => break,
            },
        }
    }
    Ok(())
}

fn take(arguments: &Arguments, gateway: &Gateway, record: Record, count: &mut report::Count) -> Result<()> {
    let urgent = arguments.safety_every.is_some_and(|every| (count.published + 1).is_multiple_of(every));
    let admission = if urgent { gateway.publish_in(Lane::Safety, record)? } else { gateway.publish(record)? };
    count.published += 1;
    count.refused += u64::from(!admission.accepted);
    Ok(())
}
