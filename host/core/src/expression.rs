//! CEL, the language that Kubernetes itself uses for rules over objects.
//!
//! Only operators and scenario authors write it, never a policy. It is compiled once
//! and bounded: by length, by the parser's own depth limit, and by the number of
//! loops, because nested loops are the one way to make it slow.

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::parser::{Expression as Ast, Parser};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A compiled CEL expression.
#[derive(Clone)]
pub struct Expression {
    source: String,
    ast: Arc<Ast>,
}

/// Why an expression has no value: it does not compile, it reads a field that is not
/// there, or its result is not of the type that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// Finds an object by API version, kind, namespace and name: the function `object()`.
pub type ObjectLookup = Arc<dyn Fn(&str, &str, &str, &str) -> Value + Send + Sync>;

impl Expression {
    /// The longest expression, in bytes.
    pub const MAX_BYTES: usize = 4096;
    /// The most comprehensions (`all`, `exists`, `map`, `filter`, …) in one.
    const MAX_LOOPS: usize = 4;
    /// The most words and symbols. Evaluation recurses over the syntax tree: a chain of
    /// two thousand operators, which fits in 4 KiB, overflows a thread's stack.
    const MAX_TOKENS: usize = 300;

    /// Compile. Kubernetes' optional syntax (`object.spec.?x.orValue(0)`) is on.
    ///
    /// # Errors
    /// Where the expression is too long, loops too much, or is not CEL.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > Self::MAX_BYTES {
            return Err(ExpressionError(format!(
                "the expression has {} bytes, at most {} are allowed",
                source.len(),
                Self::MAX_BYTES
            )));
        }
        let tokens = count_tokens(source);
        if tokens > Self::MAX_TOKENS {
            return Err(ExpressionError(format!(
                "the expression has {tokens} words and symbols, at most {} are allowed",
                Self::MAX_TOKENS
            )));
        }
        let loops: usize =
            LOOPS.iter().map(|comprehension| squeezed(source).matches(comprehension).count()).sum();
        if loops > Self::MAX_LOOPS {
            return Err(ExpressionError(format!(
                "the expression loops {loops} times, at most {} are allowed",
                Self::MAX_LOOPS
            )));
        }
        let ast = Parser::default()
            .enable_optional_syntax(true)
            .parse(source)
            .map_err(|errors| ExpressionError(errors.to_string().trim().to_owned()))?;
        Ok(Self { source: source.to_owned(), ast: Arc::new(ast) })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables it reads, those of its own loops aside; sorted.
    pub fn variables(&self) -> Vec<String> {
        let source = squeezed(&self.source);
        let bound: Vec<&str> = LOOPS
            .iter()
            .flat_map(|comprehension| source.split(comprehension).skip(1))
            .flat_map(|arguments| arguments.split(',').take(2))
            .collect();
        let references = self.ast.references();
        let mut variables: Vec<_> = references
            .variables()
            .into_iter()
            .filter(|name| !bound.contains(name))
            .map(str::to_owned)
            .collect();
        variables.sort();
        variables
    }

    /// Evaluate with variables.
    ///
    /// # Errors
    /// A missing field is an error, not null: write `has(…)` first.
    pub fn evaluate(&self, variables: &[(&str, &Value)]) -> Result<Value, ExpressionError> {
        self.evaluate_with(variables, None)
    }

    /// Evaluate with variables and, where given, the function
    /// `object(apiVersion, kind, namespace, name)`, which is null for what does not
    /// exist.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_with(
        &self,
        variables: &[(&str, &Value)],
        objects: Option<ObjectLookup>,
    ) -> Result<Value, ExpressionError> {
        let failed = |error: String| ExpressionError(format!("`{}`: {error}", self.source));
        let mut context = cel::Context::with_env(ENVIRONMENT.clone());
        for (name, value) in variables {
            context.add_variable(*name, *value).map_err(|error| failed(error.to_string()))?;
        }
        if let Some(objects) = objects {
            let find = move |api_version: Arc<String>,
                             kind: Arc<String>,
                             namespace: Arc<String>,
                             name: Arc<String>| {
                let object = objects(&api_version, &kind, &namespace, &name);
                cel::to_value(object).unwrap_or(cel::Value::Null)
            };
            context.add_function("object", find).map_err(|error| failed(error.to_string()))?;
        }
        let value = cel::Value::resolve(&self.ast, &context).map_err(|error| failed(error.to_string()))?;
        value.json().map_err(|error| failed(error.to_string()))
    }

    /// Evaluate to true or false.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and where the result is neither.
    pub fn test(&self, variables: &[(&str, &Value)]) -> Result<bool, ExpressionError> {
        self.test_with(variables, None)
    }

    /// As [`test`](Self::test), with the function `object()`.
    ///
    /// # Errors
    /// As [`test`](Self::test).
    pub fn test_with(
        &self,
        variables: &[(&str, &Value)],
        objects: Option<ObjectLookup>,
    ) -> Result<bool, ExpressionError> {
        match self.evaluate_with(variables, objects)? {
            Value::Bool(result) => Ok(result),
            other => Err(ExpressionError(format!("`{}` is {other}, neither true nor false", self.source))),
        }
    }
}

/// CEL's own functions and types. Making them takes longer than most expressions.
static ENVIRONMENT: LazyLock<Arc<cel::Env>> = LazyLock::new(|| Arc::new(cel::Env::stdlib()));

/// How comprehensions begin, spaces aside.
const LOOPS: [&str; 8] = [
    ".all(",
    ".exists(",
    ".exists_one(",
    ".existsOne(",
    ".map(",
    ".filter(",
    ".transformList(",
    ".transformMap(",
];

/// Counts words and symbols; a quoted text is one.
fn count_tokens(source: &str) -> usize {
    let mut characters = source.chars().peekable();
    let mut count = 0;
    while let Some(character) = characters.next() {
        count += usize::from(!character.is_whitespace());
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if word(character) {
            while characters.next_if(|next| word(*next)).is_some() {}
        } else if matches!(character, '"' | '\'') {
            while let Some(next) = characters.next() {
                match next {
                    '\\' => _ = characters.next(),
                    _ if next == character => break,
                    _ => {}
                }
            }
        }
    }
    count
}

fn squeezed(source: &str) -> String {
    source.chars().filter(|c| !c.is_whitespace()).collect()
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::compile(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Expression {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A CEL expression.", "examples": ["alert.labels.cluster == \"home\""]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn test(source: &str, object: &Value) -> Result<bool, ExpressionError> {
        Expression::compile(source)?.test(&[("object", object)])
    }

    #[test]
    fn rules_over_objects_work_as_in_kubernetes() {
        let object = json!({"metadata": {"name": "x-1", "labels": {"a.b/c": "d"}}, "spec": {"n": 3}});
        for rule in [
            r#"object.metadata.name.startsWith("x")"#,
            r#"object.metadata.labels["a.b/c"] == "d""#,
            "has(object.spec.n) && !has(object.spec.m)",
            "object.spec.n > 2",
            r#"object.spec.?m.orValue("none") == "none""#,
        ] {
            assert_eq!(test(rule, &object), Ok(true), "{rule}");
        }
    }

    #[test]
    fn a_missing_field_and_a_result_that_is_no_boolean_are_errors() {
        assert!(test("object.spec.m == 1", &json!({"spec": {}})).is_err());
        assert!(test("object.n", &json!({"n": 1})).unwrap_err().0.contains("neither true nor false"));
        assert!(test("object.", &json!({})).is_err());
    }

    #[test]
    fn hostile_expressions_are_refused_and_do_no_harm() {
        let loops = ".map(a, [1].map(b, [1].map(c, [1].map(d, [1].map(e, e)))))";
        for hostile in [
            format!("{}1 == 1", "1+".repeat(2000)),
            format!("object{}", ".a".repeat(2000)),
            "1+".repeat(3000),
            "(".repeat(4000),
            "!".repeat(4000),
            format!("[1]{loops} == []"),
            "a?".repeat(2000),
        ] {
            assert!(test(&hostile, &json!({})).is_err());
        }
        // As deep as the limit lets them be: they are evaluated.
        assert_eq!(test(&format!("{}1 == 146", "1+".repeat(145)), &json!({})), Ok(true));
        assert!(test(&format!("object{}", ".a".repeat(149)), &json!({})).is_err());
    }

    #[test]
    fn the_variables_of_an_expression_are_those_it_does_not_bind_itself() {
        let variables = |source: &str| Expression::compile(source).unwrap().variables();
        let source = r#"object.a.exists(x, x == patch.b) && has(object.c) && "y" in [before]"#;
        assert_eq!(variables(source), ["before", "object", "patch"]);
        assert_eq!(variables("1 + 1 == 2"), [""; 0]);
    }

    #[test]
    fn an_object_that_does_not_exist_is_null() {
        let lookup: ObjectLookup =
            Arc::new(|_, _, _, name| if name == "plex" { json!({"spec": {}}) } else { Value::Null });
        let test = |source: &str| Expression::compile(source).unwrap().test_with(&[], Some(lookup.clone()));
        assert_eq!(test(r#"object("v1", "Pod", "media", "gone") == null"#), Ok(true));
        assert_eq!(test(r#"!has(object("v1", "Pod", "media", "plex").spec.manual)"#), Ok(true));
    }
}
