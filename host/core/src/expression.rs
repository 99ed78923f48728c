//! CEL, the language that Kubernetes itself uses for rules over objects.
//!
//! Only operators and scenario authors write it, never a policy. It is compiled once
//! and bounded: by length, by the size, depth and loops of its syntax tree, and by what one
//! evaluation may cost, because the objects that it loops over come from the cluster.

mod bounds;
mod convert;
mod meter;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::Expr;
use cel::parser::{Expression as Ast, Parser};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use self::meter::Meter;
use crate::display;
use crate::object::Object;

/// A compiled CEL expression.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    ast: Arc<Ast>,
    /// The variables it reads, sorted: others are not converted.
    reads: Arc<[String]>,
}

/// Why an expression has no value: it does not compile, it reads a field that is not
/// there, or its result is not of the type that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// Finds an object by API version, kind, namespace and name: the function `object()`, which is
/// null for what does not exist.
pub type ObjectLookup = Arc<dyn Fn(&str, &str, &str, &str) -> Option<Object> + Send + Sync>;

impl Expression {
    /// The longest expression, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Compile. Kubernetes' optional syntax (`object.spec.?x.orValue(0)`) is on.
    ///
    /// # Errors
    /// Where the expression is too long, too deep or loops too much, has characters that hide or
    /// move others, or is not CEL.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > Self::MAX_BYTES {
            return Err(ExpressionError(format!(
                "the expression has {} bytes, at most {} are allowed",
                source.len(),
                Self::MAX_BYTES
            )));
        }
        let hidden = |c: &char| display::is_deceptive(*c) && !matches!(c, '\n' | '\r' | '\t');
        if let Some(hidden) = source.chars().find(hidden) {
            let code = u32::from(hidden);
            return Err(ExpressionError(format!(
                "the expression has a character that can't be seen, or moves what can (U+{code:04X}); \
                 in a quoted text write `\\u{code:04x}`"
            )));
        }
        let mut ast = Parser::default()
            .enable_optional_syntax(true)
            .parse(source)
            .map_err(|errors| ExpressionError(errors.to_string().trim().to_owned()))?;
        bounds::bound(&mut ast)?;
        let mut variables = BTreeSet::new();
        free_variables(&ast, &mut Vec::new(), &mut variables);
        let reads = variables.into_iter().map(str::to_owned).collect();
        Ok(Self { source: source.into(), ast: Arc::new(ast), reads })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables it reads, those of its own loops aside; sorted.
    pub fn variables(&self) -> &[String] {
        &self.reads
    }

    /// Whether it reads a variable.
    pub fn reads(&self, variable: &str) -> bool {
        self.reads.iter().any(|read| read == variable)
    }

    /// Evaluate with variables.
    ///
    /// # Errors
    /// A missing field is an error, not null: write `has(…)` first. So are values of more than
    /// 16 MiB, and loops that take too long over them.
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
        meter::check_input(variables)?;
        let mut context = cel::Context::with_env(ENVIRONMENT.clone());
        let meter = Meter::default();
        meter.install(&mut context)?;
        for (name, value) in variables.iter().filter(|(name, _)| self.reads(name)) {
            context.add_variable_as_val(*name, convert::borrowed(value));
        }
        if let Some(objects) = objects {
            let find = convert::lookup(objects);
            context.add_function("object", find).map_err(|error| failed(error.to_string()))?;
        }
        let value = cel::Value::resolve(&self.ast, &context).map_err(|error| failed(error.to_string()))?;
        meter.check().map_err(|error| failed(error.to_string()))?;
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

/// The variables that a part of an expression reads and that no loop around it binds.
fn free_variables<'a>(node: &'a Ast, bound: &mut Vec<&'a str>, free: &mut BTreeSet<&'a str>) {
    match &node.expr {
        Expr::Ident(name) => match name.strip_prefix('.') {
            // Said to be none of a loop's own.
            Some(name) => _ = free.insert(name),
            None if bound.contains(&name.as_str()) => {}
            None => _ = free.insert(name),
        },
        Expr::Comprehension(each) => {
            free_variables(&each.iter_range, bound, free);
            free_variables(&each.accu_init, bound, free);
            let before = bound.len();
            bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
            bound.extend(each.iter_var2.as_deref());
            for part in [&each.loop_cond, &each.loop_step, &each.result] {
                free_variables(part, bound, free);
            }
            bound.truncate(before);
        }
        other => bounds::children(other).into_iter().for_each(|child| free_variables(child, bound, free)),
    }
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
        assert!(test(&format!("[1, {}] == []", "1, ".repeat(1100)), &json!({})).is_err());
        // As deep as the limit lets them be: they are evaluated.
        assert_eq!(test(&format!("{}1 == 146", "1+".repeat(145)), &json!({})), Ok(true));
        assert!(test(&format!("object{}", ".a".repeat(149)), &json!({})).is_err());
    }

    /// Seven loops, one in the other, over ten items each.
    fn seven_loops(begin: &str) -> String {
        let list = "[1,2,3,4,5,6,7,8,9,10]";
        let opened: String = (0..7).map(|n| format!("{list}{begin}x{n}, ")).collect();
        format!("{opened}true{} == [] || true", ")".repeat(7))
    }

    #[test]
    fn loops_are_counted_whatever_comments_quotes_and_spaces_stand_between() {
        for hidden in [
            seven_loops(".map("),
            seven_loops(".map // .map\n("),
            seven_loops(". // \"\n map ("),
            seven_loops(" // '\n .filter\n("),
            format!("'//' == '//' && {}", seven_loops(".all//\n(")),
            format!(r"r'\' == '' || {}", seven_loops(".map(")),
            format!("'''\" '' ''' == '' || {}", seven_loops(".exists(")),
            format!("\"\"\"' \\\"\"\"\" == '' || {}", seven_loops(".exists_one(")),
            format!(r"b'\'' == b'' || {}", seven_loops(".map//\u{e9}\n(")),
        ] {
            let error = Expression::compile(&hidden).unwrap_err().0;
            assert!(error.contains("loops"), "{error}: {hidden}");
        }
        // What only looks like a loop is none.
        let quoted = r"object.text == '.map(.map(.map(.map(.map(.map(' // .map(.map(.map(.map(.map(";
        assert_eq!(test(quoted, &json!({"text": ".map(.map(.map(.map(.map(.map("})), Ok(true));
    }

    #[test]
    fn depth_is_counted_whatever_comments_and_quotes_stand_between() {
        for hidden in [
            format!("1 //'\n{}", "+1 ".repeat(1300)),
            format!(r"r'\' == '{}", "+ 'a'".repeat(700)),
            format!("// \"\n object{}", ".a".repeat(1900)),
        ] {
            assert!(test(&hidden, &json!({})).is_err());
        }
    }

    #[test]
    fn characters_that_hide_or_move_others_are_refused() {
        for hidden in
            ["object.a == 'x\u{202e}'", "true // \u{2066}", "tr\u{200b}ue", "true\u{0}", "\u{feff}true"]
        {
            let error = Expression::compile(hidden).unwrap_err().0;
            assert!(error.contains("U+"), "{error}");
        }
        let escaped = r"object.a == 'x\u202e' && object.b == 'größer' // größer";
        assert_eq!(test(escaped, &json!({"a": "x\u{202e}", "b": "größer"})), Ok(true));
        assert!(Expression::compile("größe == 1").is_err());
    }

    #[test]
    fn an_evaluation_that_costs_too_much_is_an_error_and_not_a_long_wait() {
        let list: Vec<_> = (0..1000).collect();
        let text = "x".repeat(1 << 20);
        let object = json!({"list": list, "text": text, "texts": vec!["y".repeat(1000); 1000]});
        let twenty = |name: &str| vec![name; 20].join("+");
        let doubled = format!(
            "[object.text].map(a, [{}].map(b, [{}].map(c, {})))",
            twenty("a"),
            twenty("b"),
            twenty("c")
        );
        for costly in [
            "object.list.map(a, object.list.map(b, object.list.map(c, 1))) == []",
            "object.list.all(a, object.list.all(b, object.list.all(c, c >= 0)))",
            // What hides errors does not hide this one.
            "object.list.exists(a, object.list.all(b, object.list.all(c, c >= 0))) || true",
            "object.list.all(a, object == object)",
            "object.list.all(a, object.texts.exists(t, t == object.text))",
            "object.list.all(a, !object.text.contains('z'))",
            "object.list.all(a, !object.text.matches('z'))",
            "object.list.map(a, [object.text, object.text]).size() == 0",
            "object.list.map(a, {'a': object.text}).size() == 0",
            &format!("{doubled} == []"),
            &format!("[{}].exists(a, {} == '')", twenty("object.text"), twenty("a")),
        ] {
            let error = test(costly, &object).unwrap_err().0;
            assert!(error.contains("takes too long"), "{error}: {costly}");
        }
        for usual in [
            "[1, 2, 3].all(a, object.list.exists(b, a == b))",
            "object.texts.map(t, t + '!').filter(t, t.startsWith('y')).size() == 1000",
            "object.text.matches('^x+$') && object.texts.exists_one(t, t == 'z') == false",
            "optional.of(object.list).hasValue() && object.list.all(a, optional.of(a).value() == a)",
            "[1, 2].map(a, a > 1, {'k': [a, 'x']}) == [{'k': [2, 'x']}]",
            "1.5 + 2.5 == 4.0 && [1] + [2] == [1, 2] && {'a': 1}.all(k, k == 'a')",
        ] {
            assert_eq!(test(usual, &object), Ok(true), "{usual}");
        }
    }

    #[test]
    fn regular_expressions_are_bounded_wherever_they_come_from() {
        assert!(Expression::compile(r"object.t.matches('(\\w{100}){100}')").is_err());
        assert!(Expression::compile("object.t.matches('(')").is_err());
        let object = json!({"t": "a", "regex": r"(\w{100}){100}"});
        assert!(test("object.t.matches(object.regex)", &object).is_err());
        assert!(test("object.n.matches('a')", &json!({"n": 1})).is_err());
        assert_eq!(test("object.t.matches('^a$') && !'b'.matches(object.t)", &object), Ok(true));
    }

    #[test]
    fn values_too_large_to_convert_are_refused() {
        let error = test("true", &json!({"text": "x".repeat(17 << 20)})).unwrap_err().0;
        assert!(error.contains("16 MiB"), "{error}");
        assert!(test("true", &json!(vec![0; 1 << 20])).is_err());
    }

    #[test]
    fn names_of_the_meters_cannot_be_written() {
        for name in ["@loop([1], 0)", "@size(1)", "@matches('a', 'a')", "`@size`(1)"] {
            assert!(Expression::compile(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_deepest_expressions_fit_a_small_stack() {
        let deepest = move || {
            let object = json!({"a": 1, "list": [1]});
            for source in [
                format!("{}1 == 146", "1+".repeat(145)),
                format!("{}object.a == 151", "object.a+".repeat(150)),
                format!("{}true", "!!".repeat(40)),
                format!("object{}", ".a".repeat(149)),
                format!("object.list.all(x, {}x > 0)", "x+".repeat(70)),
            ] {
                Expression::compile(&source).unwrap().evaluate(&[("object", &object)]).ok();
            }
        };
        // What is left to the host where a policy's call is answered.
        std::thread::Builder::new().stack_size(384 << 10).spawn(deepest).unwrap().join().unwrap();
    }

    #[test]
    fn the_variables_of_an_expression_are_those_it_does_not_bind_itself() {
        let variables = |source: &str| Expression::compile(source).unwrap().variables().to_vec();
        let source = r#"object.a.exists(x, x == patch.b) && has(object.c) && "y" in [before]"#;
        assert_eq!(variables(source), ["before", "object", "patch"]);
        assert_eq!(variables("1 + 1 == 2"), [""; 0]);
        // A name is bound within its loop only, and comments bind nothing.
        assert_eq!(variables("x.all(x, x > y) && [1].map(z, z) == z // .map(y,"), ["x", "y", "z"]);
    }

    #[test]
    fn an_absolute_name_is_the_variable_and_not_a_loops_own() {
        let expression = Expression::compile("[1].all(object, .object.a == 2)").unwrap();
        assert_eq!(expression.variables(), ["object"]);
        assert_eq!(expression.test(&[("object", &json!({"a": 2}))]), Ok(true));
    }

    #[test]
    fn values_keep_their_types_whether_they_are_given_or_looked_up() {
        let object = json!({"n": 3, "m": -1, "f": 1.5, "t": "x", "b": true, "nil": null, "list": [1, "a"],
            "large": u64::MAX, "map": {"k": {"n": 0}}});
        let found = Arc::new(object.clone());
        let lookup: ObjectLookup = Arc::new(move |_, _, _, _| Some(found.clone()));
        let whole = Expression::compile("object").unwrap().evaluate(&[("object", &object)]);
        assert_eq!(whole, Ok(object.clone()));
        let looked_up = Expression::compile("object('v1', 'Pod', '', 'a')").unwrap();
        assert_eq!(looked_up.evaluate_with(&[], Some(lookup.clone())), Ok(object.clone()));
        let same =
            Expression::compile("object('v1', 'Pod', '', 'a') == it && it.n == 3 && it.m < 0").unwrap();
        assert_eq!(same.test_with(&[("it", &object)], Some(lookup.clone())), Ok(true));
        for wrong in ["object('v1', 'Pod', '')", "object('v1', 'Pod', '', 1)"] {
            let error = Expression::compile(wrong).unwrap().evaluate_with(&[], Some(lookup.clone()));
            assert!(error.is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_object_that_does_not_exist_is_null() {
        let lookup: ObjectLookup =
            Arc::new(|_, _, _, name| (name == "plex").then(|| Arc::new(json!({"spec": {}}))));
        let test = |source: &str| Expression::compile(source).unwrap().test_with(&[], Some(lookup.clone()));
        assert_eq!(test(r#"object("v1", "Pod", "media", "gone") == null"#), Ok(true));
        assert_eq!(test(r#"!has(object("v1", "Pod", "media", "plex").spec.manual)"#), Ok(true));
    }
}
