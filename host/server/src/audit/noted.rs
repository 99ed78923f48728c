//! What a route says of the act that it does, while it does it.

/// What it has said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub policy: Option<String>,
    pub incident: Option<String>,
    pub run: Option<String>,
    pub object: Option<String>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    pub is_forced: bool,
    /// Nothing was changed: it is no act.
    pub is_only_a_look: bool,
}
