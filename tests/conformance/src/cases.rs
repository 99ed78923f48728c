//! The cases, a file for each noun.

mod apply;
mod conflicts;
mod create;
mod defaults;
mod delete;
mod dry_run;
mod finalizers;
mod identity;
mod list;
mod logs;
mod names;
mod namespaces;
mod owners;
mod ownership;
mod pages;
mod patch;
mod read;
mod resolve;
mod rights;
mod schema;
mod selectors;
mod subresources;
mod wait;

/// All of them.
pub(crate) fn all() -> Vec<crate::Case> {
    [
        read::group(),
        list::group(),
        selectors::group(),
        pages::group(),
        create::group(),
        identity::group(),
        names::group(),
        defaults::group(),
        schema::group(),
        patch::group(),
        conflicts::group(),
        apply::group(),
        ownership::group(),
        subresources::group(),
        delete::group(),
        finalizers::group(),
        owners::group(),
        namespaces::group(),
        wait::group(),
        logs::group(),
        dry_run::group(),
        resolve::group(),
        rights::group(),
    ]
    .concat()
}
