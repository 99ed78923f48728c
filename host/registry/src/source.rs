//! `source: {oci: …}` of a policy in the configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use suture_core::HumanDuration;

use crate::Reference;

/// Where a policy is pulled from, and how: just a reference, or
/// `{reference, credentials, key, poll, plainHttp, allowDowngrade, timeout}`.
///
/// File names are as they stand in the configuration; who reads it makes them relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciSource {
    /// What is pulled. A tag is asked for again and again; a digest never changes.
    pub reference: Reference,
    /// A docker config file with the credentials. Without one nobody logs in.
    pub credentials: Option<PathBuf>,
    /// A cosign public key. With it, what is not signed by its holder is not loaded.
    pub key: Option<PathBuf>,
    /// How long until the tag is looked at again: at least [`LEAST_POLL`](Self::LEAST_POLL).
    pub poll: HumanDuration,
    /// Whether to speak to the registry without TLS. One on this machine is spoken to so anyway.
    pub plain_http: bool,
    /// Whether a module may take the place of one with a higher version without a person's
    /// saying so. Else an older one, rightly signed as it may be, waits to be accepted.
    pub allow_downgrade: bool,
    /// How long one pull may take in all: from [`LEAST_TIMEOUT`](Self::LEAST_TIMEOUT) to
    /// [`MOST_TIMEOUT`](Self::MOST_TIMEOUT).
    pub timeout: HumanDuration,
}

impl OciSource {
    /// `poll` where it is not given.
    pub const POLL: HumanDuration = HumanDuration::from_secs(300);
    /// The least that `poll` can be: registries count requests, and block who asks too often.
    pub const LEAST_POLL: HumanDuration = HumanDuration::from_secs(5);
    /// `timeout` where it is not given.
    pub const TIMEOUT: HumanDuration = HumanDuration::from_secs(60);
    /// The least that `timeout` can be.
    pub const LEAST_TIMEOUT: HumanDuration = HumanDuration::from_secs(1);
    /// The most that `timeout` can be.
    pub const MOST_TIMEOUT: HumanDuration = HumanDuration::from_secs(3600);
}

impl From<Reference> for OciSource {
    fn from(reference: Reference) -> Self {
        Self {
            reference,
            credentials: None,
            key: None,
            poll: Self::POLL,
            plain_http: false,
            allow_downgrade: false,
            timeout: Self::TIMEOUT,
        }
    }
}

/// The long form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    #[schemars(with = "String")]
    reference: Reference,
    credentials: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default = "poll_default", deserialize_with = "poll")]
    poll: HumanDuration,
    #[serde(default)]
    plain_http: bool,
    #[serde(default)]
    allow_downgrade: bool,
    #[serde(default = "timeout_default", deserialize_with = "timeout")]
    timeout: HumanDuration,
}

fn poll_default() -> HumanDuration {
    OciSource::POLL
}

fn timeout_default() -> HumanDuration {
    OciSource::TIMEOUT
}

fn poll<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HumanDuration, D::Error> {
    within(deserializer, OciSource::LEAST_POLL, HumanDuration::from(Duration::MAX))
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HumanDuration, D::Error> {
    within(deserializer, OciSource::LEAST_TIMEOUT, OciSource::MOST_TIMEOUT)
}

fn within<'de, D: Deserializer<'de>>(
    deserializer: D,
    least: HumanDuration,
    most: HumanDuration,
) -> Result<HumanDuration, D::Error> {
    let given = HumanDuration::deserialize(deserializer)?;
    if given < least {
        return Err(serde::de::Error::custom(format!("{given} is too short: at least {least}")));
    }
    if given > most {
        return Err(serde::de::Error::custom(format!("{given} is too long: at most {most}")));
    }
    Ok(given)
}

impl<'de> Deserialize<'de> for OciSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// By hand: serde's untagged enums lose which field of the long form is wrong.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = OciSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference such as `ghcr.io/team/policy:1.0`, or a map with `reference`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OciSource, E> {
        text.parse::<Reference>().map(OciSource::from).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OciSource, A::Error> {
        let Fields { reference, credentials, key, poll, plain_http, allow_downgrade, timeout } =
            Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(OciSource { reference, credentials, key, poll, plain_http, allow_downgrade, timeout })
    }
}

impl schemars::JsonSchema for OciSource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OciSource".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let fields = generator.subschema_for::<Fields>();
        schemars::json_schema!({"anyOf": [{"type": "string", "examples": ["ghcr.io/team/policy:1.0"]}, fields]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OciSource, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bare_reference_has_the_defaults() {
        let source = read("ghcr.io/team/volsync:1").unwrap();
        assert_eq!(source, OciSource::from("ghcr.io/team/volsync:1".parse::<Reference>().unwrap()));
        assert_eq!((source.poll.to_string(), source.timeout.to_string()), ("5m".into(), "1m".into()));
        assert_eq!(read("{reference: 'ghcr.io/team/volsync:1'}").unwrap(), source);
    }

    #[test]
    fn the_long_form_says_all() {
        let text = "reference: registry:5000/volsync:1\ncredentials: /etc/docker/config.json\nkey: cosign.pub\n\
                    poll: 30s\nplainHttp: true\nallowDowngrade: true\ntimeout: 2m\n";
        let source = read(text).unwrap();
        assert_eq!(source.reference.to_string(), "registry:5000/volsync:1");
        assert_eq!(source.credentials, Some("/etc/docker/config.json".into()));
        assert_eq!(source.key, Some("cosign.pub".into()));
        assert_eq!((source.poll.to_string(), source.timeout.to_string()), ("30s".into(), "2m".into()));
        assert!(source.plain_http && source.allow_downgrade);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("volsync", "needs a registry and a repository"),
            ("{credentials: x}", "reference"),
            ("{reference: 'ghcr.io/a:1', pol: 5m}", "pol"),
            ("{reference: 'ghcr.io/a:1', poll: 4s}", "4s is too short: at least 5s"),
            ("{reference: 'ghcr.io/a:1', timeout: 1d}", "1d is too long: at most 1h"),
            ("{reference: 'ghcr.io/a:1', timeout: 10ms}", "10ms is too short: at least 1s"),
            ("{reference: ghcr.io/a}", "names no version"),
            ("[ghcr.io/a:1]", "a reference such as"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
