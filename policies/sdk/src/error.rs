//! Why something failed.

use std::fmt;

use crate::Duration;
use crate::kube::ObjectName;
use crate::wit::kube;

/// The result of a call to the host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something failed. Made by the host, or with [`Error::new`] by the policy; `?`
/// passes it on, and as the result of [`remediate`](crate::Policy::remediate) it says
/// that the policy could not conclude: the host takes back what was not kept and
/// retries later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What code looks at: one of [`reason`], or another that Kubernetes sent.
    pub reason: String,
    /// What people read.
    pub message: String,
    /// The HTTP status code, where there was one.
    pub status: Option<u16>,
    /// How long to wait before another try, where the server said so.
    pub retry_after: Option<Duration>,
    /// The object that it is about, where it is about one.
    pub object: Option<Box<ObjectName>>,
}

/// The reasons that policies tell apart.
pub mod reason {
    /// The object does not exist.
    pub const NOT_FOUND: &str = "NotFound";
    /// The API server has no such kind: its definition is not installed, or the version is gone.
    pub const NOT_SERVED: &str = "NotServed";
    /// An object of that name exists.
    pub const ALREADY_EXISTS: &str = "AlreadyExists";
    /// The object is not at the version or uid that was asked for.
    pub const CONFLICT: &str = "Conflict";
    /// The API server refuses it: the host itself has no right to it.
    pub const FORBIDDEN: &str = "Forbidden";
    /// The API server refuses the object or patch; also where a JSON patch's `test` fails.
    pub const INVALID: &str = "Invalid";
    /// The operator's grants, or a built-in rule of the host, refuse it.
    pub const DENIED: &str = "Denied";
    /// A list can't be continued: too much has changed since it was begun.
    pub const EXPIRED: &str = "Expired";
    /// It did not happen within the time that was given.
    pub const TIMEOUT: &str = "Timeout";
    /// The cluster or Prometheus could not be reached.
    pub const UNAVAILABLE: &str = "Unavailable";
    /// A mutation may or may not have taken place.
    pub const UNKNOWN: &str = "Unknown";
    /// What the host sent is not what the policy's types expect.
    pub const UNREADABLE: &str = "Unreadable";
    /// The policy's own.
    pub const POLICY: &str = "Policy";
}

impl Error {
    /// An error of the policy's own.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with_reason(reason::POLICY, message)
    }

    pub(crate) fn with_reason(reason: &str, message: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            message: message.into(),
            status: None,
            retry_after: None,
            object: None,
        }
    }

    pub(crate) fn unreadable(object: ObjectName, error: &serde_json::Error) -> Self {
        Self::with_reason(reason::UNREADABLE, error.to_string()).about(object)
    }

    /// The same error, about an object: who made it knows best.
    #[must_use]
    pub fn about(mut self, object: ObjectName) -> Self {
        self.object.get_or_insert_with(|| Box::new(object));
        self
    }

    /// The same error, with what was being done in front of its message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.reason == reason::NOT_FOUND
    }

    /// The API server has no such kind. Nothing is known of the object then: where the kind is
    /// one that a cluster may do without, there is none; where it is not, conclude nothing.
    pub fn is_not_served(&self) -> bool {
        self.reason == reason::NOT_SERVED
    }

    /// The operator's grants do not allow it: not now, and not at a second try.
    pub fn is_denied(&self) -> bool {
        self.reason == reason::DENIED
    }

    /// The API server does not allow it, though the operator does. It may be that its own
    /// roles are not there yet, or no longer; don't conclude anything from it.
    pub fn is_forbidden(&self) -> bool {
        self.reason == reason::FORBIDDEN
    }

    /// The object has changed, or is another of the same name.
    pub fn is_conflict(&self) -> bool {
        self.reason == reason::CONFLICT
    }

    /// A list that was being read is too old to go on with; [`List::read`](crate::kube::List::read)
    /// begins anew by itself.
    pub fn is_expired(&self) -> bool {
        self.reason == reason::EXPIRED
    }

    /// The time was up.
    pub fn is_timeout(&self) -> bool {
        self.reason == reason::TIMEOUT
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            reason::POLICY => {}
            reason => write!(f, "{reason}: ")?,
        }
        // Most messages of the API server name it.
        if let Some(object) = self.object.as_deref().filter(|object| !says(&self.message, &object.name)) {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Whether a message says a name, as a word of its own. A list has none.
fn says(message: &str, name: &str) -> bool {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
    name.is_empty() || words.any(|word| word.trim_end_matches('.') == name)
}

impl std::error::Error for Error {}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        let kube::Error { reason, message, status, retry_after_ms } = error;
        Self { reason, message, status, retry_after: retry_after_ms.map(Duration::millis), object: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_stands_in_front_and_the_reason_stays() {
        let error = Error::with_reason(reason::NOT_FOUND, "no such pod").context("reading the log");
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "NotFound: reading the log: no such pod");
        assert_eq!(Error::new("odd").to_string(), "odd");
    }

    #[test]
    fn an_error_says_which_object_it_is_about_unless_its_message_does() {
        let job = ObjectName {
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        let error = |message: &str| Error::with_reason(reason::FORBIDDEN, message).about(job.clone());
        assert_eq!(error("no").to_string(), "Forbidden: Job media/plex: no");
        assert_eq!(
            error(r#"jobs "plex" is forbidden"#).to_string(),
            r#"Forbidden: jobs "plex" is forbidden"#
        );
    }
}
