//! The API described, as OpenAPI 3.1: from the types that it is made of.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::routes::Route;
use crate::failure::ErrorBody;
use crate::right::Right;

/// What is said of one route.
pub(super) struct Operation {
    method: &'static str,
    path: &'static str,
    value: Map<String, Value>,
}

/// Makes a document.
pub(super) struct Document {
    operations: Vec<Operation>,
    /// Of what is sent to a host.
    requests: SchemaGenerator,
    /// Of what it answers.
    answers: SchemaGenerator,
}

impl Document {
    pub fn new() -> Self {
        // The schemas of OpenAPI 3.1 are those of JSON Schema.
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            operations: Vec::new(),
            requests: settings().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// Say something of a route.
    pub fn add(
        &mut self,
        method: &'static str,
        path: &'static str,
        id: &str,
        summary: &str,
        more: impl FnOnce(Saying<'_>) -> Saying<'_>,
    ) {
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| {
                json!({"name": name, "in": "path", "required": true, "description": in_path(path, name),
                    "schema": {"type": "string"}})
            })
            .collect();
        let mut value = Map::new();
        value.insert("operationId".into(), id.into());
        value.insert("summary".into(), summary.into());
        value.insert("parameters".into(), parameters.into());
        value.insert("responses".into(), json!({}));
        let Saying { value, .. } = more(Saying { document: self, value });
        self.operations.push(Operation { method, path, value });
    }

    /// Which routes are described: `GET /path`.
    #[cfg(test)]
    pub fn described(&self) -> Vec<(&'static str, &'static str)> {
        self.operations.iter().map(|operation| (operation.method, operation.path)).collect()
    }

    /// The document of those routes.
    pub fn of(mut self, routes: &[Route]) -> Value {
        let error = self.answers.subschema_for::<ErrorBody<'_>>();
        let mut paths: Map<String, Value> = Map::new();
        for Operation { method, path, mut value } in self.operations {
            let Some(route) = routes.iter().find(|route| route.method == method && route.path == path) else {
                continue;
            };
            guard(&mut value, route, &error);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                item.insert(method.to_lowercase(), value.into());
            }
        }
        let mut schemas = self.requests.take_definitions(true);
        schemas.extend(self.answers.take_definitions(true));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Suture",
                "version": env!("CARGO_PKG_VERSION"),
                "summary": "The admin API of a Suture host",
                "description": "At the address `admin.listen`. See docs/api.md and docs/people.md.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer"},
                    "password": {"type": "http", "scheme": "basic"},
                },
            },
        })
    }
}

fn in_path(path: &str, name: &str) -> &'static str {
    match name {
        "name" => "The policy's name in the configuration.",
        _ if path.contains("/drills/") => "The drill's id, as it was answered.",
        _ => "An id; or the end, or the beginning, of one that no other has.",
    }
}

/// What its right brings: whom it is for, and how others are refused.
fn guard(value: &mut Map<String, Value>, route: &Route, error: &Schema) {
    let refusal =
        |what: &str| json!({"description": what, "content": {"application/json": {"schema": error}}});
    let Some(responses) = value.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for answer in responses.values_mut() {
        if answer.get("content").is_none() {
            *answer = refusal(answer.get("description").and_then(Value::as_str).unwrap_or_default());
        }
    }
    let mut add = |status: &str, what: &str| {
        responses.entry(status).or_insert_with(|| refusal(what));
    };
    let Some(right) = route.right else { return };
    add("401", "There is no token, or none that the host knows.");
    add("403", "The token lacks the right; or a web page sent this.");
    if right != Right::Metrics {
        add("503", "The host stands by, starts or stops; or it can't do that now. The message says why.");
    }
    if route.method == "POST" {
        add("415", "It is not `Content-Type: application/json`.");
    }
    value.insert("security".into(), json!([{"token": []}, {"password": []}]));
    value.insert("x-suture-role".into(), right.role().as_str().into());
}

/// What is being said of a route.
pub(super) struct Saying<'a> {
    document: &'a mut Document,
    value: Map<String, Value>,
}

impl Saying<'_> {
    /// More than the summary.
    pub fn more(mut self, text: &str) -> Self {
        self.value.insert("description".into(), text.into());
        self
    }

    /// The parameters of the query: the fields of a type.
    pub fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(&mut self.document.requests);
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let of = |(name, mut schema): (String, Value)| {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
        };
        if let Some(parameters) = self.value.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.extend(fields.into_iter().map(of));
        }
        self
    }

    /// The body of the request.
    pub fn takes<T: JsonSchema>(mut self, required: bool) -> Self {
        let schema = self.document.requests.subschema_for::<T>();
        let body = json!({"required": required, "content": {"application/json": {"schema": schema}}});
        self.value.insert("requestBody".into(), body);
        self
    }

    /// What it answers.
    pub fn answers<T: JsonSchema>(self, status: u16, what: &str) -> Self {
        let schema = self.document.answers.subschema_for::<T>();
        self.answer(status, json!({"description": what, "content": {"application/json": {"schema": schema}}}))
    }

    /// What it answers where that is text.
    pub fn answers_text(self, kind: &str, what: &str) -> Self {
        self.answer(200, json!({"description": what, "content": {kind: {"schema": {"type": "string"}}}}))
    }

    /// How it refuses.
    pub fn refuses(self, status: u16, why: &str) -> Self {
        self.answer(status, json!({"description": why}))
    }

    fn answer(mut self, status: u16, answer: Value) -> Self {
        if let Some(responses) = self.value.get_mut("responses").and_then(Value::as_object_mut) {
            responses.insert(status.to_string(), answer);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{described, openapi, routes};
    use crate::admission::Admission;

    #[test]
    fn each_route_is_described_and_each_description_is_of_a_route() {
        let routes = routes(Arc::new(Admission::new(None, None, None, &[])));
        let served: Vec<String> =
            routes.all().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let described: Vec<String> = described::document()
            .described()
            .iter()
            .map(|(method, path)| format!("{method} {path}"))
            .collect();
        for route in &served {
            assert!(described.contains(route), "say in `described.rs` what `{route}` does");
        }
        for description in &described {
            assert!(served.contains(description), "`{description}` is described, and is no route");
        }
        let document = openapi();
        let paths = document["paths"].as_object().unwrap();
        let listed: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(listed, served.len());
    }
}
