//! The regular expressions of silences: compiled once, and within bounds.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use regex::Regex;
use suture_core::pattern::{self, PatternError};

/// The longest expression that is read, in bytes: people list what they silence.
const MAX_EXPRESSION: usize = 64 << 10;
/// What one is compiled to at most, in bytes: tried in turn, and each try is paid for.
const MAX_COMPILED: [usize; 3] = [16 << 10, 256 << 10, 8 << 20];
/// What those of one Alertmanager may take together, in bytes. What goes beyond is not compiled, and
/// whether it matches can't be told.
const BUDGET: usize = 64 << 20;

/// The expressions of the silences that were read last, by their text. Silences are asked for before each
/// change, and an expression costs a millisecond or more to compile.
#[derive(Clone, Debug, Default)]
pub(super) struct Expressions {
    known: Arc<Mutex<HashMap<String, Arc<Expression>>>>,
    spent: Arc<AtomicUsize>,
}

/// A matcher's value as an expression, once it was needed; none where it can't be read.
#[derive(Debug, Default)]
pub(super) struct Expression {
    compiled: OnceLock<Option<Regex>>,
    /// What it took of the budget; given back when it is forgotten.
    cost: AtomicUsize,
    spent: Arc<AtomicUsize>,
}

impl Expressions {
    /// Let matchers with these texts have the expressions of those before them; forget the others.
    pub fn share<'a>(&self, matchers: impl Iterator<Item = (&'a str, &'a mut Arc<Expression>)>) {
        let mut known = self.known.lock();
        let mut kept: HashMap<String, Arc<Expression>> = HashMap::new();
        for (text, expression) in matchers {
            let before = kept.get(text).cloned().or_else(|| known.remove(text));
            *expression = before.unwrap_or_else(|| Arc::new(Expression::paid_from(self.spent.clone())));
            kept.insert(text.to_owned(), expression.clone());
        }
        *known = kept;
    }
}

impl Expression {
    fn paid_from(spent: Arc<AtomicUsize>) -> Self {
        Self { compiled: OnceLock::new(), cost: AtomicUsize::new(0), spent }
    }

    /// It, by its text; none where it can't be read.
    pub fn of(&self, text: &str) -> Option<&Regex> {
        self.compiled.get_or_init(|| self.compile(text)).as_ref()
    }

    fn compile(&self, text: &str) -> Option<Regex> {
        let anchored = format!("^(?s:{text})$");
        for most in MAX_COMPILED {
            let pay = |spent: usize| spent.checked_add(most).filter(|spent| *spent <= BUDGET);
            self.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay).ok()?;
            self.cost.fetch_add(most, Ordering::AcqRel);
            match pattern::regex_within(&anchored, MAX_EXPRESSION, most) {
                Ok(regex) => return Some(regex),
                Err(PatternError::TooLarge) => {}
                Err(PatternError::TooLong(..) | PatternError::Wrong(_)) => return None,
            }
        }
        None
    }

    #[cfg(test)]
    pub fn is_compiled(&self) -> bool {
        self.compiled.get().is_some()
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        self.spent.fetch_sub(self.cost.load(Ordering::Acquire), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(expressions: &Expressions, texts: &[String]) -> Vec<Arc<Expression>> {
        let mut all: Vec<Arc<Expression>> = texts.iter().map(|_| Arc::default()).collect();
        expressions.share(texts.iter().map(String::as_str).zip(&mut all));
        all
    }

    #[test]
    fn expressions_that_are_too_large_together_are_not_compiled_until_others_leave() {
        let expressions = Expressions::default();
        // More than 256 KiB each, so that each is paid for with 8 MiB.
        let large: Vec<String> = (0..10).map(|one| format!("[a-z]{{{}}}", 6000 + one)).collect();
        let all = shared(&expressions, &large);
        let read = all.iter().zip(&large).filter(|(one, text)| one.of(text).is_some()).count();
        assert!((1..10).contains(&read), "{read}");
        assert!(expressions.spent.load(Ordering::Acquire) <= BUDGET);
        drop(all);
        let usual: Vec<String> = (0..50).map(|one| format!("namespace-{one}-.*")).collect();
        let all = shared(&expressions, &usual);
        assert!(all.iter().zip(&usual).all(|(one, text)| one.of(text).is_some()));
        assert!(expressions.spent.load(Ordering::Acquire) <= 50 * MAX_COMPILED[0], "{expressions:?}");
    }
}
