//! What an alerting rule's expression needs to ever hold, and which labels its result has.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use promql_parser::parser::token::{T_LAND, T_LOR, T_LUNLESS};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector, parse,
};

use super::text;
use crate::names::shortened;

/// Series that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Of a selector.
    Series(String),
    /// Each of these.
    All(Vec<Need>),
    /// One of these.
    Any(Vec<Need>),
}

/// The labels of an expression's result, as far as the expression tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Those that its series have, or others: it does not tell.
    Untold,
    /// None but these.
    Only(BTreeSet<String>),
}

/// What an expression needs, and the labels of its result.
///
/// # Errors
/// Why that can't be told.
pub fn examine(expression: &str) -> Result<(Need, Kept), String> {
    // It bounds what is parsed.
    text::readable(expression)?;
    let parsed = catch_unwind(|| parse(expression));
    let parsed = parsed.unwrap_or_else(|_| Err("a number in it is out of range".to_owned()));
    let parsed = parsed.map_err(|error| format!("it can't be read: {}", shortened(&error)))?;
    Ok((need(&parsed), kept(&parsed)))
}

impl Need {
    fn nothing() -> Self {
        Self::All(Vec::new())
    }

    /// All selectors in it.
    pub fn selectors(&self) -> BTreeSet<&str> {
        match self {
            Self::Series(selector) => BTreeSet::from([selector.as_str()]),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::selectors).collect(),
        }
    }

    /// The selectors for want of which it is not met, given those that have series.
    pub fn missing(&self, has_series: &impl Fn(&str) -> bool) -> BTreeSet<&str> {
        match self {
            Self::Series(selector) if has_series(selector) => BTreeSet::new(),
            Self::Series(selector) => BTreeSet::from([selector.as_str()]),
            Self::All(parts) => parts.iter().flat_map(|part| part.missing(has_series)).collect(),
            Self::Any(parts) => {
                let missing: Vec<_> = parts.iter().map(|part| part.missing(has_series)).collect();
                match missing.iter().any(BTreeSet::is_empty) {
                    true => BTreeSet::new(),
                    false => missing.into_iter().flatten().collect(),
                }
            }
        }
    }
}

fn need(expression: &Expr) -> Need {
    match expression {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Need::nothing(),
        Expr::VectorSelector(selector) => series(selector),
        Expr::MatrixSelector(matrix) => series(&matrix.vs),
        Expr::Unary(unary) => need(&unary.expr),
        Expr::Paren(paren) => need(&paren.expr),
        Expr::Subquery(subquery) => need(&subquery.expr),
        Expr::Aggregate(aggregate) => need(&aggregate.expr),
        Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) => match op.id() {
            T_LOR => Need::Any(vec![need(lhs), need(rhs)]),
            // It holds without the right side.
            T_LUNLESS => need(lhs),
            _ => Need::All(vec![need(lhs), need(rhs)]),
        },
        // It holds where there is nothing.
        Expr::Call(Call { func, .. }) if func.name.starts_with("absent") => Need::nothing(),
        Expr::Call(Call { args, .. }) => Need::All(args.args.iter().map(|argument| need(argument)).collect()),
    }
}

/// The series of a selector as they are now.
fn series(selector: &VectorSelector) -> Need {
    let now = VectorSelector { at: None, offset: None, ..selector.clone() };
    Need::Series(now.to_string())
}

fn kept(expression: &Expr) -> Kept {
    match expression {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Kept::Only(BTreeSet::new()),
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::Extension(_) => Kept::Untold,
        Expr::Unary(unary) => kept(&unary.expr),
        Expr::Paren(paren) => kept(&paren.expr),
        Expr::Subquery(subquery) => kept(&subquery.expr),
        Expr::Aggregate(aggregate) => of_aggregate(aggregate),
        Expr::Binary(binary) => of_binary(binary),
        // Functions that add labels are among them.
        Expr::Call(Call { func, args }) => match (func.name, args.args.as_slice()) {
            ("label_replace" | "label_join", _) => Kept::Untold,
            (name, _) if name.starts_with("absent") => Kept::Untold,
            ("scalar" | "vector" | "time", _) => Kept::Only(BTreeSet::new()),
            (_, arguments) => arguments.iter().map(|argument| kept(argument)).fold(
                Kept::Only(BTreeSet::new()),
                |all, one| match (all, one) {
                    (Kept::Only(all), Kept::Only(one)) => Kept::Only(all.union(&one).cloned().collect()),
                    (Kept::Untold, _) | (_, Kept::Untold) => Kept::Untold,
                },
            ),
        },
    }
}

fn of_aggregate(AggregateExpr { op, expr, modifier, .. }: &AggregateExpr) -> Kept {
    // These choose among series, which stay as they are.
    if ["topk", "bottomk", "limitk", "limit_ratio"].contains(&op.to_string().as_str()) {
        return kept(expr);
    }
    match modifier {
        Some(LabelModifier::Include(labels)) => Kept::Only(labels.labels.iter().cloned().collect()),
        Some(LabelModifier::Exclude(_)) => Kept::Untold,
        None => Kept::Only(BTreeSet::new()),
    }
}

fn of_binary(BinaryExpr { op, lhs, rhs, modifier }: &BinaryExpr) -> Kept {
    let is_number = |side: &Expr| kept(side) == Kept::Only(BTreeSet::new()) && need(side) == Need::nothing();
    match op.id() {
        T_LAND | T_LUNLESS => kept(lhs),
        T_LOR => match (kept(lhs), kept(rhs)) {
            (Kept::Only(left), Kept::Only(right)) => Kept::Only(left.union(&right).cloned().collect()),
            _ => Kept::Untold,
        },
        _ if is_number(rhs) => kept(lhs),
        _ if is_number(lhs) => kept(rhs),
        _ => match modifier.as_ref().map(|modifier| (&modifier.card, &modifier.matching)) {
            Some((VectorMatchCardinality::OneToOne, Some(LabelModifier::Include(labels)))) => {
                Kept::Only(labels.labels.iter().cloned().collect())
            }
            Some((VectorMatchCardinality::OneToOne, None)) | None => kept(lhs),
            _ => Kept::Untold,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(expression: &str, there: &[&str]) -> Vec<String> {
        let (need, _) = examine(expression).unwrap();
        need.missing(&|selector| there.contains(&selector)).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_an_expression_can_do_without_is_not_missing() {
        assert_eq!(missing("a > 1 and b", &["a"]), ["b"]);
        assert_eq!(missing("a or b", &["b"]), Vec::<String>::new());
        assert_eq!(missing("a or b", &[]), ["a", "b"]);
        assert_eq!(missing("a unless on (x) b", &["a"]), Vec::<String>::new());
        assert_eq!(missing("absent(up{job=\"a\"})", &[]), Vec::<String>::new());
        assert_eq!(missing("rate(a[5m] offset 1h) > 0", &[]), ["a"]);
        assert_eq!(missing("a{x=~\"b|c\"} == 1", &[]), ["a{x=~\"b|c\"}"]);
        assert!(examine("a >").is_err());
    }

    #[test]
    fn the_labels_of_a_result_are_those_that_its_aggregations_leave() {
        let kept = |expression: &str| examine(expression).unwrap().1;
        let only = |labels: &[&str]| Kept::Only(labels.iter().map(|label| (*label).to_owned()).collect());
        assert_eq!(kept("max by (ns, name) (a) == 1"), only(&["ns", "name"]));
        assert_eq!(kept("sum(a) > 1"), only(&[]));
        assert_eq!(kept("a == 1"), Kept::Untold);
        assert_eq!(kept("time() - max by (ns) (a) > 60"), only(&["ns"]));
        assert_eq!(kept("sum by (x, y) (a) / on (x) sum by (x) (b) > 1"), only(&["x"]));
        assert_eq!(kept("sum by (x) (a) unless b"), only(&["x"]));
        assert_eq!(kept("label_replace(sum(a), \"x\", \"$1\", \"y\", \"(.*)\")"), Kept::Untold);
        assert_eq!(kept("topk(3, sum by (x) (a))"), only(&["x"]));
    }
}
