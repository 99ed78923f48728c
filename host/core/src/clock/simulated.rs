//! A clock that jumps to the next thing that will happen.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Clock, Hold, Sleep, Timestamp};

/// Time that moves only when nothing is in flight: [`drive`](Self::drive) a future,
/// and whenever it can do nothing more now, the clock jumps to the next sleeper.
/// A simulated day takes no longer than its work.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    limit: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next_sleeper: u64,
    held: usize,
    /// The driver, to be woken when the last hold ends.
    driver: Option<Waker>,
}

/// How driving a future ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driven<T> {
    /// It is done.
    Done(T),
    /// It waits for something that will never happen: no one sleeps, nothing is in flight.
    Stalled,
    /// The next thing would happen after the limit.
    OutOfTime,
}

impl VirtualClock {
    /// A clock that shows `now` and does not go past `limit`.
    pub fn new(now: Timestamp, limit: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            limit,
            sleepers: BTreeMap::new(),
            next_sleeper: 0,
            held: 0,
            driver: None,
        })))
    }

    /// Run a future to its end, moving time whenever it can do nothing more now.
    /// Tasks that were spawned elsewhere are not seen: keep all in one future, or
    /// [`hold`](Clock::hold).
    pub async fn drive<F: Future>(&self, future: F) -> Driven<F::Output> {
        let mut future = pin!(future);
        let flag = Arc::new(Flag { woken: AtomicBool::new(true), outer: Mutex::new(None) });
        let waker = Waker::from(flag.clone());
        poll_fn(move |context| {
            *flag.outer.lock() = Some(context.waker().clone());
            loop {
                while flag.woken.swap(false, Ordering::AcqRel) {
                    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Poll::Ready(Driven::Done(output));
                    }
                }
                match self.advance(&waker) {
                    Advance::Moved => {}
                    Advance::Held => {
                        // Woken in between: look again, or sleep until the flag is set.
                        if !flag.woken.load(Ordering::Acquire) {
                            return Poll::Pending;
                        }
                    }
                    Advance::Nothing if flag.woken.load(Ordering::Acquire) => {}
                    Advance::Nothing => return Poll::Ready(Driven::Stalled),
                    Advance::Limit => return Poll::Ready(Driven::OutOfTime),
                }
            }
        })
        .await
    }

    /// Move on by one step, for whoever drives futures elsewhere and knows that they can do
    /// nothing more now: to the next sleeper, which wakes, where there is one until then; otherwise
    /// to that time. Says whether one woke.
    pub fn step(&self, until: Timestamp) -> bool {
        let mut state = self.0.lock();
        let next = state.sleepers.first_key_value().map(|((at, _), _)| *at).filter(|at| *at <= until);
        state.now = state.now.max(next.unwrap_or(until));
        let sleeper = next.and_then(|_| state.sleepers.pop_first());
        drop(state);
        sleeper.map(|(_, sleeper)| sleeper.wake()).is_some()
    }

    /// Wait until nothing keeps time from moving.
    pub async fn released(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if state.held == 0 {
                return Poll::Ready(());
            }
            state.driver = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Whether something keeps time from moving.
    pub fn is_held(&self) -> bool {
        self.0.lock().held > 0
    }

    fn advance(&self, driver: &Waker) -> Advance {
        let mut state = self.0.lock();
        if state.held > 0 {
            state.driver = Some(driver.clone());
            return Advance::Held;
        }
        let Some(entry) = state.sleepers.first_entry() else { return Advance::Nothing };
        let at = entry.key().0;
        if at > state.limit {
            return Advance::Limit;
        }
        let Some((_, sleeper)) = state.sleepers.pop_first() else { return Advance::Nothing };
        state.now = state.now.max(at);
        drop(state);
        sleeper.wake();
        Advance::Moved
    }
}

enum Advance {
    Moved,
    Held,
    Nothing,
    Limit,
}

struct Flag {
    woken: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        if let Some(outer) = self.outer.lock().take() {
            outer.wake();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    fn monotonic(&self) -> Duration {
        Timestamp::UNIX_EPOCH.duration_until(self.now()).try_into().unwrap_or_default()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(Sleeper { clock: self.0.clone(), at, key: None })
    }

    fn hold(&self) -> Hold {
        self.0.lock().held += 1;
        Hold(Some(Box::new(Holding(self.0.clone()))))
    }
}

struct Holding(Arc<Mutex<State>>);

impl Drop for Holding {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.held -= 1;
        let driver = if state.held == 0 { state.driver.take() } else { None };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

struct Sleeper {
    clock: Arc<Mutex<State>>,
    at: Timestamp,
    key: Option<(Timestamp, u64)>,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.lock();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let key = match self.key {
            Some(key) => key,
            None => {
                state.next_sleeper += 1;
                (self.at, state.next_sleeper)
            }
        };
        self.key = Some(key);
        state.sleepers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.lock().sleepers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    fn clock() -> (Arc<VirtualClock>, Timestamp) {
        let start = Timestamp::from_second(1_000_000).unwrap();
        (Arc::new(VirtualClock::new(start, later(start, Duration::from_secs(86_400)))), start)
    }

    #[test]
    fn an_hour_of_waiting_takes_no_time_and_sleepers_wake_in_order() {
        let (clock, start) = clock();
        let time: Arc<dyn Clock> = clock.clone();
        let order = Mutex::new(vec![]);
        let work = futures::future::join(
            async {
                time.sleep(Duration::from_secs(3600)).await;
                order.lock().push("second");
            },
            async {
                time.sleep(Duration::from_secs(60)).await;
                order.lock().push("first");
            },
        );
        assert_eq!(pollster::block_on(clock.drive(work)), Driven::Done(((), ())));
        assert_eq!(*order.lock(), ["first", "second"]);
        assert_eq!(clock.now(), later(start, Duration::from_secs(3600)));
        assert_eq!(clock.monotonic(), Duration::from_secs(1_000_000 + 3600));
    }

    #[test]
    fn waiting_for_nothing_and_waiting_too_long_are_told_apart() {
        let (clock, _) = clock();
        assert_eq!(pollster::block_on(clock.drive(futures::future::pending::<()>())), Driven::Stalled);
        let time: Arc<dyn Clock> = clock.clone();
        let week = time.sleep(Duration::from_secs(7 * 86_400));
        assert_eq!(pollster::block_on(clock.drive(week)), Driven::OutOfTime);
    }

    #[test]
    fn time_stands_still_while_work_on_another_thread_is_in_flight() {
        let (clock, start) = clock();
        let time: Arc<dyn Clock> = clock.clone();
        let work = async {
            let hold = time.hold();
            let (send, receive) = futures::channel::oneshot::channel();
            let observed = clock.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                let _ = send.send(observed.now());
                drop(hold);
            });
            let timer = time.sleep(Duration::from_secs(10));
            let (seen, ()) = futures::future::join(receive, timer).await;
            seen.unwrap()
        };
        assert_eq!(pollster::block_on(clock.drive(work)), Driven::Done(start));
    }
}
