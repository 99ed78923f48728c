//! Where a policy lies: `ghcr.io/team/policies/volsync:1.2`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use suture_core::names::shortened;

use suture_core::Digest;

/// The longest reference; the distribution specification has 255 for registry and repository,
/// 128 for the tag.
const LONGEST: usize = 512;
/// The longest registry and repository together.
const LONGEST_NAME: usize = 255;

/// `REGISTRY/REPOSITORY:TAG`, `REGISTRY/REPOSITORY@sha256:…`, or both. With a digest the tag is
/// for people: nothing but the digest counts.
///
/// The registry and the version must stand there. Docker's defaults, its own hub and `latest`,
/// are nothing that a cluster should be repaired with by omission.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    version: Version,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Version {
    Tag(String),
    Digest { digest: Digest, tag: Option<String> },
}

/// Something that is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a reference to a registry: {why}")]
pub struct ReferenceError {
    text: String,
    why: String,
}

impl Reference {
    /// The registry: a host, and a port where one is given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; none where only a digest is given.
    pub fn tag(&self) -> Option<&str> {
        match &self.version {
            Version::Tag(tag) => Some(tag),
            Version::Digest { tag, .. } => tag.as_deref(),
        }
    }

    /// The manifest's digest, where one is given.
    pub fn digest(&self) -> Option<Digest> {
        match &self.version {
            Version::Tag(_) => None,
            Version::Digest { digest, .. } => Some(*digest),
        }
    }

    /// The same repository by another manifest's digest. The tag stays, for people.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        let version = Version::Digest { digest, tag: self.tag().map(str::to_owned) };
        Self { version, ..self.clone() }
    }

    /// What the registry knows the manifest by: the digest, otherwise the tag.
    pub(crate) fn version(&self) -> String {
        match &self.version {
            Version::Tag(tag) => tag.clone(),
            Version::Digest { digest, .. } => digest.to_string(),
        }
    }

    /// Whether the registry is on this machine. Such a one is spoken to without TLS, as all
    /// tools for registries do.
    pub fn is_loopback(&self) -> bool {
        let host = match self.registry.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.registry.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        // What stands before an `@` may be a password, and must not reach a log.
        if text.split('/').next().is_some_and(|first| first.contains('@')) {
            let why = "a user and a password don't belong there, but in a docker config file".to_owned();
            return Err(ReferenceError { text: "…".to_owned(), why });
        }
        parse(text).map_err(|why| ReferenceError { text: shortened(text), why })
    }
}

fn parse(text: &str) -> Result<Reference, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!("write it without `{}://`", shortened(scheme)));
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest.parse::<Digest>().map_err(|error| error.to_string())?)),
        None => (text, None),
    };
    let (registry, rest) = name
        .split_once('/')
        .ok_or_else(|| "it needs a registry and a repository; write `ghcr.io/team/policy:1.0`".to_owned())?;
    check_registry(registry)?;
    let (repository, tag) = match rest.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (rest, None),
    };
    if registry.len() + 1 + repository.len() > LONGEST_NAME {
        return Err(format!("registry and repository are longer than {LONGEST_NAME} characters"));
    }
    if !is_repository(repository) {
        return Err(format!(
            "`{}` is no repository: lower-case letters and digits, with single `.`, `_`, `-` between them, in parts \
             divided by `/`",
            shortened(repository)
        ));
    }
    if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
        return Err(format!(
            "`{}` is no tag: at most 128 letters, digits, `_`, `.` and `-`, the first no `.` or `-`",
            shortened(tag)
        ));
    }
    let tag = tag.map(str::to_owned);
    let version = match (digest, tag) {
        (Some(digest), tag) => Version::Digest { digest, tag },
        (None, Some(tag)) => Version::Tag(tag),
        (None, None) => {
            return Err("it names no version; add a tag (`:1.0`) or a digest (`@sha256:…`)".to_owned());
        }
    };
    Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), version })
}

/// A host that can only be one: with a dot, a port, or `localhost`. So `team/policy` is not
/// taken for a registry called `team`.
fn check_registry(registry: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("`{}` is no registry: {why}", shortened(registry)));
    let port = match registry.strip_prefix('[') {
        Some(rest) => {
            let Some((host, rest)) = rest.split_once(']') else { return wrong("its bracket is not closed") };
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return wrong("what stands in brackets must be an IPv6 address");
            }
            if !(rest.is_empty() || rest.starts_with(':')) {
                return wrong("after the bracket comes `:` and a port, or nothing");
            }
            rest.strip_prefix(':')
        }
        None => {
            let (host, port) = match registry.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (registry, None),
            };
            if !host.split('.').all(is_label) {
                return wrong("a host name has letters, digits, `-` and `.`");
            }
            if port.is_none() && !host.contains('.') && host != "localhost" {
                return wrong("write its full host name first, as in `ghcr.io/team/policy:1.0`");
            }
            port
        }
    };
    match port {
        Some(port) if !port.bytes().all(|c| c.is_ascii_digit()) || port.parse::<u16>().is_err() => {
            wrong("a port is a number up to 65535")
        }
        _ => Ok(()),
    }
}

/// Whether a text is one of the parts of a host name between its dots.
fn is_label(label: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !label.is_empty() && label.chars().all(inside) && !label.starts_with('-') && !label.ends_with('-')
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, divided by `/`, says the distribution specification.
fn is_repository(repository: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    repository.split('/').all(|part| {
        let mut separators = part.split(is_alphanumeric).filter(|between| !between.is_empty());
        part.starts_with(is_alphanumeric)
            && part.ends_with(is_alphanumeric)
            && separators
                .all(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|c| c == b'-'))
    })
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|c| is_word(c) || c == '.' || c == '-')
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = self.tag() {
            write!(f, ":{tag}")?;
        }
        match self.digest() {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn a_reference_reads_back_as_it_is_written() {
        for text in [
            "ghcr.io/team/policies/volsync:1.2",
            "localhost:5000/volsync:v1",
            "localhost/volsync:v1",
            "registry:5000/a__b/c-d--e.f_g:_1.-x",
            "[::1]:5000/volsync:1",
            "[::1]/volsync:1",
            &format!("ghcr.io/team/volsync@{DIGEST}"),
            &format!("ghcr.io/team/volsync:1@{DIGEST}"),
        ] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn with_a_digest_nothing_but_the_digest_counts() {
        let reference = read(&format!("ghcr.io/team/volsync:1@{DIGEST}"));
        assert_eq!(reference.version(), DIGEST);
        assert_eq!(reference.tag(), Some("1"));
        let other = Digest::of(b"other");
        assert_eq!(reference.at(other).version(), other.to_string());
        assert_eq!(read("ghcr.io/team/volsync:1").version(), "1");
    }

    #[test]
    fn what_is_no_reference_says_what_is_wrong_with_it() {
        let long = format!("ghcr.io/{}:1", "a".repeat(300));
        for (text, why) in [
            ("", "needs a registry and a repository"),
            ("volsync:1", "needs a registry and a repository"),
            ("team/volsync:1", "write its full host name first"),
            ("oci://ghcr.io/team/volsync:1", "write it without `oci://`"),
            ("ghcr.io/team/volsync", "names no version"),
            ("ghcr.io/Team/volsync:1", "no repository"),
            ("ghcr.io/team//volsync:1", "no repository"),
            ("ghcr.io/team/../volsync:1", "no repository"),
            ("ghcr.io/team/volsync:", "no tag"),
            ("ghcr.io/team/volsync:a b", "no tag"),
            ("ghcr.io/team/volsync:.1", "no tag"),
            ("ghcr.io/team/volsync@sha256:12", "not a digest"),
            ("gh cr.io/team/volsync:1", "no registry"),
            (
                "user:secret@ghcr.io/team/volsync:1",
                "`…` is not a reference to a registry: a user and a password",
            ),
            ("ghcr.io:99999/volsync:1", "a port is a number"),
            ("ghcr.io:/volsync:1", "a port is a number"),
            ("[::1/volsync:1", "no registry"),
            ("[zz]:1/volsync:1", "must be an IPv6 address"),
            ("[::1]x/volsync:1", "after the bracket comes"),
            (&long, "longer than"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for text in ["localhost:5000/x:1", "127.0.0.1:5000/x:1", "[::1]:5000/x:1", "kind.localhost:5000/x:1"]
        {
            assert!(read(text).is_loopback(), "{text}");
        }
        for text in ["localhost.example:5000/x:1", "10.0.0.1:5000/x:1", "ghcr.io/x:1"] {
            assert!(!read(text).is_loopback(), "{text}");
        }
    }
}
