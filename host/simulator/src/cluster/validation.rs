//! Whether an object is as its kind's schema says.

use serde_json::Value;
use suture_core::object::Kind;
use suture_core::{Error, ObjectRef, Reason};

use super::shape::Shape;
use super::store::{Store, definition_kind};
use super::typed::{self, Misshapen};
use super::{fields, schema};

/// The reason that goes with HTTP status 500. It is what the API server answers to an
/// apply that its schema does not know.
const INTERNAL_ERROR: &str = "InternalError";

impl Store {
    /// The schema of a custom resource, where its definition is among the objects.
    fn schema(&self, kind: &Kind, plural: &str) -> Option<&Value> {
        let name = format!("{plural}.{}", kind.group());
        let definition = self.objects.get(&ObjectRef { kind: definition_kind(), namespace: None, name })?;
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array)?;
        let version = versions.iter().find(|version| version["name"] == kind.version())?;
        version.pointer("/schema/openAPIV3Schema")
    }

    /// How objects of a kind merge.
    pub fn shape(&self, kind: &Kind, plural: &str) -> Shape<'_> {
        Shape::of(self.schema(kind, plural), typed::is_known(kind))
    }

    /// Whether an object that is to be made can be read at all.
    ///
    /// # Errors
    /// `BadRequest` for fields that no schema knows and, of Kubernetes' own kinds and of
    /// all metadata, wrong types.
    pub fn check_new(&self, kind: &Kind, plural: &str, object: &Value) -> Result<(), Error> {
        self.misshapen(kind, plural, object)
            .map_or(Ok(()), |wrong| Err(Error::new(Reason::BAD_REQUEST, wrong.message())))
    }

    /// The same of an object that is to be changed. What was wrong before may stay.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_changed(
        &self,
        reference: &ObjectRef,
        plural: &str,
        before: &Value,
        wanted: &Value,
    ) -> Result<(), Error> {
        match self.misshapen(&reference.kind, plural, wanted) {
            Some(wrong) if self.misshapen(&reference.kind, plural, before).is_none() => {
                Err(Error::new(Reason::INVALID, format!("{reference}: {}", wrong.message())))
            }
            _ => Ok(()),
        }
    }

    /// The same of fields that are to be applied. The API server fails to answer.
    ///
    /// # Errors
    /// `InternalError`.
    pub fn check_applied(&self, reference: &ObjectRef, plural: &str, config: &Value) -> Result<(), Error> {
        let wrong_type = || schema::wrong_type(self.schema(&reference.kind, plural)?, config);
        let wrong = self
            .misshapen(&reference.kind, plural, config)
            .map(Misshapen::message)
            .or_else(wrong_type)
            .or_else(|| {
                let key = fields::duplicate(self.shape(&reference.kind, plural), config)?;
                Some(format!("two items have the key {key}"))
            });
        match wrong {
            None => Ok(()),
            Some(message) => Err(Error::new(
                Reason::other(INTERNAL_ERROR),
                format!("{reference} can't be applied: {message}"),
            )),
        }
    }

    fn misshapen(&self, kind: &Kind, plural: &str, object: &Value) -> Option<Misshapen> {
        typed::check_object(kind, object).err().or_else(|| {
            let schema = self.schema(kind, plural)?;
            schema::unknown_field(schema, object).map(Misshapen::Unknown)
        })
    }

    /// Fill in the defaults of a custom resource, and see whether it is as its definition
    /// says. What was wrong before may stay.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn complete(
        &self,
        reference: &ObjectRef,
        plural: &str,
        before: Option<&Value>,
        wanted: &mut Value,
    ) -> Result<(), Error> {
        let Some(schema) = self.schema(&reference.kind, plural) else { return Ok(()) };
        schema::fill(schema, wanted);
        match schema::violation(schema, wanted) {
            Some(wrong) if before.is_none_or(|before| schema::violation(schema, before).is_none()) => {
                Err(Error::new(Reason::INVALID, format!("{reference}: {wrong}")))
            }
            _ => Ok(()),
        }
    }
}
