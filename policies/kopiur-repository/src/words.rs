//! The operator's words, short and on one line.

use suture_policy::kube::Condition;
use suture_policy::text;

/// How much of a message is shown, in bytes.
const SHOWN: usize = 400;
/// How much of one word is shown, in bytes: a reason, a phase, a name.
const WORD: usize = 80;

/// A condition in the operator's words.
pub fn in_its_words(condition: &Condition) -> String {
    let message = text::one_line(&condition.message);
    let (reason, message) = (word(&condition.reason), text::start(&message, SHOWN));
    match (reason.as_str(), message) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// One word of somebody else's.
pub fn word(word: &str) -> String {
    text::start(&text::one_line(word), WORD).to_owned()
}

/// The condition of this name.
pub fn condition<'a>(conditions: &'a [Condition], name: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.name == name)
}

/// The condition of this name, where its status is this.
pub fn condition_is<'a>(conditions: &'a [Condition], name: &str, status: &str) -> Option<&'a Condition> {
    condition(conditions, name).filter(|condition| condition.status == status)
}
