//! `HOST:PORT`, as in the headers `Host` and `Origin`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host and maybe a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub host: Host,
    pub port: Option<u16>,
}

/// A host, by its address or by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// In lower case, without the dot of the root.
    Name(String),
}

/// The longest name that DNS has.
const MAX_NAME: usize = 253;

impl Authority {
    /// Read one; none where it is none, or says who asks (`user@host`).
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Self::port(port)?,
                None if rest.is_empty() => None,
                None => return None,
            };
            return Some(Self { host: Host::Address(address.into()), port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Self::port(port)?),
            None => (text, None),
        };
        Some(Self { host: Host::parse(host)?, port })
    }

    /// None inside where it is left out after the colon, as may be.
    fn port(text: &str) -> Option<Option<u16>> {
        if text.is_empty() {
            return Some(None);
        }
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?.map(Some)
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        // Other ways to write an address (`127.1`, `0x7f000001`) pass for names, and no such name is known.
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_letter);
        (is_name && !name.starts_with('.') && !name.ends_with('.') && !name.contains(".."))
            .then_some(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Where a page comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    authority: Authority,
    default_port: u16,
}

impl Origin {
    /// Read one; none where it is none of the web's, or withheld (`null`).
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self { authority: Authority::parse(authority)?, default_port })
    }

    /// Whether it is what listens at an authority: the same host, the same port.
    pub fn is_at(&self, other: &Authority) -> bool {
        let port = |authority: &Authority| authority.port.unwrap_or(self.default_port);
        self.authority.host == other.host && port(&self.authority) == port(other)
    }
}
