//! What the two sides say to each other, and how that becomes frames.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use suture_core::handler::Resource;
use suture_core::object::{Kind, Object};
use suture_core::{Effect, Fault, Prepared, Reply, Resolution, Step, Timestamp};
use tokio_util::codec::LengthDelimitedCodec;

use super::MAX_FRAME;

/// The version of the protocol that this version of Suture speaks.
pub const PROTOCOL: u32 = 3;

/// What a client sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FromClient {
    /// The first frame.
    Hello { protocol: u32 },
    /// A [`Question`], read apart from its frame: the number must be legible whatever the
    /// question is.
    Ask { id: u64, question: Box<RawValue> },
    /// An answer is no longer of interest.
    Cancel { id: u64 },
    /// The client lives by the time that it was told, and has woken whoever waited for it.
    Reached { now: Timestamp },
}

/// What a server sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FromServer {
    /// The first frame.
    Hello(Welcome),
    /// An [`Answer`] to the question with the number.
    Answer { id: u64, answer: Box<RawValue> },
    /// What time it is now, where time is told.
    Time { now: Timestamp },
    /// The last frame: why the server ends the connection.
    Refused { reason: String },
}

/// How a server introduces itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// What it speaks.
    pub protocol: u32,
    /// Its name: no other server has it, so it is the same cluster.
    pub server: String,
    /// What time it is in the cluster.
    pub now: Timestamp,
    /// How it passes there.
    pub time: Passing,
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Passing {
    /// By itself, so many times as fast as real time.
    Running { speed: f64 },
    /// Only when the server says so.
    Manual,
}

/// What is asked of a cluster.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    Prepare { step: Step, effect: Effect },
    Perform(Carried),
    Resolve(Carried),
    Resource(Kind),
}

/// What a cluster answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Prepared(Box<Carried>),
    Performed(Reply),
    Resolved(Resolution),
    Resource(Resource),
    Failed(Fault),
}

/// A prepared effect with what the journal never holds: the guard looks at it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Carried {
    prepared: Prepared,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Object>,
}

impl Carried {
    /// Whether performing it changes the cluster.
    pub fn is_change(&self) -> bool {
        self.prepared.effect.is_mutation() && !self.prepared.dry_run
    }
}

impl Answer {
    /// What kind of answer it is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Prepared(_) => "a prepared effect",
            Self::Performed(_) => "a reply",
            Self::Resolved(_) => "a resolution",
            Self::Resource(_) => "a resource",
            Self::Failed(_) => "an error",
        }
    }
}

impl From<Prepared> for Carried {
    fn from(mut prepared: Prepared) -> Self {
        let before = prepared.before.take();
        Self { prepared, before }
    }
}

impl From<Carried> for Prepared {
    fn from(Carried { prepared, before }: Carried) -> Self {
        Self { before, ..prepared }
    }
}

/// How frames are cut.
pub fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_length(4).max_frame_length(MAX_FRAME).new_codec()
}

/// A frame.
///
/// # Errors
/// Where it would be too large.
pub fn encode(message: &impl Serialize) -> Result<Bytes, String> {
    let text = serde_json::to_vec(message).map_err(|error| error.to_string())?;
    match text.len() {
        0..=MAX_FRAME => Ok(text.into()),
        bytes => Err(format!("it has {bytes} bytes, and at most {MAX_FRAME} pass through the socket")),
    }
}

/// The content of a frame.
///
/// # Errors
/// What is wrong with it.
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T, String> {
    serde_json::from_slice(frame).map_err(|error| format!("a frame makes no sense: {error}"))
}

/// What stands in a frame and is read by itself.
///
/// # Errors
/// Where it can't be written as JSON.
pub fn raw(content: &impl Serialize) -> Result<Box<RawValue>, String> {
    serde_json::value::to_raw_value(content).map_err(|error| error.to_string())
}
