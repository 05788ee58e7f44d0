//! The network between the gateway and the collector: a TCP proxy on loopback that can be slow, silent, shut, or cut.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::shell::Result;

/// How often a stopped direction looks again.
const TICK: Duration = Duration::from_millis(10);
/// Bytes that are carried at once.
const CHUNK: usize = 16 * 1024;

/// The state of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Everything passes.
    Fair,
    /// Everything passes, each piece this much later.
    Slow(Duration),
    /// Connections stand and nothing passes: a partition that nobody is told of.
    Silent,
    /// Nobody gets a connection, and those that stood are gone.
    Shut,
}

/// A proxy, and its port.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: u16,
    over: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// To this port, in fair weather.
    pub(super) fn start(to: u16) -> Result<Self> {
        let failed = |e: std::io::Error| format!("the proxy: {e}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let state = Mutex::new(State { weather: Weather::Fair, open: Vec::new() });
        let shared = Arc::new(Shared { to, over: AtomicBool::new(false), state });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(std::result::Result::ok) {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                accepting.connect(near);
            }
        });
        Ok(Self { port, shared })
    }

    pub(super) fn set(&self, weather: Weather) {
        self.shared.state().weather = weather;
        if weather == Weather::Shut {
            self.cut();
        }
    }

    /// Cuts every connection that stands.
    pub(super) fn cut(&self) {
        for stream in self.shared.state().open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes whoever accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a connection both ways on threads of its own; without anyone at the other end it is dropped.
    fn connect(self: &Arc<Self>, near: TcpStream) {
        if self.state().weather == Weather::Shut {
            return;
        }
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.to)) else { return };
        let pair =
            (|| Ok::<_, std::io::Error>([near.try_clone()?, far.try_clone()?, near.try_clone()?, far.try_clone()?]))();
        let Ok([near_again, far_again, near_kept, far_kept]) = pair else { return };
        {
            let mut state = self.state();
            state.open.retain(|stream| stream.peer_addr().is_ok());
            state.open.extend([near_kept, far_kept]);
        }
        for (from, to) in [(near, far_again), (far, near_again)] {
            let _ = from.set_nodelay(true);
            let shared = self.clone();
            std::thread::spawn(move || shared.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            loop {
                let weather = self.state().weather;
                match weather {
                    Weather::Fair => break,
                    Weather::Slow(by) => {
                        std::thread::sleep(by);
                        break;
                    }
                    Weather::Silent if !self.over.load(Ordering::Relaxed) => std::thread::sleep(TICK),
                    Weather::Silent | Weather::Shut => {
                        let _ = to.shutdown(Shutdown::Both);
                        return;
                    }
                }
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_stops_and_cuts() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let proxy = Proxy::start(server.local_addr().expect("an address").port()).expect("a proxy");
        let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).expect("a connection");
        let (mut far, _) = server.accept().expect("carried");
        near.write_all(b"hello").expect("written");
        let mut word = [0; 5];
        far.read_exact(&mut word).expect("read");
        assert_eq!(&word, b"hello");
        proxy.set(Weather::Silent);
        near.write_all(b"hello").expect("written");
        far.set_read_timeout(Some(Duration::from_millis(50))).expect("a limit");
        assert!(far.read(&mut word).is_err(), "something passed");
        proxy.set(Weather::Fair);
        far.set_read_timeout(None).expect("no limit");
        far.read_exact(&mut word).expect("passes again");
        proxy.cut();
        assert_eq!(near.read(&mut word).expect("the end"), 0);
        proxy.set(Weather::Shut);
        let mut refused = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).expect("a socket");
        assert!(matches!(refused.read(&mut word), Ok(0) | Err(_)));
    }
}
