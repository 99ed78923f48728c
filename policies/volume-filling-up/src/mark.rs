//! What this policy leaves on a claim that it has grown, so that it knows at the next alert.

use suture_policy::kube::Metadata;
use suture_policy::{Duration, Time, Value, json};

use crate::quantity::Quantity;

/// On claims that were grown, to find them by.
pub const GROWN: &str = "volume-filling-up.suture.dev/grown";
/// When.
const AT: &str = "volume-filling-up.suture.dev/grown-at";
/// From how much.
const FROM: &str = "volume-filling-up.suture.dev/grown-from";
/// To how much.
const TO: &str = "volume-filling-up.suture.dev/grown-to";
/// Says how large a claim may become, where that is less than the operator's maximum. Written by its owner.
pub const MAXIMUM: &str = "volume-filling-up.suture.dev/maximum";

/// How long nothing is grown again.
pub const DAY: Duration = Duration::hours(24);

/// When a claim was grown last, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub at: Time,
    pub from: Quantity,
    pub to: Quantity,
}

impl Mark {
    /// The mark of a claim. What can't be read is an error: it is not known how long ago that was.
    pub fn of(metadata: &Metadata) -> Result<Option<Self>, String> {
        let Some(at) = metadata.annotations.get(AT) else {
            return match metadata.label(GROWN) {
                Some(_) => Err(format!("it has the label `{GROWN}`, but no annotation `{AT}`")),
                None => Ok(None),
            };
        };
        let size = |name: &str| metadata.annotations.get(name).and_then(|size| Quantity::parse(size));
        match (Time::parse(at), size(FROM), size(TO)) {
            (Some(at), Some(from), Some(to)) => Ok(Some(Self { at, from, to })),
            _ => Err(format!("its annotations `{AT}`, `{FROM}` and `{TO}` can't be read")),
        }
    }

    /// Whether that was in the last day; also where it says a moment that is yet to come.
    pub fn is_recent(&self, now: Time) -> bool {
        now.since(self.at) < DAY
    }

    /// What a claim is marked with, as a merge patch of its metadata.
    pub fn written(&self) -> Value {
        json!({
            "labels": {GROWN: "true"},
            "annotations": {AT: self.at.to_string(), FROM: self.from.exact(), TO: self.to.exact()},
        })
    }
}
