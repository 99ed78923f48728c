//! Which metrics a PromQL expression reads, and whether a policy may.
//!
//! The expression is read before Prometheus is asked. Every selector must have a literal
//! metric name, and each of these names must be requested and granted. What can't be read is
//! denied: an expression that this parser does not know and Prometheus does is no way around.

mod alerts;
mod needs;
mod text;

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use promql_parser::label::{METRIC_NAME, MatchOp};
use promql_parser::parser::{Expr, VectorSelector, parse};

use crate::grant::{Grant, metrics};
use crate::manifest::Permission;
use crate::names::shortened;

pub use alerts::{own_alerts, visible_alerts};
pub use needs::{Kept, Need, examine};
pub use text::MAX_BYTES;

/// Where Prometheus keeps its alerts as a metric.
pub const ALERTS: &str = "ALERTS";

/// The functions whose result comes from their arguments alone. `info` is none of them: it
/// reads `target_info`, or other metrics, that the expression does not name.
const FUNCTIONS: [&str; 90] = [
    "abs",
    "absent",
    "absent_over_time",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "delta",
    "deriv",
    "double_exponential_smoothing",
    "end",
    "exp",
    "first_over_time",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_quantiles",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "hour",
    "idelta",
    "increase",
    "integral",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "mad_over_time",
    "max_of",
    "max_over_time",
    "min_of",
    "min_over_time",
    "minute",
    "month",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rad",
    "range",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_by_label",
    "sort_by_label_desc",
    "sort_desc",
    "sqrt",
    "start",
    "start_timestamp",
    "stddev_over_time",
    "stdvar_over_time",
    "step",
    "sum_over_time",
    "tan",
    "tanh",
    "time",
    "timestamp",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "vector",
    "year",
];

/// The names of the metrics that an expression reads.
///
/// # Errors
/// Why that can't be said, in a sentence: it is no expression that is known here, or a
/// selector in it has no literal name.
pub fn selected(expression: &str) -> Result<BTreeSet<String>, String> {
    let text = text::readable(expression)?;
    // The parser panics on some durations, such as `x[1e300]`.
    let parsed = catch_unwind(|| parse(&text));
    let parsed = parsed.unwrap_or_else(|_| Err("a number in it is out of range".to_owned()));
    let parsed = parsed.map_err(|error| format!("it can't be read: {}", shortened(&error)))?;
    let mut names = BTreeSet::new();
    let mut left = vec![&parsed];
    while let Some(expression) = left.pop() {
        match expression {
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {}
            Expr::VectorSelector(selector) => _ = names.insert(name(selector)?),
            Expr::MatrixSelector(matrix) => _ = names.insert(name(&matrix.vs)?),
            Expr::Unary(unary) => left.push(&unary.expr),
            Expr::Paren(paren) => left.push(&paren.expr),
            Expr::Subquery(subquery) => left.push(&subquery.expr),
            Expr::Binary(binary) => left.extend([&*binary.lhs, &*binary.rhs]),
            Expr::Aggregate(aggregate) => {
                left.push(&aggregate.expr);
                left.extend(aggregate.param.as_deref());
            }
            Expr::Call(call) if FUNCTIONS.contains(&call.func.name) => {
                left.extend(call.args.args.iter().map(|argument| &**argument));
            }
            Expr::Call(call) => {
                return Err(format!("`{}` reads other metrics than those that it names", call.func.name));
            }
            Expr::Extension(_) => return Err("it has parts that are not PromQL".to_owned()),
        }
    }
    Ok(names)
}

/// The one metric that a selector selects.
fn name(selector: &VectorSelector) -> Result<String, String> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err("`or` between the labels of a selector can't be judged".to_owned());
    }
    let labels: Vec<_> =
        selector.matchers.matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).collect();
    let name = match (&selector.name, labels.as_slice()) {
        (Some(name), []) => name,
        (None, [only]) => match only.op {
            MatchOp::Equal => &only.value,
            MatchOp::NotEqual | MatchOp::Re(_) | MatchOp::NotRe(_) => {
                return Err("a selector has a pattern for a metric's name, not the name".to_owned());
            }
        },
        (None, []) => return Err("a selector names no metric".to_owned()),
        (Some(_), [..]) | (None, [..]) => return Err("a selector names more than one metric".to_owned()),
    };
    // Beyond ASCII, escapes mean other bytes to Prometheus than to this parser.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("`{}` is no name of a metric that can be granted", shortened(name)));
    }
    Ok(name.clone())
}

/// Whether a policy may have an expression evaluated: each metric that it reads is requested
/// and granted.
///
/// # Errors
/// Why not, in a sentence that says what would have allowed it.
pub fn check(expression: &str, requested: &[Permission], grants: &[Grant]) -> Result<(), String> {
    let names = selected(expression)
        .map_err(|why| format!("a query is denied whose metrics can't be told for certain: {why}"))?;
    for name in &names {
        if !metrics::is_requested(requested, name) {
            return Err(format!("query of metric `{name}`: the policy's manifest does not request it"));
        }
        if !metrics::is_granted(grants, name) {
            return Err(format!(
                "query of metric `{name}`: a grant with `metrics: [{name}]` would allow it, and {NO_GRANT}"
            ));
        }
    }
    if names.is_empty() && !grants.iter().any(Grant::is_of_metrics) {
        return Err(format!("query without a metric: a grant with `metrics` would allow it, and {NO_GRANT}"));
    }
    Ok(())
}

/// How an error ends by which a query is denied that no grant allows.
const NO_GRANT: &str = "no grant in the configuration allows it";

#[cfg(test)]
mod tests;
