//! The web console: what a host knows, as pages.
//!
//! Everything here turns data into HTML and does nothing else: no request, no clock, no state. The
//! pages work without a script; `console.js` fetches what changed, and no more. A page is a
//! [`Page`], which [`document`] puts into its frame.

mod age;
mod approval;
pub mod assets;
mod badge;
mod chart;
mod diff;
mod failure;
mod form;
mod incident;
mod incidents;
mod layout;
mod link;
mod now;
mod policies;
mod policy;
mod run;
mod text;
mod timeline;
mod trends;
mod verdict;

pub use failure::{failure, sign_in};
pub use incident::{Incident, incident};
pub use incidents::{Incidents, incidents};
pub use layout::{Page, Section, Viewer, document, fragment};
pub use now::{Health, Now, Upstream, now};
pub use policies::{Policies, policies};
pub use policy::{PolicyDetail, policy};
pub use run::{Run, run};
pub use trends::{DAYS, Trends, trends};
