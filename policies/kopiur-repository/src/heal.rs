//! A repository that is not ready: mostly it heals by itself.

use suture_policy::kube;
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Duration, Time, clock, step};

use crate::manifest::{Asking, Settings};
use crate::quick;
use crate::reference::RepositoryRef;
use crate::repository::{Repository, State};

/// How often a repository is looked at while it is waited for. What it says may change and its
/// phase not.
const LOOKS: u64 = 8;

/// See to a repository, one run at a time. `Ok` says what has helped.
pub fn see_to(named: &RepositoryRef, settings: &Settings) -> Result<String, Stop> {
    match kube::exclusive(&named.to_string(), settings.patience) {
        Err(error) if error.is_timeout() => {
            return retry(
                settings.retry_after,
                format!("another run sees to {named}; nothing was done beside it"),
            );
        }
        held => held?,
    }
    let mut is_helped = false;
    let mut give_up = clock::now() + settings.patience;
    loop {
        step!("looking at {named}");
        let Some(repository) = named.read()? else {
            return unnecessary(format!("there is no {named} (any more)"));
        };
        let (why, is_slow) = match repository.state(named) {
            State::Ready if is_helped => {
                return Ok(format!("{named} is Ready after a maintenance{}", repository.beside()));
            }
            State::Ready => {
                return unnecessary(format!("{named} is Ready; the alert goes when Prometheus sees it"));
            }
            State::Settled(why) => return unnecessary(why),
            State::Broken(why) => {
                return escalate(format!("{why}. {}{}", done(is_helped), repository.beside()));
            }
            State::Slow(why) => (why, true),
            State::Away(why) => (why, false),
        };
        if is_slow && !is_helped && settings.maintenance == Asking::Quick {
            quick::run(named, &repository, &why, settings)?;
            is_helped = true;
            give_up = clock::now() + settings.patience;
            continue;
        }
        if !waited(named, &repository, give_up, settings)? {
            return escalate(left(named, &repository, &why, is_slow, is_helped, settings)?);
        }
    }
}

/// Wait a while for it; whether there was time left to.
fn waited(
    named: &RepositoryRef,
    repository: &Repository,
    give_up: Time,
    settings: &Settings,
) -> Result<bool, Stop> {
    let left = give_up.since(clock::now());
    if left == Duration::millis(0) {
        return Ok(false);
    }
    step!("waiting for {named}, which the operator tries again by itself");
    let slice = Duration::millis(settings.patience.as_millis() / LOOKS);
    named.wait_for_change(repository, left.min(slice.max(Duration::minutes(1))))?;
    Ok(true)
}

/// What a person is told of one that has not healed.
fn left(
    named: &RepositoryRef,
    repository: &Repository,
    why: &str,
    is_slow: bool,
    is_helped: bool,
    settings: &Settings,
) -> Result<String, Stop> {
    let maintained = match is_slow {
        true => {
            format!(". It takes longer to open than a probe may; {}", quick::for_a_person(named, repository)?)
        }
        false => String::new(),
    };
    Ok(format!(
        "{why}, and still is after {}. {}. The operator goes on trying, every 30 minutes at the latest, and \
         Snapshots that wait for it start by themselves once it answers: look at its backend, and with `{}`{maintained}{}",
        settings.patience,
        done(is_helped),
        named.describe(),
        repository.beside()
    ))
}

/// What was done about it, for people.
fn done(is_helped: bool) -> &'static str {
    if is_helped { "A maintenance ran and did not help" } else { "Nothing was changed" }
}
