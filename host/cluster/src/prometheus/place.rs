//! A server that is asked, and how its answers are read.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use suture_core::names::shortened;
use suture_core::{Error, Reason};

use super::answer;
use crate::http::{Answer, HttpError, Server};

/// One of the servers that a client asks.
pub(super) struct Place<'a> {
    pub server: &'a Server,
    /// What names it in the configuration.
    pub setting: &'static str,
}

impl Place<'_> {
    /// What is at a path.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.data(self.server.get(path).await)
    }

    /// What is in an answer.
    pub fn data<T: DeserializeOwned>(&self, answer: Result<Answer, HttpError>) -> Result<T, Error> {
        let unavailable = |message: String| Error::new(Reason::UNAVAILABLE, message);
        let answer = answer.map_err(|error| unavailable(format!("Prometheus at {error}")))?;
        let envelope: Option<Envelope> = serde_json::from_slice(&answer.body).ok();
        let status = Some(answer.status);
        match (answer.status, envelope) {
            (200..300, Some(Envelope { status: Status::Success, data, warnings, .. })) => {
                for warning in warnings.iter().take(10) {
                    tracing::warn!(prometheus = self.server.shown(), warning = %shortened(warning), "Prometheus warns");
                }
                serde_json::from_value(data)
                    .map_err(|error| unavailable(self.not_its_api(&shortened(&error.to_string()))))
            }
            (400 | 422, Some(Envelope { error, .. })) => {
                let message = format!("Prometheus at {}: {}", self.server.shown(), cut(&error));
                Err(Error { status, ..Error::new(Reason::INVALID, message) })
            }
            (401 | 403, _) => {
                let message = format!(
                    "Prometheus at {} answered {}: it wants credentials, or others",
                    self.server.shown(),
                    answer.status
                );
                Err(Error { status, ..Error::new(Reason::FORBIDDEN, message) })
            }
            (code, Some(Envelope { status: Status::Error, error, .. })) => {
                let message =
                    format!("Prometheus at {} answered {code}: {}", self.server.shown(), cut(&error));
                Err(Error { status, ..unavailable(message) })
            }
            (code @ 500.., _) => {
                let message =
                    format!("Prometheus at {} answered {code}: {}", self.server.shown(), answer.excerpt());
                Err(Error { status, ..unavailable(message) })
            }
            (code, _) => {
                let what = format!("status {code}, {}", answer.excerpt());
                Err(Error { status, ..unavailable(self.not_its_api(&what)) })
            }
        }
    }

    fn not_its_api(&self, what: &str) -> String {
        format!(
            "Prometheus at {} answered something that is not its API: {what}; check `{}`",
            self.server.shown(),
            self.setting
        )
    }

    pub fn unfit(&self, expression: &str, unfit: &answer::Unfit) -> Error {
        let expression = shortened(expression);
        match unfit {
            answer::Unfit::Type(why) => Error::new(Reason::INVALID, format!("`{expression}`: {why}")),
            answer::Unfit::Value(what) => Error::new(Reason::UNAVAILABLE, self.not_its_api(what)),
        }
    }
}

/// An error's text: longer than a name, and still bounded.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1000).collect()
}

/// What is around every answer.
#[derive(Deserialize)]
struct Envelope {
    status: Status,
    #[serde(default)]
    data: serde_json::Value,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}
