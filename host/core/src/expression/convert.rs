//! From JSON to CEL's own values, in one pass. (The library's own way makes them twice.)

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::{ExecutionError, FunctionContext};
use serde_json::{Number, Value};

use super::ObjectLookup;
use super::meter::Function;

/// A value whose texts stay where they are.
pub(super) fn borrowed(json: &Value) -> Box<dyn Val + '_> {
    value(json, &|text| CelString::from(text))
}

/// The function `object()`.
pub(super) fn lookup(objects: ObjectLookup) -> Function {
    Box::new(move |call| {
        let [api_version, kind, namespace, name] = texts(call)?;
        let object = objects(&api_version, &kind, &namespace, &name);
        Ok(CowVal::Owned(object.map_or_else(|| Box::new(CelNull) as Box<dyn Val>, |object| owned(&object))))
    })
}

fn owned(json: &Value) -> Box<dyn Val> {
    value(json, &|text| CelString::from(text.to_owned()))
}

fn texts(call: &FunctionContext<'_, '_>) -> Result<[String; 4], ExecutionError> {
    let texts: Vec<String> = call
        .args
        .iter()
        .map(|argument| match argument.downcast_ref::<CelString>() {
            Some(text) => Ok(text.inner().to_owned()),
            None => Err(call.error("its arguments are texts: apiVersion, kind, namespace, name")),
        })
        .collect::<Result<_, _>>()?;
    texts.try_into().map_err(|texts: Vec<String>| ExecutionError::invalid_argument_count(4, texts.len()))
}

fn value<'j, 'v>(json: &'j Value, text: &impl Fn(&'j str) -> CelString<'v>) -> Box<dyn Val + 'v> {
    match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(value) => number(value),
        Value::String(value) => Box::new(text(value)),
        Value::Array(items) => {
            Box::new(CelList::from(items.iter().map(|item| value(item, text)).collect::<Vec<_>>()))
        }
        Value::Object(fields) => {
            let field =
                |(name, field): (&'j String, &'j Value)| (CelMapKey::String(text(name)), value(field, text));
            Box::new(CelMap::from(fields.iter().map(field).collect::<HashMap<_, _>>()))
        }
    }
}

/// As CEL reads JSON: what is not negative is unsigned.
fn number<'v>(value: &Number) -> Box<dyn Val + 'v> {
    match (value.as_u64(), value.as_i64()) {
        (Some(value), _) => Box::new(CelUInt::from(value)),
        (None, Some(value)) => Box::new(CelInt::from(value)),
        (None, None) => Box::new(CelDouble::from(value.as_f64().unwrap_or(f64::NAN))),
    }
}
