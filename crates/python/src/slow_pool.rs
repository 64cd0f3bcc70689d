//! The pool in which passwords are hashed: a few threads that take turns behind the loop's.
//!
//! They never take the GIL and touch nothing of the core: work goes in, what came of it comes out, and a
//! descriptor tells the loop. They are nicer than the loop (`nice` 10), so that a storm of logons takes what
//! processors have left over and orders do not wait for it. They start with the first password.
//!
//! Invariant: memory is bounded by the number of threads; how much may wait, the hub bounds.

use coulisse_gateway::people::{Done, Memory, Work};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much nicer the threads are than the loop.
const NICE: i32 = 10;
/// How long a thread keeps the memory that it hashes in when nothing comes.
const KEPT: Duration = Duration::from_secs(1);

struct Shared {
    work: Mutex<Receiver<(u64, Work)>>,
    done: Mutex<Vec<(u64, Done)>>,
    news: OwnedFd,
}

/// The loop's end of the pool.
pub(crate) struct SlowPool {
    shared: Arc<Shared>,
    sender: Sender<(u64, Work)>,
    threads: usize,
    started: usize,
}

impl SlowPool {
    /// A pool of one thread, which starts when it is needed.
    pub(crate) fn new() -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            work: Mutex::new(receiver),
            done: Mutex::default(),
            news: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        });
        Ok(Self { shared, sender, threads: 1, started: 0 })
    }

    /// Sets how many threads there may be, before the first starts.
    pub(crate) fn set_threads(&mut self, threads: usize) {
        self.threads = threads;
    }

    /// The descriptor that is readable when something was done.
    pub(crate) fn fd(&self) -> RawFd {
        self.shared.news.as_raw_fd()
    }

    /// Hands work over; what came of it, at once, where no thread could be started.
    pub(crate) fn start(&mut self, number: u64, work: Work) {
        if self.started < self.threads {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("coulisse-slow".to_string());
            match thread.spawn(move || run(&shared)) {
                Ok(_) => self.started += 1,
                Err(error) => {
                    let reason = error.to_string();
                    crate::notes::say(
                        "error",
                        "slow_thread_not_started",
                        None,
                        &[("reason", &reason)],
                    );
                }
            }
        }
        let is_handed = self.started > 0 && self.sender.send((number, work)).is_ok();
        if !is_handed {
            self.shared.tell(number, Done::failed());
        }
    }

    /// What was done since this was last asked.
    pub(crate) fn take_done(&self) -> Vec<(u64, Done)> {
        let _ = rustix::io::read(&self.shared.news, &mut [0; 8]);
        std::mem::take(&mut *locked(&self.shared.done))
    }
}

impl Shared {
    fn tell(&self, number: u64, done: Done) {
        locked(&self.done).push((number, done));
        // The only failure is a counter at its maximum, and then the reader has news anyway.
        let _ = rustix::io::write(&self.news, &1_u64.to_ne_bytes());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared) {
    // Of this thread alone, as Linux has it. It may be forbidden; then it is as nice as the loop.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    let mut memory = Memory::default();
    loop {
        let next = locked(&shared.work).recv_timeout(KEPT);
        match next {
            Ok((number, work)) => {
                let ran = catch_unwind(AssertUnwindSafe(|| work.run(&mut memory)));
                shared.tell(number, ran.unwrap_or_else(|_| Done::failed()));
            }
            Err(RecvTimeoutError::Timeout) => memory = Memory::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
