//! What a request asks for, as far as its path says it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use suture_journal::Act;

use super::Noted;
use crate::listener::Peer;
use crate::right::Caller;

/// What somebody asks for.
pub(crate) struct Asked {
    what: Arc<str>,
    peer: Option<IpAddr>,
    about: About,
}

/// What the path names: the route may know more of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct About {
    policy: Option<String>,
    incident: Option<String>,
    run: Option<String>,
}

impl About {
    fn of(path: &str) -> Self {
        // The console's forms post without that.
        let of_api = if path.trim_start_matches('/').starts_with("api/v1/") { 2 } else { 0 };
        let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(of_api);
        match (parts.next(), parts.next().map(str::to_owned)) {
            (Some("policies"), policy) => Self { policy, ..Self::default() },
            (Some("incidents"), incident) => Self { incident, ..Self::default() },
            (Some("runs"), run) => Self { run, ..Self::default() },
            (Some(_) | None, _) => Self::default(),
        }
    }
}

impl Asked {
    pub fn of(what: Arc<str>, request: &Request) -> Self {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.address);
        Self { what, peer, about: About::of(request.uri().path()) }
    }

    pub fn what(&self) -> &str {
        &self.what
    }

    /// How what a route does is called, by its path: mostly its last part.
    pub fn called(path: &str) -> &str {
        match path.rsplit('/').next().unwrap_or_default() {
            "runs" => "start",
            "drills" => "drill",
            last => last,
        }
    }

    /// The act, with what its route has said of it.
    pub(super) fn act(&self, caller: &Caller, noted: Noted) -> Act {
        let About { policy, incident, run } = &self.about;
        Act {
            peer: self.peer,
            policy: noted.policy.or_else(|| policy.clone()),
            incident: noted.incident.or_else(|| incident.clone()),
            run: noted.run.or_else(|| run.clone()),
            object: noted.object.filter(|object| !object.is_empty()),
            reason: noted.reason.filter(|reason| !reason.is_empty()),
            forced: noted.is_forced,
            ..Act::new(caller.name(), caller.by(), &self.what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_called_by_the_end_of_its_path() {
        for (path, what) in [
            ("/policies/{name}/runs", "start"),
            ("/doctor/drills", "drill"),
            ("/runs/{id}/cancel", "cancel"),
            ("/pause", "pause"),
        ] {
            assert_eq!(Asked::called(path), what);
        }
    }

    #[test]
    fn what_it_is_about_stands_in_the_path() {
        let policy = About { policy: Some("volsync".into()), ..About::default() };
        assert_eq!(About::of("/api/v1/policies/volsync/runs"), policy);
        let run = About { run: Some("5xk2".into()), ..About::default() };
        assert_eq!(About::of("//api/v1/runs/5xk2/cancel/"), run);
        let incident = About { incident: Some("7f2x".into()), ..About::default() };
        assert_eq!(About::of("/incidents/7f2x/retry"), incident);
        assert_eq!(About::of("/api/v1/pause"), About::default());
    }
}
