//! Bounds of an expression, checked on its syntax tree: what stands in comments and quoted
//! texts can't hide anything from them.

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::common::types::CelInt;
use cel::parser::Expression as Ast;

use super::{ExpressionError, meter};
use crate::pattern;

/// The deepest tree. Evaluation recurses over it: a chain of two thousand operators, which
/// fits in 4 KiB, overflows a thread's stack.
const MAX_DEPTH: usize = 160;
/// The most nodes, those that macros stand for among them.
const MAX_NODES: usize = 1000;
/// The most comprehensions (`all`, `exists`, `map`, `filter`, …), one in another or not.
const MAX_LOOPS: usize = 4;

/// Check a parsed expression, and put a meter wherever its evaluation can take long: see
/// [`meter`].
pub(super) fn bound(ast: &mut Ast) -> Result<(), ExpressionError> {
    check(ast)?;
    rewrite(ast, false)?;
    check(ast)
}

fn check(ast: &Ast) -> Result<(), ExpressionError> {
    let (mut nodes, mut loops) = (0, 0);
    // Not by recursion: how deep it is, is what is to be found out.
    let mut stack = vec![(ast, 1)];
    while let Some((node, depth)) = stack.pop() {
        nodes += 1;
        loops += usize::from(matches!(node.expr, Expr::Comprehension(_)));
        let (found, most, of) = if depth > MAX_DEPTH {
            (depth, MAX_DEPTH, "levels")
        } else if nodes > MAX_NODES {
            (nodes, MAX_NODES, "operations")
        } else if loops > MAX_LOOPS {
            (loops, MAX_LOOPS, "loops (`all`, `exists`, `map`, `filter`, …)")
        } else {
            stack.extend(children(&node.expr).into_iter().map(|child| (child, depth + 1)));
            continue;
        };
        return Err(ExpressionError(format!(
            "the expression has {found} {of} or more, at most {most} are allowed; split it"
        )));
    }
    Ok(())
}

/// The nodes right below one.
pub(super) fn children(expression: &Expr) -> Vec<&Ast> {
    match expression {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(each) => {
            vec![&each.iter_range, &each.accu_init, &each.loop_cond, &each.loop_step, &each.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
        Expr::Struct(fields) => fields.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
    }
}

fn of_entry(entry: &EntryExpr) -> Vec<&Ast> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// Put meters in. Recursion is safe: the tree is not too deep.
fn rewrite(node: &mut Ast, in_loop: bool) -> Result<(), ExpressionError> {
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => rewrite(&mut select.operand, in_loop)?,
        Expr::Call(call) => rewrite_call(call, in_loop)?,
        Expr::List(list) => {
            for element in &mut list.elements {
                rewrite(element, in_loop)?;
                measure_if(in_loop, element);
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                rewrite_entry(&mut entry.expr, in_loop)?;
            }
        }
        Expr::Struct(fields) => {
            for entry in &mut fields.entries {
                rewrite_entry(&mut entry.expr, in_loop)?;
            }
        }
        Expr::Comprehension(each) => {
            rewrite(&mut each.iter_range, in_loop)?;
            rewrite(&mut each.accu_init, in_loop)?;
            let body = [&each.loop_cond, &each.loop_step].map(count).iter().sum();
            for part in [&mut each.loop_cond, &mut each.loop_step, &mut each.result] {
                rewrite(part, true)?;
            }
            call_with(meter::LOOP, &mut each.iter_range, Some(body));
        }
    }
    Ok(())
}

fn rewrite_entry(entry: &mut EntryExpr, in_loop: bool) -> Result<(), ExpressionError> {
    match entry {
        EntryExpr::StructField(field) => {
            rewrite(&mut field.value, in_loop)?;
            measure_if(in_loop, &mut field.value);
        }
        EntryExpr::MapEntry(entry) => {
            rewrite(&mut entry.key, in_loop)?;
            rewrite(&mut entry.value, in_loop)?;
            measure_if(in_loop, &mut entry.value);
        }
    }
    Ok(())
}

fn rewrite_call(call: &mut CallExpr, in_loop: bool) -> Result<(), ExpressionError> {
    for operand in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
        rewrite(operand, in_loop)?;
    }
    match call.func_name.as_str() {
        // Those that take as long as their operands are large: whatever of them stands in a loop,
        // and sums everywhere, because they make something that is larger than its parts.
        operators::ADD if !grows_accumulator(call) => {
            // The left of a long sum is a sum, whose parts are measured.
            let is_sum =
                |operand: &Ast| matches!(&operand.expr, Expr::Call(call) if call.func_name == operators::ADD);
            call.args.iter_mut().for_each(|operand| measure_if(!is_sum(operand), operand));
        }
        operators::EQUALS | operators::NOT_EQUALS | operators::IN => {
            call.args.iter_mut().for_each(|operand| measure_if(in_loop, operand));
        }
        // Those that look at one value, or hand it on.
        operators::ADD
        | operators::CONDITIONAL
        | operators::LOGICAL_AND
        | operators::LOGICAL_OR
        | operators::LOGICAL_NOT
        | operators::NOT_STRICTLY_FALSE
        | operators::SUBSTRACT
        | operators::MULTIPLY
        | operators::DIVIDE
        | operators::MODULO
        | operators::NEGATE
        | operators::GREATER
        | operators::GREATER_EQUALS
        | operators::LESS
        | operators::LESS_EQUALS
        | operators::INDEX
        | operators::OPT_INDEX
        | operators::OPT_SELECT => {}
        "matches" if call.target.is_some() && call.args.len() == 1 => {
            if let [Ast { expr: Expr::Literal(LiteralValue::String(regex)), .. }] = call.args.as_slice() {
                pattern::regex(regex.inner()).map_err(ExpressionError)?;
            }
            let text = call.target.take().map(|target| *target);
            call.args.splice(0..0, text);
            call.func_name = meter::MATCHES.to_owned();
            call.args.iter_mut().for_each(|operand| measure_if(true, operand));
        }
        _ => {
            // `optional.of(x)` is a name, and not a function of a variable `optional`.
            let target = call.target.as_deref_mut();
            let target =
                target.filter(|target| !matches!(&target.expr, Expr::Ident(name) if name == "optional"));
            for operand in target.into_iter().chain(&mut call.args) {
                measure_if(in_loop, operand);
            }
        }
    }
    Ok(())
}

/// The sum by which a macro collects what a loop brings. What can't be written can't be a user's.
fn grows_accumulator(call: &CallExpr) -> bool {
    matches!(call.args.first(), Some(Ast { expr: Expr::Ident(name), .. }) if name.starts_with('@'))
}

/// Have the size of what a node stands for measured, where its size isn't that of the node.
fn measure_if(wanted: bool, node: &mut Ast) {
    let is_constant = match &node.expr {
        Expr::Literal(_) => true,
        Expr::Call(call) => call.func_name == meter::SIZE,
        _ => false,
    };
    if wanted && !is_constant {
        call_with(meter::SIZE, node, None);
    }
}

/// Make a node the argument of a call that stands in its place.
fn call_with(function: &str, node: &mut Ast, number: Option<usize>) {
    let id = node.id;
    let mut args = vec![std::mem::take(node)];
    if let Some(number) = number {
        let number = CelInt::from(i64::try_from(number).unwrap_or(i64::MAX));
        args.push(Ast { id, expr: Expr::Literal(LiteralValue::Int(number)) });
    }
    *node = Ast { id, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }) };
}

fn count(ast: &Ast) -> usize {
    1 + children(&ast.expr).into_iter().map(count).sum::<usize>()
}
