//! Where in a configuration a setting of a policy stands: the reader of YAML tells places of what
//! has a type of its own, and settings have the module's.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// What a value holds, by key or index; nothing where it is a scalar.
struct Places(BTreeMap<String, Spanned<Places>>);

#[derive(serde::Deserialize)]
struct Outline {
    #[serde(default)]
    policies: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    settings: Option<Spanned<Places>>,
}

/// The place of a setting, by a JSON pointer, in a text that was read as a configuration; that of
/// what it would stand in, where it is not there.
pub(super) fn of_setting(text: &str, policy: &str, pointer: &str) -> Option<Location> {
    let outline: Outline = serde_saphyr::from_str_with_options(text, super::options()).ok()?;
    let settings = outline.policies.into_iter().find(|entry| entry.name == policy)?.settings?;
    let mut place = &settings;
    for name in pointer.split('/').skip(1) {
        match place.value.0.get(&name.replace("~1", "/").replace("~0", "~")) {
            Some(inner) => place = inner,
            None => break,
        }
    }
    Some(place.referenced)
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Any)
    }
}

struct Any;

impl Any {
    fn scalar<E>() -> Result<Places, E> {
        Ok(Places(BTreeMap::new()))
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Places;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Places, A::Error> {
        let mut places = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            places.insert(key, value);
        }
        Ok(Places(places))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Places, A::Error> {
        let mut places = BTreeMap::new();
        while let Some(value) = list.next_element()? {
            places.insert(places.len().to_string(), value);
        }
        Ok(Places(places))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_str<E>(self, _: &str) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_unit<E>(self) -> Result<Places, E> {
        Self::scalar()
    }

    fn visit_none<E>(self) -> Result<Places, E> {
        Self::scalar()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
policies:
- {name: other, settings: {a: 1}}
- name: volsync
  settings:
    unlock: job
    count: 3
    unlockJob:
      image: x
      list: [a, {deep: null}]
";

    #[test]
    fn a_setting_is_found_or_else_what_it_would_stand_in() {
        let line = |pointer: &str| of_setting(TEXT, "volsync", pointer).map(|at| at.line());
        assert_eq!(line("/unlock"), Some(5));
        assert_eq!(line("/count"), Some(6));
        assert_eq!(line("/unlockJob/image"), Some(8));
        assert_eq!(line("/unlockJob/list/1/deep"), Some(9));
        assert_eq!(line("/unlockJob/missing"), line("/unlockJob"));
        assert_eq!(line("/missing"), line(""));
        assert_eq!(of_setting(TEXT, "nobody", "/a"), None);
    }
}
