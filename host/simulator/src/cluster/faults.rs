//! Effects that fail because the fixture says so.

use suture_core::{Effect, Error, ObjectRef, Reason};

use crate::fixture::FaultRule;

/// The faults of a cluster, and how often each still strikes.
#[derive(Clone, Debug)]
pub struct Faults(Vec<(FaultRule, Option<u32>)>);

impl Faults {
    pub fn new(rules: Vec<FaultRule>) -> Self {
        Self(rules.into_iter().map(|rule| (rule.times, rule)).map(|(times, rule)| (rule, times)).collect())
    }

    /// Fail, where the first rule that fits an effect says so.
    pub fn strike(&mut self, effect: &Effect) -> Result<(), Error> {
        let (verb, object) = (effect.verb(), effect.object());
        let mut hit = None;
        for (rule, left) in &mut self.0 {
            if *left == Some(0) || !is_meant(rule, verb, object.as_ref()) {
                continue;
            }
            if rule.skip == 0 {
                hit = Some((rule, left));
                break;
            }
            rule.skip -= 1;
        }
        let Some((rule, left)) = hit else { return Ok(()) };
        if let Some(left) = left {
            *left -= 1;
        }
        let message = match rule.message.as_str() {
            "" => format!("the fixture lets `{verb}` fail"),
            message => message.to_owned(),
        };
        Err(Error::new(Reason::other(rule.reason.clone()), message))
    }
}

fn is_meant(rule: &FaultRule, verb: &str, object: Option<&ObjectRef>) -> bool {
    let fits = |object: &ObjectRef| {
        rule.kind.as_ref().is_none_or(|kind| *kind == object.kind.kind)
            && rule.name.as_ref().is_none_or(|name| name.matches(&object.name))
    };
    rule.verb == verb && object.map_or(rule.kind.is_none() && rule.name.is_none(), fits)
}
