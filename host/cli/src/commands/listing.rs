//! Lists of incidents and runs: once, or again and again.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use suture_core::{Clock, RealClock, Timestamp};
use suture_journal::Filter;

use crate::CommandResult;
use crate::args::ListArgs;
use crate::error::{CliError, Exit};
use crate::ids;
use crate::output::{self, BAD, DIM, GOOD, Output, WARN};
use crate::records::{Listed, Records};
use crate::table::{Cell, Table};

/// How often a list that is watched is read again.
const EVERY: Duration = Duration::from_secs(2);
/// Of how many a list that is watched remembers what it has shown.
const REMEMBERED: usize = 100_000;

/// What can be listed.
pub trait Row: Serialize + Sized {
    /// What they are called: `runs`.
    const KIND: &'static str;

    /// A page of them.
    async fn page(records: &Records, filter: &Filter) -> Result<Listed<Self>, CliError>;

    /// Its id.
    fn id(&self) -> &str;

    /// The columns of a table; the last is the widest.
    fn headings(is_wide: bool) -> Vec<&'static str>;

    /// What stands in them. An id is shown with so many characters.
    fn cells(&self, is_wide: bool, length: usize, now: Timestamp) -> Vec<Cell>;
}

/// Show a list, as often as is asked for.
pub async fn list<T: Row>(args: &ListArgs, records: &Records, output: &Output) -> CommandResult {
    let filter = args.filter();
    let found = all::<T>(records, &filter, args.limit).await?;
    found.page.damaged.iter().for_each(|damage| output.warn(damage));
    if !args.watch {
        if output.is_json() {
            output.json(&json!({"items": found.page.items, "next": found.page.next}));
        } else if found.page.items.is_empty() {
            let what = if filter == only_of(&filter) { "yet" } else { "that fit" };
            output.note(format!("no {} {what}", T::KIND));
        } else {
            let (mut table, rows) = rows(&found, output);
            table.print(rows, output);
            if found.page.next.is_some() {
                output.note(format!("{DIM}there are more; raise --limit to see them{DIM:#}"));
            }
        }
        return Ok(Exit::Done);
    }
    watch(found, &filter, args.limit, records, output).await
}

/// A filter that asks for nothing but a number.
fn only_of(filter: &Filter) -> Filter {
    Filter { limit: filter.limit, ..Filter::default() }
}

/// As many as are wanted: a page can be short, and not the last.
async fn all<T: Row>(records: &Records, filter: &Filter, limit: usize) -> Result<Listed<T>, CliError> {
    let mut found = T::page(records, filter).await?;
    let mut last = filter.after.clone();
    while found.page.items.len() < limit
        && let Some(next) = found.page.next.take()
    {
        let left = (limit - found.page.items.len()).min(Filter::MAX_LIMIT);
        if last.as_ref() == Some(&next) {
            return Err(CliError::internal("the host says that a page follows itself"));
        }
        last = Some(next.clone());
        let filter = Filter { after: Some(next), limit: Some(left), ..filter.clone() };
        let more = T::page(records, &filter).await?;
        found.page.items.extend(more.page.items);
        found.page.damaged.extend(more.page.damaged);
        found.page.next = more.page.next;
    }
    Ok(found)
}

fn rows<T: Row>(found: &Listed<T>, output: &Output) -> (Table, Vec<Vec<Cell>>) {
    let items = &found.page.items;
    let length = ids::unique(items.iter().map(Row::id));
    let rows = items.iter().map(|item| item.cells(output.is_wide(), length, found.now)).collect();
    (Table::new(T::headings(output.is_wide())), rows)
}

/// Show what there is, and then each that is new or has changed, oldest first.
async fn watch<T: Row>(
    mut found: Listed<T>,
    filter: &Filter,
    limit: usize,
    records: &Records,
    output: &Output,
) -> CommandResult {
    found.page.items.reverse();
    let (mut table, rows) = rows(&found, output);
    match output.is_json() {
        true => found.page.items.iter().for_each(|item| output.item(&json!(item))),
        false => table.print(rows, output),
    }
    let mut shown: HashMap<String, Value> = HashMap::new();
    let remember = |shown: &mut HashMap<String, Value>, items: &[T]| {
        if shown.len() > REMEMBERED {
            shown.clear();
        }
        shown.extend(items.iter().map(|item| (item.id().to_owned(), json!(item))));
    };
    remember(&mut shown, &found.page.items);
    let clock: &dyn Clock = &RealClock;
    while output::is_writable() {
        clock.sleep(EVERY).await;
        let mut found = all::<T>(records, filter, limit).await?;
        found.page.items.retain(|item| shown.get(item.id()) != Some(&json!(item)));
        found.page.items.reverse();
        let (_, rows) = self::rows(&found, output);
        match output.is_json() {
            true => found.page.items.iter().for_each(|item| output.item(&json!(item))),
            false => table.add(rows, output),
        }
        remember(&mut shown, &found.page.items);
    }
    Ok(Exit::Done)
}

/// What a run came to, in its colour.
pub fn outcome(outcome: Option<&str>) -> Cell {
    let Some(outcome) = outcome else { return Cell::from("-") };
    let style = match outcome {
        "remediated" | "unnecessary" | "planned" => GOOD,
        "failed" => BAD,
        _ => WARN,
    };
    Cell::styled(outcome, style)
}

/// The first line of a summary.
pub fn summary(text: Option<&str>) -> Cell {
    Cell::from(text.unwrap_or_default().lines().next().unwrap_or_default())
}
