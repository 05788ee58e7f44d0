//! A link between a gateway and its carrier, in user space: a relay of TCP connections that counts what passes and can be slow.
//!
//! A slow link is one queue for each direction, which all connections share, first come first served: segments take their time at
//! the rate, then half a round trip. Of a hundred segments two are lost. TCP hides that at a price: what comes behind on the
//! same connection waits until the segment has come again, one round trip after the next one arrived, which tells of the loss, or
//! two round trips later if none did (a tail loss probe); and it takes the link a second time.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::hour::Noise;

pub const ROUND_TRIP: Duration = Duration::from_millis(200);
const BITS_PER_SECOND: f64 = 1e6;
const LOST_PER_CENT: usize = 2;
/// The payload of a segment, and its headers.
const SEGMENT: usize = 1448;
const HEADERS: usize = 52;

/// A relay, and how many bytes went up.
pub struct Link {
    pub port: u16,
    pub up: Arc<AtomicU64>,
}

impl Link {
    /// To this port, as fast as it goes or `slow`.
    pub fn start(to: u16, slow: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let up = Arc::new(AtomicU64::new(0));
        let counted = up.clone();
        let wires = slow.then(|| [wire(1), wire(2)]);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { continue };
                let count = [counted.clone(), Arc::default()];
                let ends = [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))];
                for (direction, ((from, to), count)) in ends.into_iter().zip(count).enumerate() {
                    let (Ok(from), Ok(to)) = (from, to) else { continue };
                    let _ = to.set_nodelay(true);
                    let wire = wires.as_ref().map(|wires| wires[direction].clone());
                    std::thread::spawn(move || carry(from, to, wire, &count));
                }
            }
        });
        Self { port, up }
    }
}

/// A segment on its way to the end of its connection.
struct Segment {
    bytes: Vec<u8>,
    to: Sender<Arriving>,
}

struct Arriving {
    bytes: Vec<u8>,
    at: Instant,
    lost: bool,
}

/// Reads one direction of a connection until it ends.
fn carry(mut from: TcpStream, mut to: TcpStream, wire: Option<Sender<Segment>>, count: &AtomicU64) {
    let mut buffer = [0; SEGMENT];
    let Some(wire) = wire else {
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            count.fetch_add(read as u64, Ordering::Relaxed);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        return;
    };
    let (end, arriving) = channel();
    std::thread::spawn(move || deliver(to, &arriving));
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        count.fetch_add(read as u64, Ordering::Relaxed);
        if wire.send(Segment { bytes: buffer[..read].to_vec(), to: end.clone() }).is_err() {
            break;
        }
    }
}

/// One direction of the slow link.
fn wire(seed: u64) -> Sender<Segment> {
    let (wire, segments) = channel::<Segment>();
    std::thread::spawn(move || {
        let mut dice = Noise::new(seed);
        let mut free_at = Instant::now();
        for Segment { bytes, to } in segments {
            let takes = Duration::from_secs_f64(((bytes.len() + HEADERS) * 8) as f64 / BITS_PER_SECOND);
            let lost = dice.below(100) < LOST_PER_CENT;
            free_at = free_at.max(Instant::now()) + takes;
            let at = free_at + ROUND_TRIP / 2;
            if lost {
                free_at += takes;
            }
            sleep_until(free_at);
            let _ = to.send(Arriving { bytes, at, lost });
        }
    });
    wire
}

/// Writes what arrives when it does, in the order of the connection.
fn deliver(mut to: TcpStream, arriving: &Receiver<Arriving>) {
    let mut next = None;
    while let Some(Arriving { bytes, at, lost }) = next.take().or_else(|| arriving.recv().ok()) {
        let at = if lost { again(at, arriving, &mut next) } else { at };
        // What came earlier on this connection was written before: it is late at most.
        sleep_until(at);
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// When a lost segment has come again.
fn again(at: Instant, arriving: &Receiver<Arriving>, next: &mut Option<Arriving>) -> Instant {
    match arriving.recv_timeout((at + ROUND_TRIP).saturating_duration_since(Instant::now())) {
        Ok(behind) => {
            let told = behind.at.max(at) + ROUND_TRIP;
            *next = Some(behind);
            told.min(at + 2 * ROUND_TRIP)
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => at + 2 * ROUND_TRIP,
    }
}

fn sleep_until(at: Instant) {
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
}
