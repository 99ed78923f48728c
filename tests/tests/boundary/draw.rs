//! Random changes and grants: each kind of body and patch, odd kinds, odd pointers.

mod change;
mod grant;
mod object;
mod pod;

use fastrand::Rng;

pub use object::{SECRET_VALUE, objects, template_of};
pub use pod::COPIED;

/// API version, kind and plural.
type Kind = (&'static str, &'static str, &'static str);

const KINDS: [Kind; 8] = [
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "Pod", "pods"),
    ("batch/v1", "Job", "jobs"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("v1", "Namespace", "namespaces"),
];

/// What is drawn.
pub struct Dice<'a> {
    rng: Rng,
    namespace: &'a str,
    kind: Kind,
}

impl<'a> Dice<'a> {
    pub fn new(seed: u64, namespace: &'a str) -> Self {
        let mut rng = Rng::with_seed(seed);
        let kind = KINDS[rng.usize(..KINDS.len())];
        Self { rng, namespace, kind }
    }

    fn one<'b, T: ?Sized>(&mut self, of: &[&'b T]) -> &'b T {
        of[self.rng.usize(..of.len())]
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }
}
