//! Lists, a page at a time.

use serde_json::json;
use suture_core::Reason;
use suture_core::effect::{Propagation, Query};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, SOURCE, all, names, source};

group!("pages":
    every_object_is_on_one_page_and_the_last_page_says_so,
    all_pages_show_the_moment_of_the_first,
    a_selector_holds_on_every_page,
    a_page_that_ends_with_the_last_object_has_no_next,
    a_token_that_continues_nothing_is_a_bad_request,
);

async fn five(b: &Bench) -> anyhow::Result<()> {
    for name in ["a", "b", "c", "d", "e"] {
        b.other().create(SOURCE, source(name)).await?;
    }
    Ok(())
}

async fn every_object_is_on_one_page_and_the_last_page_says_so(b: &Bench) -> anyhow::Result<()> {
    five(b).await?;
    let (mut next, mut pages, mut versions) = (None, vec![], vec![]);
    loop {
        let page = b.policy().list(Query { limit: 2, next, ..all(b, SOURCE) }).await?;
        pages.push(names(&page.items).concat());
        versions.push(page.resource_version);
        next = page.next;
        if next.is_none() || pages.len() > 5 {
            break;
        }
    }
    b.same("pages", pages, ["ab", "cd", "e"].map(str::to_owned).to_vec());
    versions.dedup();
    b.same("versions", versions.len(), 1);
    Ok(())
}

async fn all_pages_show_the_moment_of_the_first(b: &Bench) -> anyhow::Result<()> {
    five(b).await?;
    let first = b.policy().list(Query { limit: 2, ..all(b, SOURCE) }).await?;
    b.other().delete(&b.target(SOURCE, "c"), Propagation::Background).await?;
    b.other().create(SOURCE, source("cc")).await?;
    b.other().merge(&b.target(SOURCE, "d"), json!({"spec": {"paused": true}})).await?;
    let rest = b.policy().list(Query { next: first.next, ..all(b, SOURCE) }).await?;
    b.same("names", names(&rest.items).concat(), "cde".to_owned());
    b.same("version", rest.resource_version, first.resource_version);
    let paused = rest.items.iter().any(|item| item.pointer("/spec/paused").is_some());
    b.same("what was changed since shows", paused, false);
    Ok(())
}

async fn a_selector_holds_on_every_page(b: &Bench) -> anyhow::Result<()> {
    for name in ["a", "b", "c", "d", "e", "f"] {
        let odd = ["a", "c", "e"].contains(&name).to_string();
        b.other().create(CONFIG_MAP, json!({"metadata": {"name": name, "labels": {"odd": odd}}})).await?;
    }
    let query = Query { labels: "odd=true".into(), limit: 2, ..all(b, CONFIG_MAP) };
    let first = b.policy().list(query.clone()).await?;
    b.same("first", names(&first.items).concat(), "ac".to_owned());
    let second = b.policy().list(Query { next: first.next, ..query }).await?;
    b.same("second", names(&second.items).concat(), "e".to_owned());
    b.same("next", second.next, None);
    Ok(())
}

async fn a_page_that_ends_with_the_last_object_has_no_next(b: &Bench) -> anyhow::Result<()> {
    five(b).await?;
    for limit in [5, 6, 500, 100_000] {
        let page = b.policy().list(Query { limit, ..all(b, SOURCE) }).await?;
        b.same("items", page.items.len(), 5);
        b.same("next", page.next, None);
    }
    Ok(())
}

async fn a_token_that_continues_nothing_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    five(b).await?;
    for token in ["garbled", "1-2-3", "bm90IGEgdG9rZW4", "ä"] {
        let query = Query { limit: 2, next: Some(token.into()), ..all(b, SOURCE) };
        b.refused(token, b.policy().list(query).await, &Reason::BAD_REQUEST);
    }
    Ok(())
}
