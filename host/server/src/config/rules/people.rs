//! Rules about those who have tokens of their own.

use std::collections::BTreeSet;

use suture_core::names;

use super::Findings;
use crate::config::{Person, Role};

pub(super) fn check(people: &[Person], findings: &mut Findings<'_>) {
    if let Some(one_too_many) = people.get(Person::MAX) {
        let message = format!("there are {} people; at most {} may be", people.len(), Person::MAX);
        findings.error(one_too_many.name.referenced, message);
    }
    let (mut names_seen, mut tokens_seen) = (BTreeSet::new(), BTreeSet::new());
    for Person { name, token_hash, roles } in people {
        if let Err(error) = Person::check_name(&name.value) {
            findings.error(name.referenced, error);
        }
        if !names_seen.insert(&name.value) {
            let message = format!("there are two people named `{}`", names::shortened(&name.value));
            findings.error(name.referenced, message);
        }
        if !tokens_seen.insert(token_hash.value) {
            let message =
                format!("`{}` has a token that somebody else has, too", names::shortened(&name.value));
            findings.error(token_hash.referenced, message);
        }
        let sees = roles.value.contains(&Role::Viewer) || roles.value.contains(&Role::Admin);
        if roles.value.is_empty() {
            let message = format!("`{}` has no roles, and may do nothing", names::shortened(&name.value));
            findings.error(roles.referenced, message);
        } else if roles.value.iter().all(|role| *role == Role::Approver) {
            let message = format!(
                "`{}` may do nothing: `approver` is reserved, and gives no right yet",
                names::shortened(&name.value)
            );
            findings.warn(roles.referenced, message);
        } else if !sees {
            let message = format!(
                "`{}` may change things and see nothing: `viewer` is a role of its own",
                names::shortened(&name.value)
            );
            findings.warn(roles.referenced, message);
        }
    }
}
