//! Threads that others wait for are run at once when they have something to do.
//!
//! The kernel lets a thread that runs go on for some milliseconds (its slice) before another that has
//! woken gets the processor. A thread that asks for a short slice gets it sooner, and no more of it. That
//! is for threads that work a little at a time while everybody waits: the one that syncs the log, and the
//! core's loop where workers have the same processors. And for the processes that stand back: however nice
//! they are, whoever wakes waits until their turn is over. It takes Linux 6.12 and no privilege; where it
//! is refused all goes on as before.

use std::mem::size_of;

/// The slice, in ns: the least that the kernel gives.
const SLICE_NS: u64 = 100_000;
/// Asks for the slice that everybody has.
const USUAL: u64 = 0;

/// What `sched_setattr` takes (`struct sched_attr`, its first version).
#[repr(C)]
#[derive(Debug, Default)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// Of an ordinary thread: its slice.
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Asks for a short slice for the thread that calls, or for the usual one; whether it was granted.
pub fn be_urgent(is_urgent: bool) -> bool {
    set_slice(0, is_urgent)
}

/// The same for the thread of a number, which is a process's where it has one; 0 is the one that calls.
pub(crate) fn set_slice(thread: libc::pid_t, is_short: bool) -> bool {
    let mut attributes = Attributes::default();
    let bytes = size_of::<Attributes>();
    // SAFETY: the kernel fills the structure, which is as long as it is told, and keeps nothing of it.
    let found =
        unsafe { libc::syscall(libc::SYS_sched_getattr, thread, &raw mut attributes, bytes, 0) };
    // Somebody who has given the thread a policy of its own knows better.
    if found != 0 || attributes.policy != libc::SCHED_OTHER.unsigned_abs() {
        return false;
    }
    (attributes.flags, attributes.runtime) = (0, if is_short { SLICE_NS } else { USUAL });
    // SAFETY: the kernel reads the structure, which says its own length.
    unsafe { libc::syscall(libc::SYS_sched_setattr, thread, &raw const attributes, 0) == 0 }
}
