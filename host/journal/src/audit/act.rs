//! One administrative act.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use suture_core::{Digest, Timestamp};

use super::AuditHead;

/// The most bytes of a person's name in a row, as JSON writes them: those of accounts are long.
const MAX_WHO: usize = 384;
/// Of another name, or an id.
const MAX_NAME: usize = 128;
/// Of a word for programs.
const MAX_WORD: usize = 64;
/// Of what an act is about.
const MAX_OBJECT: usize = 512;
/// Of the reason that somebody gives.
const MAX_REASON: usize = 1024;
/// Of why they were refused.
const MAX_MESSAGE: usize = 768;

/// Something that somebody did to a host, or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// Who: a person's name; `admin`, `anonymous`, `metrics`; `suture` for the host itself.
    pub who: String,
    /// How they were authenticated.
    pub by: Credential,
    /// The address at the other end of the connection; none of what the host did itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub peer: Option<IpAddr>,
    /// What: `pause`, `start`, `approve`, …
    pub what: String,
    /// The policy that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What else it is about: the object of an incident, a module, the digest of a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether a run was started that nothing confirms.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// What came of it.
    pub outcome: ActOutcome,
    /// Why it was not done: one word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it was not done: a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many more of theirs were not done before this one, and have no row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unwritten: u64,
    /// Of a row that says that older rows were removed: the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<AuditHead>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How somebody was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Credential {
    /// A person's own token.
    Token,
    /// The token in `admin.tokenFile`.
    AdminToken,
    /// The name and password of `admin.basicAuth`.
    BasicAuth,
    /// The token in `admin.metricsTokenFile`.
    MetricsToken,
    /// The session of a browser.
    Session,
    /// Whatever the API server accepts.
    ApiServer,
    /// Nothing: the host asks for no token.
    Anonymous,
    /// Nobody was: the host did it by itself.
    Host,
}

impl Credential {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::AdminToken => "adminToken",
            Self::BasicAuth => "basicAuth",
            Self::MetricsToken => "metricsToken",
            Self::Session => "session",
            Self::ApiServer => "apiServer",
            Self::Anonymous => "anonymous",
            Self::Host => "host",
        }
    }
}

/// What came of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ActOutcome {
    /// It was done.
    Done,
    /// It was not: they may not, or it can't be done as things are.
    Refused,
    /// It was not: something went wrong.
    Failed,
    /// It is not known: the host ended before it had answered.
    Unknown,
}

impl ActOutcome {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::Failed, Self::Unknown];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Act {
    /// An act, and no more than that it was done.
    pub fn new(who: &str, by: Credential, what: &str) -> Self {
        Self {
            who: who.to_owned(),
            by,
            peer: None,
            what: what.to_owned(),
            policy: None,
            incident: None,
            run: None,
            object: None,
            reason: None,
            forced: false,
            outcome: ActOutcome::Done,
            code: None,
            message: None,
            unwritten: 0,
            checkpoint: None,
        }
    }

    /// The same, no larger than a row may be.
    pub fn bounded(self) -> Self {
        let cut_all = |text: Option<String>, most| text.map(|text| cut(text, most));
        Self {
            who: cut(self.who, MAX_WHO),
            what: cut(self.what, MAX_WORD),
            policy: cut_all(self.policy, MAX_NAME),
            incident: cut_all(self.incident, MAX_NAME),
            run: cut_all(self.run, MAX_NAME),
            object: cut_all(self.object, MAX_OBJECT),
            reason: cut_all(self.reason, MAX_REASON),
            code: cut_all(self.code, MAX_WORD),
            message: cut_all(self.message, MAX_MESSAGE),
            ..self
        }
    }
}

/// A text of so many bytes at most, as JSON writes it.
fn cut(mut text: String, most: usize) -> String {
    let cost = |character: char| match character {
        '"' | '\\' => 2,
        '\0'..='\x1f' => 6,
        other => other.len_utf8(),
    };
    let mut room = most - '…'.len_utf8();
    if text.len() <= room && text.chars().map(cost).sum::<usize>() <= most {
        return text;
    }
    let end = text.char_indices().find(|(_, character)| match room.checked_sub(cost(*character)) {
        Some(left) => {
            room = left;
            false
        }
        None => true,
    });
    if let Some((end, _)) = end {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its number; the first is 1, and none is left out.
    pub sequence: u64,
    /// When it was written; where the outcome is unknown, when the act began.
    pub at: Timestamp,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
    /// The hash of the row before it; the first has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub previous: Option<Digest>,
    /// The SHA-256 of this row without its hash, as RFC 8785 writes it.
    #[schemars(with = "String")]
    pub hash: Digest,
}

impl AuditRow {
    /// The most bytes of a row.
    pub const MAX_BYTES: usize = 4096;

    /// A row, as a journal or a host shows it.
    ///
    /// # Errors
    /// What of it is missing, or of another kind.
    pub fn of(row: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        Self::deserialize(Value::Object(row.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_at_a_character_and_says_so() {
        assert_eq!(cut("abc".into(), 10), "abc");
        assert_eq!(cut("a".repeat(20), 10), "aaaaaaa…");
        assert_eq!(cut("é".repeat(20), 10), "ééé…");
        assert_eq!(cut("\n".repeat(20), 16), "\n\n…");
        assert_eq!(cut("\"".repeat(3), 10), "\"\"\"");
    }

    #[test]
    fn however_much_somebody_says_a_row_is_small() {
        for text in ["x", "\"", "\u{1}", "é", "\u{202e}"] {
            let all = text.repeat(1 << 16);
            let some = Some(all.clone());
            let act = Act {
                policy: some.clone(),
                incident: some.clone(),
                run: some.clone(),
                object: some.clone(),
                reason: some.clone(),
                code: some.clone(),
                message: some,
                ..Act::new(&all, Credential::MetricsToken, &all)
            };
            let length = serde_json::to_string(&act.bounded()).unwrap().len();
            assert!(length + 300 < AuditRow::MAX_BYTES, "{text:?}: {length}");
        }
    }
}
