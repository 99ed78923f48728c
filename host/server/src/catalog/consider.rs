//! What comes of a policy, as its source, its configuration and the runs on record stand.

use std::sync::Arc;

use suture_engine::{BackTested, CandidateStatus, OnDifference, Policy, back_test};
use suture_journal::Journal;

use super::Catalog;
use super::kept::Slot;
use super::module::Module;
use crate::assemble;
use crate::config::{ConfigError, Loaded, PolicyEntry, Source};

/// A policy that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The configuration.
    pub loaded: &'a Loaded,
    /// The policy's part in it.
    pub entry: &'a PolicyEntry,
    /// What works under that name now; none at the start.
    pub current: Option<&'a Policy>,
    /// The runs on record; none for a host that does not act yet.
    pub journal: Option<&'a Journal>,
}

/// What came of it.
pub(crate) struct Considered {
    /// What should work from now on.
    pub policy: Policy,
    /// Its module, where its source gave it just now.
    pub module: Option<Module>,
    /// Why its settings fit no module that there is.
    pub unfit: Option<ConfigError>,
}

/// Why the module at a policy's source is not put to work.
enum Refused {
    /// It is none, or can't be had.
    Bad(String),
    /// The settings don't fit it.
    Unfit(ConfigError),
    /// A person must accept it first.
    Waits(Arc<CandidateStatus>),
}

impl Catalog {
    /// Look at a policy: what its source holds, whether that fits, and whether it may work.
    /// Where it may not, the last good module goes on.
    ///
    /// # Errors
    /// What is wrong with more than this policy.
    pub async fn consider(&self, subject: Subject<'_>) -> Result<Considered, ConfigError> {
        let Subject { loaded, entry, current, .. } = subject;
        let slot = self.kept.slot(&entry.name.value);
        let refused = match self.find(subject).await {
            Err(why) => Refused::Bad(why),
            Ok(module) => match assemble::policy_config(loaded, entry, &*module.program) {
                Err(error) => Refused::Unfit(error),
                Ok(config) => match self.hold(subject, &slot, &module).await {
                    Some(waits) => Refused::Waits(waits),
                    None => {
                        let is_the_same = |current: &&Policy| current.digest() == Some(module.digest());
                        let since = current.filter(is_the_same).map(|current| current.loaded_at);
                        let policy = Policy {
                            config,
                            program: Ok(module.program.clone()),
                            source: module.source.clone(),
                            loaded_at: since.unwrap_or_else(|| self.clock.now()),
                            trouble: None,
                            candidate: None,
                        };
                        return Ok(Considered { policy, module: Some(module), unfit: None });
                    }
                },
            },
        };
        match self.last_good(subject, &slot).await {
            Some(last) => self.go_on(subject, last, refused),
            None => without(self, subject, refused),
        }
    }

    /// The last good module goes on, with what its status says of the newer one.
    fn go_on(&self, subject: Subject<'_>, last: Policy, refused: Refused) -> Result<Considered, ConfigError> {
        let Ok(program) = &last.program else { return without(self, subject, refused) };
        let config = match assemble::policy_config(subject.loaded, subject.entry, &**program) {
            Ok(config) => config,
            // The settings fit neither module.
            Err(error) => {
                let unfit = match refused {
                    Refused::Unfit(error) => error,
                    Refused::Bad(_) | Refused::Waits(_) => error,
                };
                return without(self, subject, Refused::Unfit(unfit));
            }
        };
        let (trouble, candidate) = match refused {
            Refused::Bad(why) => (Some(why), None),
            Refused::Unfit(error) => (Some(error.in_a_line()), None),
            Refused::Waits(candidate) => (None, Some(candidate)),
        };
        let policy = Policy { config, trouble, candidate, ..last };
        Ok(Considered { policy, module: None, unfit: None })
    }

    /// What works now, or did before the host was started; where it may work still.
    async fn last_good(&self, subject: Subject<'_>, slot: &Slot) -> Option<Policy> {
        let key = self.key_of(subject).ok()?;
        if let Some(current) = subject.current
            && let Some(digest) = current.digest()
        {
            return slot.vouches(digest, key.as_deref()).then(|| current.clone());
        }
        let digest = slot.in_force.as_deref()?;
        let config = assemble::unfilled(subject.loaded, subject.entry).ok()?;
        let program = self.kept_program(&config.name, slot, digest, key.as_deref()).await?;
        Some(Policy {
            source: format!("kept:{digest}"),
            program: Ok(program),
            loaded_at: self.clock.now(),
            config,
            trouble: None,
            candidate: None,
        })
    }

    /// Whether a person must accept a module first, and why.
    async fn hold(&self, subject: Subject<'_>, slot: &Slot, module: &Module) -> Option<Arc<CandidateStatus>> {
        match self.downgrade(subject, slot, module).await {
            Some(waits) => Some(waits),
            None => self.gate(subject, slot, module).await,
        }
    }

    /// Whether a person must accept a module first: where a tag was moved onto an older version
    /// than the one in force. Its signature is as good as it ever was; what was wrong with it
    /// is, too.
    async fn downgrade(
        &self,
        subject: Subject<'_>,
        slot: &Slot,
        module: &Module,
    ) -> Option<Arc<CandidateStatus>> {
        let Subject { entry, current, .. } = subject;
        let Source::Oci(source) = &entry.source.value else { return None };
        let digest = module.digest();
        let in_force = current.and_then(Policy::digest).or(slot.in_force.as_deref())?;
        // A digest in the configuration is the operator's word.
        let is_meant = source.allow_downgrade || source.reference.digest().is_some();
        if is_meant || in_force == digest || slot.accepted.contains(digest) {
            return None;
        }
        let name = &entry.name.value;
        let running = current.and_then(|current| current.program.as_ref().ok());
        let kept = match (running, &slot.version) {
            (Some(program), _) => program.manifest().version.clone(),
            (None, Some(version)) => version.clone(),
            // It was put to work by a host that did not write that down.
            (None, None) => self.kept_program(name, slot, in_force, None).await?.manifest().version.clone(),
        };
        let version = &module.program.manifest().version;
        let why = match (semver::Version::parse(version), semver::Version::parse(&kept)) {
            (Ok(new), Ok(old)) if new.cmp_precedence(&old).is_ge() => return None,
            (Ok(_), Ok(_)) => format!("version {version} is older than {kept}, which is in force"),
            (Err(_), _) | (_, Err(_)) => {
                format!("whether version {version} is older than {kept}, which is in force, can't be told")
            }
        };
        let why = format!(
            "{why}: put it to work with `suture policies accept {name}@{digest}`, or let tags go back with \
             `source.oci.allowDowngrade: true`"
        );
        let waiting = current.and_then(|current| current.candidate.clone());
        if let Some(waiting) = waiting.filter(|waiting| waiting.digest == digest && waiting.why == why) {
            return Some(waiting);
        }
        Some(Arc::new(CandidateStatus {
            version: version.clone(),
            digest: digest.to_owned(),
            source: module.source.clone(),
            since: self.clock.now(),
            why,
            backtest: None,
        }))
    }

    /// Whether a person must accept a module first: where it is another than the last one, and
    /// would have done otherwise in runs on record.
    async fn gate(&self, subject: Subject<'_>, slot: &Slot, module: &Module) -> Option<Arc<CandidateStatus>> {
        let Subject { entry, current, journal, .. } = subject;
        let rule = &entry.backtest.as_ref()?.value;
        let digest = module.digest();
        let in_force = current.and_then(Policy::digest).or(slot.in_force.as_deref());
        // The first module of all has nothing to differ from.
        let is_first = in_force.is_none() && !slot.is_damaged;
        if is_first || in_force == Some(digest) || slot.accepted.contains(digest) {
            return None;
        }
        let waiting = current.and_then(|current| current.candidate.clone());
        if let Some(waiting) = waiting
            && waiting.digest == digest
            && (waiting.backtest.is_some() || journal.is_none())
        {
            return Some(waiting);
        }
        let status = |why: String, backtest: Option<BackTested>| {
            Arc::new(CandidateStatus {
                version: module.program.manifest().version.clone(),
                digest: digest.to_owned(),
                source: module.source.clone(),
                since: self.clock.now(),
                why,
                backtest,
            })
        };
        let name = &entry.name.value;
        let Some(journal) = journal else {
            let why = "it is compared with the runs on record once this host acts";
            return Some(status(why.to_owned(), None));
        };
        let tested = back_test(journal, name, &*module.program, rule.runs).await;
        tested.log(name);
        self.metrics.back_tested(name, tested.differs());
        if !tested.differs() || rule.on_difference == OnDifference::Warn {
            return None;
        }
        let why = format!(
            "it differs from what was done in {} of {} recorded runs; look at them with `suture policies show \
             {name}`, and put it to work with `suture policies accept {name}@{digest}`",
            tested.differences.len(),
            tested.compared,
        );
        Some(status(why, Some(tested)))
    }
}

/// There is nothing that could work.
fn without(catalog: &Catalog, subject: Subject<'_>, refused: Refused) -> Result<Considered, ConfigError> {
    let (why, unfit, candidate) = match refused {
        Refused::Bad(why) => (why, None, None),
        Refused::Unfit(error) => (error.in_a_line(), Some(error), None),
        Refused::Waits(candidate) => (candidate.why.clone(), None, Some(candidate)),
    };
    let policy = Policy {
        config: assemble::unfilled(subject.loaded, subject.entry)?,
        program: Err(why),
        source: catalog.place(subject),
        loaded_at: catalog.clock.now(),
        trouble: None,
        candidate,
    };
    Ok(Considered { policy, module: None, unfit })
}
