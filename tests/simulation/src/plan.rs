//! What happens in a day: drawn from a seed, and written down before it begins, so that it can be
//! played again without some of it.

use std::fmt;
use std::time::Duration;

use crate::configuration::Configuration;
use crate::day::NAMESPACES;

/// How long after the start what goes wrong ends. People mend by hand what is still broken then.
pub const TROUBLE_ENDS: Duration = Duration::from_secs(18 * 3600);
/// How long the day is: what was begun has time to end.
pub const DAY: Duration = Duration::from_secs(26 * 3600);

/// One day.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// How things are set up.
    pub setup: Setup,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// How things are set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How many objects can break.
    pub objects: usize,
    /// The rule's `for`.
    pub hold: Duration,
    /// The rule's `keep_firing_for`.
    pub keep_firing_for: Duration,
    /// `group_by` has the namespace, beside the alert's name.
    pub grouped_by_namespace: bool,
    /// `repeat_interval`.
    pub repeat_interval: Duration,
    /// How many Alertmanagers there are.
    pub alertmanagers: usize,
    /// The receiver's `max_alerts`; 0 for no limit.
    pub max_alerts: usize,
    /// Whether the alerts of a namespace's objects are inhibited while it is down.
    pub inhibits: bool,
    /// Whether Prometheus adds and drops labels on the way.
    pub relabels: bool,
    /// How many new incidents within ten minutes are a storm.
    pub storm: usize,
    /// How often somebody looks at what waits for approval; none where the policy acts without.
    pub approvals: Option<Duration>,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub struct Event {
    /// How long after the start.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Happening {
    /// An object breaks.
    Break(usize, Cause),
    /// An object is well again by itself.
    Mend(usize),
    /// A namespace is down for a while, which is an alert of its own.
    Down(usize, Duration),
    /// Prometheus is away for a while, then starts anew.
    PrometheusAway(Duration),
    /// Prometheus has no samples of an object for a while.
    ScrapeGap(usize, Duration),
    /// An Alertmanager is away for a while, then starts anew.
    AlertmanagerAway(usize, Duration),
    /// Alertmanagers do not hear of each other for a while.
    GossipCut(Duration),
    /// No notification reaches the host for a while.
    WebhooksLost(Duration),
    /// Notifications reach the host, and its answers nobody, for a while.
    AnswersLost(Duration),
    /// An Alertmanager's notifications take so long, for a while.
    Slow(usize, Duration, Duration),
    /// The host is killed, and starts again after a while.
    Killed(Duration),
    /// The host is stopped as a rollout does it, and starts again after a while.
    Stopped(Duration),
    /// The API server can't be reached for a while.
    ApiAway(Duration),
    /// Somebody pauses the host for a while.
    Paused(Duration),
    /// The policy is held back for a while.
    Held(Duration),
    /// Somebody cancels what runs.
    Cancel,
    /// The policy gets another module.
    Swap,
    /// Somebody changes the configuration, and puts it right after a while.
    Reload(Configuration, Duration),
    /// Somebody has what is escalated tried once more.
    Retry,
    /// Somebody silences an object's alerts for a while.
    Silence(usize, Duration),
}

/// Why an object is broken, which decides what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One change mends it.
    Fixable,
    /// A controller mends it, ten minutes after it is asked to.
    Slow,
    /// A change that is taken back at the end must be made meanwhile.
    Locked,
    /// The policy thinks that it mended it; it did not.
    Stubborn,
    /// The policy fails.
    Failing,
    /// A person must look, says the policy.
    Hopeless,
}

impl Cause {
    const ALL: [Self; 6] =
        [Self::Fixable, Self::Slow, Self::Locked, Self::Stubborn, Self::Failing, Self::Hopeless];

    /// As the object has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixable => "fixable",
            Self::Slow => "slow",
            Self::Locked => "locked",
            Self::Stubborn => "stubborn",
            Self::Failing => "failing",
            Self::Hopeless => "hopeless",
        }
    }
}

impl Plan {
    /// The day of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let setup = dice.setup();
        let count = 5 + dice.0.usize(..40);
        let mut events: Vec<Event> = (0..count).map(|_| dice.event(&setup)).collect();
        events.sort_by_key(|event| event.at);
        Self { seed, setup, events }
    }
}

struct Dice(fastrand::Rng);

impl Dice {
    fn seconds(&mut self, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.0.u64(range))
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())]
    }

    fn setup(&mut self) -> Setup {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Setup {
            objects: 2 + self.0.usize(..8),
            hold: minutes(self.one_of(&[0, 1, 5, 15])),
            keep_firing_for: minutes(self.one_of(&[0, 0, 0, 10])),
            grouped_by_namespace: self.0.bool(),
            repeat_interval: minutes(self.one_of(&[60, 240, 720])),
            alertmanagers: self.one_of(&[1, 1, 2]),
            max_alerts: self.one_of(&[0, 0, 1]),
            inhibits: self.0.bool(),
            relabels: self.0.bool(),
            storm: self.one_of(&[3, 25, 25]),
            approvals: self.one_of(&[None, None, Some(4), Some(20)]).map(minutes),
        }
    }

    fn event(&mut self, setup: &Setup) -> Event {
        let object = self.0.usize(..setup.objects);
        let alertmanager = self.0.usize(..setup.alertmanagers);
        let what = match self.0.u32(..100) {
            0..36 => Happening::Break(object, self.one_of(&Cause::ALL)),
            36..40 => Happening::Mend(object),
            40..44 => Happening::Down(self.0.usize(..NAMESPACES), self.seconds(600..=14400)),
            44..48 => Happening::PrometheusAway(self.seconds(10..=1800)),
            48..52 => Happening::ScrapeGap(object, self.seconds(30..=900)),
            52..57 => Happening::AlertmanagerAway(alertmanager, self.seconds(10..=2400)),
            57..59 => Happening::GossipCut(self.seconds(60..=3600)),
            59..63 => Happening::WebhooksLost(self.seconds(30..=3600)),
            63..66 => Happening::AnswersLost(self.seconds(30..=1800)),
            66..68 => Happening::Slow(alertmanager, self.seconds(1..=200), self.seconds(300..=7200)),
            68..74 => Happening::Killed(self.seconds(1..=600)),
            74..77 => Happening::Stopped(self.seconds(1..=120)),
            77..81 => Happening::ApiAway(self.seconds(5..=1200)),
            81..84 => Happening::Paused(self.seconds(60..=3600)),
            84..86 => Happening::Held(self.seconds(60..=3600)),
            86..89 => Happening::Cancel,
            89..91 => Happening::Swap,
            91..95 => Happening::Reload(self.one_of(&Configuration::CHANGES), self.seconds(30..=7200)),
            95..97 => Happening::Retry,
            _ => Happening::Silence(object, self.seconds(600..=14400)),
        };
        let latest = TROUBLE_ENDS.as_secs() - 2 * 3600;
        Event { at: self.seconds(60..=latest), what }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {:?}", self.seed, self.setup)?;
        for Event { at, what } in &self.events {
            let at = at.as_secs();
            writeln!(f, "  {:02}:{:02}:{:02} {what:?}", at / 3600, at / 60 % 60, at % 60)?;
        }
        Ok(())
    }
}
