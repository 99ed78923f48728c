//! What to wait for, and how it ended.

use serde_json::Value;

use crate::host::{Op, Predicate, Test};

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited<T> {
    /// The object was as described: as it was then.
    Met(T),
    /// The object is gone. For [`deleted`] this is success.
    Deleted,
    /// It did not happen in time.
    Timeout,
}

impl<T> Waited<T> {
    /// Whether the object is gone.
    pub fn is_deleted(&self) -> bool {
        matches!(self, Self::Deleted)
    }

    /// The object, where it was as described.
    pub fn met(self) -> Option<T> {
        match self {
            Self::Met(object) => Some(object),
            Self::Deleted | Self::Timeout => None,
        }
    }
}

/// A field of the object, by its JSON pointer: `/status/phase`.
pub fn field(pointer: &str) -> Field {
    Field(pointer.to_owned())
}

/// The object is gone, or replaced by another of its name.
pub fn deleted() -> Predicate {
    Predicate::Deleted
}

/// All of these hold.
pub fn all<const N: usize>(tests: [Test; N]) -> Predicate {
    Predicate::All(tests.into())
}

/// At least one of these holds.
pub fn any<const N: usize>(tests: [Test; N]) -> Predicate {
    Predicate::Any(tests.into())
}

impl From<Test> for Predicate {
    fn from(test: Test) -> Self {
        all([test])
    }
}

/// A field that is about to be compared.
#[derive(Clone, Debug)]
#[must_use]
pub struct Field(String);

impl Field {
    /// It is there, and not null.
    pub fn exists(self) -> Test {
        self.test(Op::Exists, String::new())
    }

    /// It is not there, or null.
    pub fn absent(self) -> Test {
        self.test(Op::Absent, String::new())
    }

    /// It is this.
    pub fn equals(self, value: impl Into<Value>) -> Test {
        self.test(Op::Equals, value.into().to_string())
    }

    /// It is not this; perhaps it is not there.
    pub fn differs_from(self, value: impl Into<Value>) -> Test {
        self.test(Op::NotEquals, value.into().to_string())
    }

    fn test(self, op: Op, value: String) -> Test {
        Test { pointer: self.0, op, value }
    }
}
