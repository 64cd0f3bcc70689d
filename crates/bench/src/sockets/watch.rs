//! Connections that were opened to be there, and what one book brings to each.

use super::times::{Times, number};
use crate::histogram::Histogram;
use crate::json::Object;
use crate::load::client::open_socket;
use crate::socket::{EVENTS_MAX, READ_BYTES, Socket};
use crate::{Failure, failure};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How long the images of a subscription may take, for all connections.
const IMAGES_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it waits for messages before it looks whether to stop.
const TURN: Duration = Duration::from_millis(50);
/// After so many sockets are opened, those that are open are read.
const OPENED_PER_TURN: usize = 256;

/// The connections.
#[derive(Debug)]
pub(super) struct Watch {
    inner: Mutex<Inner>,
    stops: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    epoll: OwnedFd,
    sockets: Vec<Socket>,
    buffer: Vec<u8>,
    seen: Seen,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Seen {
    images: usize,
    /// The seq of each delta and when it was read, in µs since the epoch.
    deltas: Vec<(u64, u64)>,
}

impl Watch {
    /// Opens so many sockets, one after another.
    ///
    /// # Errors
    /// The server refuses one.
    pub(super) fn connect(host: &str, port: u16, count: usize) -> Result<Self, Failure> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (buffer, seen) = (vec![0; READ_BYTES], Seen::default());
        let mut inner = Inner { epoll, sockets: Vec::with_capacity(count), buffer, seen };
        for token in 0..count {
            let stream = open_socket(host, port)?;
            let token = u64::try_from(token).unwrap_or(u64::MAX);
            inner.sockets.push(Socket::register(&inner.epoll, stream, Role::Client, token)?);
            if inner.sockets.len().is_multiple_of(OPENED_PER_TURN) {
                inner.turn(Duration::ZERO)?;
            }
        }
        Ok(Self { inner: Mutex::new(inner), stops: AtomicBool::new(false) })
    }

    /// Subscribes sockets to the book until so many are, and waits until each has its image.
    ///
    /// # Errors
    /// One gets none, or is closed.
    pub(super) fn subscribe(
        &mut self,
        symbol: &str,
        depth: usize,
        count: usize,
    ) -> Result<(), Failure> {
        let text = format!(
            r#"{{"id":1,"op":"subscribe","params":{{"channel":"book","symbols":["{symbol}"],"depth":{depth}}}}}"#
        );
        let inner = self.inner.get_mut().map_err(|_| Failure("the watch broke".to_owned()))?;
        let first = inner.seen.images;
        for socket in &mut inner.sockets[first..count] {
            let head = FrameHead::masked(Opcode::Text, [1, 2, 3, 4]);
            write_frame(&mut socket.out, head, text.as_bytes());
            socket.flush(&inner.epoll)?;
        }
        let start = Instant::now();
        while inner.seen.images < count {
            if start.elapsed() > IMAGES_TIMEOUT {
                let got = inner.seen.images;
                return failure(format!("{got} of {count} sockets have their image"));
            }
            inner.turn(TURN)?;
        }
        Ok(())
    }

    /// Does some work, and reads what comes meanwhile on a thread of its own: what the work came to, and
    /// what was seen.
    ///
    /// # Errors
    /// The work fails, or the server closes a socket.
    pub(super) fn beside<T>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Seen), Failure> {
        self.stops.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| self.run());
            let done = work();
            self.stops.store(true, Ordering::Relaxed);
            let seen = watching.join().map_err(|_| Failure("the watch broke".to_owned()))?;
            Ok((done?, seen?))
        })
    }

    /// Reads until it is stopped.
    fn run(&self) -> Result<Seen, Failure> {
        let mut inner = self.inner.lock().map_err(|_| Failure("the watch broke".to_owned()))?;
        inner.seen.deltas.clear();
        while !self.stops.load(Ordering::Relaxed) {
            inner.turn(TURN)?;
        }
        let deltas = std::mem::take(&mut inner.seen.deltas);
        Ok(Seen { images: inner.seen.images, deltas })
    }
}

impl Inner {
    /// Reads what is there, once; where nothing is, it waits for something.
    fn turn(&mut self, wait: Duration) -> Result<(), Failure> {
        let wait = Timespec::try_from(wait).map_err(|_| Failure("a wait too long".to_owned()))?;
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let (events, _) = match epoll::wait(&self.epoll, &mut events, Some(&wait)) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            result => result?,
        };
        for event in events {
            let Ok(place) = usize::try_from(event.data.u64()) else { continue };
            let (socket, seen) = (&mut self.sockets[place], &mut self.seen);
            let flags = event.flags;
            if flags.contains(epoll::EventFlags::OUT) {
                socket.flush(&self.epoll)?;
            }
            if !socket.read(&mut self.buffer, |text| seen.take(text))? {
                return failure("the server closed a socket that watches");
            }
            socket.flush(&self.epoll)?;
        }
        Ok(())
    }
}

impl Seen {
    fn take(&mut self, text: &str) {
        if text.contains("\"type\":\"image\"") {
            self.images += 1;
        } else if let Some(seq) =
            text.contains("\"type\":\"delta\"").then(|| number(text, "\"seq\":"))
        {
            self.deltas.extend(seq.map(|seq| (seq, now_us())));
        }
    }

    /// Writes what came to a file; returns how many messages.
    pub(super) fn write(&self, path: &Path) -> Result<usize, Failure> {
        let words = self.deltas.iter().flat_map(|(seq, read_us)| [*seq, *read_us]);
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        std::fs::write(path, bytes)?;
        Ok(self.deltas.len())
    }

    /// Adds what another process wrote to a file.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let bytes = std::fs::read(path)?;
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let pairs = bytes.chunks_exact(16).map(|pair| pair.split_at(8));
        self.deltas.extend(pairs.map(|(seq, read_us)| (word(seq), word(read_us))));
        Ok(())
    }

    /// The figures. `took` is how long the load ran.
    pub(super) fn object(&self, times: &Times, took: Duration) -> Object {
        let mut latency = Histogram::new();
        let mut untold = 0_u64;
        for (seq, read_us) in &self.deltas {
            match times.at(*seq) {
                Some(t_log) => latency.record(read_us.saturating_sub(t_log) * 1_000),
                None => untold += 1,
            }
        }
        let per_s = crate::core::per_second(self.deltas.len(), took);
        Object::new()
            .plain("messages", self.deltas.len())
            .plain("messages_per_s", per_s)
            .plain("untold", untold)
            .us("p50_us", latency.at_per_mille(500))
            .us("p99_us", latency.at_per_mille(990))
            .us("max_us", latency.max_ns())
    }
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_saw_another_reads() {
        let path = std::env::temp_dir().join(format!("coulisse-seen-{}", std::process::id()));
        let seen = Seen { images: 0, deltas: vec![(3, 1_000), (u64::MAX, 7)] };
        assert_eq!(seen.write(&path).ok(), Some(2));
        let mut other = Seen { images: 0, deltas: vec![(1, 2)] };
        let read = other.read(&path);
        std::fs::remove_file(&path).expect("it was written");
        assert!(read.is_ok());
        assert_eq!(other.deltas, [(1, 2), (3, 1_000), (u64::MAX, 7)]);
    }
}
