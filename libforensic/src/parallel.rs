//! Work on all cores, answers in order.
//!
//! ```
//! use std::ops::ControlFlow;
//! use libforensic::parallel::ordered;
//!
//! let mut squares = Vec::new();
//! let _ = ordered(0..4_u64, |(): &mut (), n| n * n, |square| {
//!     squares.push(square);
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(squares, [0, 1, 4, 9]);
//! ```

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far a scan has come, and the way to stop it, seen from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Returns the number of bytes scanned so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Makes the scan end soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns true once [`Progress::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Counts bytes; for work outside this library that is to be watched in the same way.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Answers that may wait for the ones before them, per worker.
const AHEAD: u64 = 4;

struct State<R> {
    ready: BTreeMap<u64, R>,
    /// Sizes of what is ready, together.
    waiting: usize,
    consumed: u64,
    working: usize,
    stop: bool,
    /// Steps that workers counted: they were made for the consumer's thread.
    steps: u64,
}

struct Shared<R> {
    state: Mutex<State<R>>,
    /// Something was consumed.
    room: Condvar,
    /// Something is ready, or a worker ended.
    news: Condvar,
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a worker ended, also when it panics: the consumer must not wait for it.
struct Leave<'s, R>(&'s Shared<R>);

impl<R> Drop for Leave<'_, R> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.working = state.working.saturating_sub(1);
        state.steps = state.steps.wrapping_add(crate::meter::steps());
        self.0.news.notify_all();
    }
}

/// How many threads work.
pub(crate) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(64)
}

/// Runs `work` on every task on all cores and hands the answers to `consume` in the order of the tasks.
///
/// Each worker has a scratch of its own. Memory is bounded: a worker that is
/// too far ahead of the consumer waits. Returns what ended the run.
pub fn ordered<T, S, R>(
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(&mut S, T) -> R + Sync,
    consume: impl FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()>
where
    T: Send,
    S: Default,
    R: Send,
{
    ordered_within(usize::MAX, tasks, work, |_| 0, consume)
}

/// As [`ordered`], for answers of very different sizes: of what waits, not more than `most` and one for each worker.
pub(crate) fn ordered_within<T, S, R>(
    most: usize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(&mut S, T) -> R + Sync,
    size: impl Fn(&R) -> usize + Sync,
    mut consume: impl FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()>
where
    T: Send,
    S: Default,
    R: Send,
{
    let workers = workers();
    let tasks = Mutex::new(tasks.enumerate());
    let shared = Shared {
        state: Mutex::new(State {
            ready: BTreeMap::new(),
            waiting: 0,
            consumed: 0,
            working: workers,
            stop: false,
            steps: 0,
        }),
        room: Condvar::new(),
        news: Condvar::new(),
    };
    let ahead = AHEAD.saturating_mul(workers as u64);
    let run = || {
        let _leave = Leave(&shared);
        let mut scratch = S::default();
        loop {
            if shared.lock().stop {
                return;
            }
            let next = tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, task)) = next else { return };
            let number = number as u64;
            let answer = work(&mut scratch, task);
            let mut state = shared.lock();
            let own = size(&answer);
            // The next one never waits, or nobody would make room.
            while !state.stop
                && number > state.consumed
                && (number > state.consumed.saturating_add(ahead)
                    || (own > 0 && state.waiting.saturating_add(own) > most))
            {
                state = shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.stop {
                return;
            }
            state.waiting = state.waiting.saturating_add(own);
            state.ready.insert(number, answer);
            shared.news.notify_one();
        }
    };
    let flow = std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(run);
        }
        loop {
            let mut state = shared.lock();
            let answer = loop {
                let next = state.consumed;
                if let Some(answer) = state.ready.remove(&next) {
                    state.waiting = state.waiting.saturating_sub(size(&answer));
                    state.consumed = next.saturating_add(1);
                    break Some(answer);
                }
                if state.working == 0 {
                    break None;
                }
                state = shared.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            let Some(answer) = answer else { return ControlFlow::Continue(()) };
            shared.room.notify_all();
            if consume(answer).is_break() {
                shared.lock().stop = true;
                shared.room.notify_all();
                return ControlFlow::Break(());
            }
        }
    });
    crate::meter::many(shared.lock().steps);
    flow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_whatever_the_threads_do() {
        let mut got = Vec::new();
        let end = ordered(
            0..1000_u64,
            |(): &mut (), n| {
                if n % 7 == 0 {
                    std::thread::yield_now();
                }
                n * 2
            },
            |n| {
                got.push(n);
                ControlFlow::Continue(())
            },
        );
        assert!(end.is_continue());
        assert_eq!(got, (0..1000).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_consumer_that_has_enough_ends_the_work() {
        let mut got = 0;
        let end = ordered(
            0..u64::MAX,
            |(): &mut (), n| n,
            |_| {
                got += 1;
                if got == 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert!(end.is_break());
        assert_eq!(got, 100);
    }
}
