//! The sync thread: writes and syncs what has gathered, then says how far the log is durable.
//!
//! It never touches the core's state and never takes the GIL. The loop hands it whole batches; all
//! that gathers while one group is synced becomes the next group (group commit).
//!
//! Invariant: the durable seq rises only after the group that holds it is written and, with
//! `durability = "fsync"`, synced. A failed sync is never retried: the durable seq stays, and the
//! loop is told why.

use crate::clock::wall_ns;
use crate::stages::{BatchMark, Group as DurableGroup, Written, us_since};
use crate::urgency::be_urgent;
use coulisse_gateway::times::Times;
use coulisse_journal::Writer;
use coulisse_journal::limits::{GROUP_BATCHES_MAX, GROUP_BYTES_MAX};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long nothing must come before the journal is closed by a seal.
const IDLE: Duration = Duration::from_secs(1);

/// How long a process that ends waits for the record that broke it to be durable.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Bytes of a group below which the thread asks to run as soon as it can: some forty orders.
const URGENT_BYTES_MAX: usize = 8 * 1_024;

/// What waits for the sync thread.
#[derive(Debug, Default)]
struct Queue {
    records: Vec<u8>,
    /// Where each batch ends in `records`.
    batch_ends: Vec<u32>,
    /// What is known of each batch.
    marks: Vec<BatchMark>,
    /// The last seq that was applied, and the event hash there.
    event_mark: (u64, [u8; 16]),
    closing: bool,
}

/// What both threads see.
#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    gathered: Condvar,
    durable_seq: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
    moved: OwnedFd,
    groups: AtomicU64,
    bytes: AtomicU64,
    /// When the oldest batch of the group that is being written was stamped; 0 where none is.
    writing_since_ns: AtomicI64,
    written: Mutex<Written>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self) {
        // The only failure is a counter at its maximum, and then the reader has news anyway.
        let _ = rustix::io::write(&self.moved, &1_u64.to_ne_bytes());
    }
}

/// The loop's end of the sync thread.
pub(crate) struct SyncThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SyncThread {
    /// Starts the thread on a journal that is durable up to `durable_seq`.
    pub(crate) fn start(writer: Writer, durable_seq: u64) -> std::io::Result<Self> {
        let moved = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            gathered: Condvar::new(),
            durable_seq: AtomicU64::new(durable_seq),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            moved,
            groups: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            writing_since_ns: AtomicI64::new(0),
            written: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("coulisse-sync".to_string()).spawn(move || {
                let ran = catch_unwind(AssertUnwindSafe(|| run(&theirs, writer)));
                if ran.is_err() {
                    fail(&theirs, "the sync thread broke an invariant");
                }
            })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The end of the log, for the last words of the process.
    pub(crate) fn log_end(&self) -> LogEnd {
        LogEnd(Arc::clone(&self.shared))
    }

    /// Hands over one batch of whole records, which was stamped then.
    ///
    /// Cost: one short lock and one copy a batch, never one a command.
    pub(crate) fn append(&self, records: &[u8], mark: BatchMark) {
        let mut queue = self.shared.queue();
        queue.records.extend_from_slice(records);
        let end =
            u32::try_from(queue.records.len()).expect("the backlog is bounded far below 4 GB");
        queue.batch_ends.push(end);
        queue.marks.push(mark);
        drop(queue);
        self.shared.gathered.notify_one();
    }

    /// Says that the batch handed over last is applied: the seq it ends at and the event hash there.
    /// Replicas compare theirs once the log publishes it.
    ///
    /// Cost: one short lock a batch.
    pub(crate) fn applied(&self, event_mark: (u64, [u8; 16])) {
        self.shared.queue().event_mark = event_mark;
    }

    /// Bytes that wait for the thread.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.shared.queue().records.len()
    }

    /// The last seq that is durable.
    pub(crate) fn durable_seq(&self) -> u64 {
        self.shared.durable_seq.load(Ordering::Acquire)
    }

    /// Why the journal failed, if it has.
    pub(crate) fn failure(&self) -> Option<String> {
        if !self.shared.failed.load(Ordering::Acquire) {
            return None;
        }
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The file descriptor that is readable once the durable seq has moved, or the journal failed.
    pub(crate) fn eventfd(&self) -> RawFd {
        self.shared.moved.as_raw_fd()
    }

    /// Takes the signal, so that the descriptor is quiet until the next move.
    pub(crate) fn acknowledge(&self) {
        let mut counter = [0_u8; 8];
        // Nothing to read means that an earlier call took it.
        let _ = rustix::io::read(&self.shared.moved, &mut counter);
    }

    /// Groups and bytes written since the start.
    pub(crate) fn written(&self) -> (u64, u64) {
        (self.shared.groups.load(Ordering::Relaxed), self.shared.bytes.load(Ordering::Relaxed))
    }

    /// How long records took to be durable, and what the writes with their syncs took.
    pub(crate) fn times(&self) -> (Times, Times) {
        let written = self.shared.written();
        (written.durable.clone(), written.synced.clone())
    }

    /// Takes the groups that became durable since the last call.
    pub(crate) fn take_groups(&self, into: &mut Vec<DurableGroup>) {
        self.shared.written().take_groups(into);
    }

    /// How long the oldest record that is not durable has been waiting for that, in µs; 0 where none is.
    pub(crate) fn oldest_wait_us(&self) -> u64 {
        let queue = self.shared.queue();
        let writing_ns = self.shared.writing_since_ns.load(Ordering::Relaxed);
        let next_ns = queue.marks.first().map_or(0, |mark| mark.stamped_ns);
        let oldest_ns = if writing_ns == 0 { next_ns } else { writing_ns };
        let waited = if oldest_ns == 0 { 0 } else { us_since(oldest_ns, wall_ns()) };
        u64::try_from(waited).unwrap_or(0)
    }

    /// Writes what is left, seals the journal and ends the thread.
    pub(crate) fn stop(&mut self) {
        self.shared.queue().closing = true;
        self.shared.gathered.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has said so through `failed`.
            let _ = thread.join();
        }
    }
}

/// How far the log is durable, to be waited for where nothing else can be done any more.
#[derive(Clone, Debug)]
pub(crate) struct LogEnd(Arc<Shared>);

impl LogEnd {
    /// Waits until `seq` is durable, the journal has failed, or [`LAST_WORDS`] are over.
    pub(crate) fn wait_for(&self, seq: u64) {
        let Self(shared) = self;
        let until = Instant::now() + LAST_WORDS;
        while shared.durable_seq.load(Ordering::Acquire) < seq
            && !shared.failed.load(Ordering::Acquire)
        {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let mut moved = [PollFd::new(&shared.moved, PollFlags::IN)];
            let left = Timespec::try_from(left).ok();
            // An interrupted wait is begun again; the counter is taken so that the next one waits.
            let _ = poll(&mut moved, left.as_ref());
            let _ = rustix::io::read(&shared.moved, &mut [0_u8; 8]);
        }
    }
}

impl Drop for SyncThread {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(shared: &Shared, mut writer: Writer) {
    let mut group = Group::default();
    let mut is_urgent = false;
    loop {
        match gather(shared, &mut group) {
            Gathered::Group => note(&mut writer, group.event_mark),
            Gathered::Idle => {
                note(&mut writer, group.event_mark);
                match writer.seal().and_then(|()| writer.publish_event_mark()) {
                    Err(error) => return fail(shared, &error.to_string()),
                    Ok(()) => continue,
                }
            }
            Gathered::Closing => {
                note(&mut writer, group.event_mark);
                break;
            }
        }
        // On the loop's own processor it would wait for the loop while every reply waits for it. Where much
        // gathers the loop has no time anyway, and fewer and larger groups leave it more.
        let is_small = group.records.len() < URGENT_BYTES_MAX;
        if is_urgent != is_small {
            is_urgent = is_small;
            be_urgent(is_urgent);
        }
        let started = Instant::now();
        match writer.append_group(&group.records, &group.batch_ends) {
            Err(error) => return fail(shared, &error.to_string()),
            Ok(synced) => {
                shared.written().note(&group.marks, started.elapsed());
                shared.writing_since_ns.store(0, Ordering::Relaxed);
                shared.groups.fetch_add(1, Ordering::Relaxed);
                shared.bytes.fetch_add(group.records.len() as u64, Ordering::Relaxed);
                shared.durable_seq.store(synced.durable_seq, Ordering::Release);
                shared.signal();
            }
        }
    }
    if let Err(error) = writer.close() {
        fail(shared, &error.to_string());
    }
}

/// Notes an event hash as the journal has it.
fn note(writer: &mut Writer, (seq, hash): (u64, [u8; 16])) {
    let mut wide = [0; 32];
    wide[..hash.len()].copy_from_slice(&hash);
    writer.set_event_mark(seq, wide);
}

/// What becomes one group: whole batches.
#[derive(Debug, Default)]
struct Group {
    records: Vec<u8>,
    batch_ends: Vec<u32>,
    marks: Vec<BatchMark>,
    event_mark: (u64, [u8; 16]),
}

/// What the wait for batches ended with.
enum Gathered {
    /// A group to write.
    Group,
    /// Nothing came for [`IDLE`]: the journal may be sealed.
    Idle,
    /// Nothing is left and the log closes.
    Closing,
}

/// Waits for batches and takes as many as fit a group.
fn gather(shared: &Shared, group: &mut Group) -> Gathered {
    group.records.clear();
    group.batch_ends.clear();
    group.marks.clear();
    let mut queue = shared.queue();
    while queue.records.is_empty() {
        group.event_mark = queue.event_mark;
        if queue.closing {
            return Gathered::Closing;
        }
        let (woken, waited) =
            shared.gathered.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && woken.records.is_empty() && !woken.closing {
            group.event_mark = woken.event_mark;
            return Gathered::Idle;
        }
        queue = woken;
    }
    group.event_mark = queue.event_mark;
    let fits = |end: &&u32| **end as usize <= GROUP_BYTES_MAX;
    let batches = queue.batch_ends.iter().take_while(fits).take(GROUP_BATCHES_MAX).count().max(1);
    // Under the lock, so that whoever asks for the oldest record sees it here or there.
    let since_ns = queue.marks.first().map_or(0, |mark| mark.stamped_ns);
    shared.writing_since_ns.store(since_ns, Ordering::Relaxed);
    if batches == queue.batch_ends.len() {
        std::mem::swap(&mut queue.records, &mut group.records);
        std::mem::swap(&mut queue.batch_ends, &mut group.batch_ends);
        std::mem::swap(&mut queue.marks, &mut group.marks);
        return Gathered::Group;
    }
    group.batch_ends.extend(queue.batch_ends.drain(..batches));
    group.marks.extend(queue.marks.drain(..batches));
    let bytes = group.batch_ends[batches - 1];
    group.records.extend(queue.records.drain(..bytes as usize));
    for end in &mut queue.batch_ends {
        *end -= bytes;
    }
    Gathered::Group
}

fn fail(shared: &Shared, message: &str) {
    *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.to_string());
    shared.failed.store(true, Ordering::Release);
    shared.signal();
}
