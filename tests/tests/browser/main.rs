//! The console in a real browser: `make test-console`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can not go on panics"
)]

mod driver;
mod fixture;
mod screenshots;

use driver::{Browser, Look};
use fixture::Fixture;
use serde_json::Value;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// Paths of every kind of page, once some runs were.
async fn paths(fixture: &Fixture) -> anyhow::Result<Vec<(&'static str, String)>> {
    let escalated = fixture.incident("paperless", &["escalated"]).await?;
    let repaired = fixture.incident("plex", &["verifying", "resolved"]).await?;
    let old = fixture.api("/incidents?state=escalated&open=true&limit=50").await?;
    let hostile = old["items"]
        .as_array()
        .and_then(|items| items.iter().find(|one| one["alert"]["labels"]["note"].is_string()));
    let id = |incident: &Value| incident["id"].as_str().unwrap_or_default().to_owned();
    let mut paths = vec![
        ("now", "/".to_owned()),
        ("incidents", "/incidents".to_owned()),
        ("incident-escalated", format!("/incidents/{}", id(&escalated))),
        ("incident-repaired", format!("/incidents/{}", id(&repaired))),
        ("run-escalated", format!("/runs/{}", Fixture::run(&escalated)?)),
        ("run-repaired", format!("/runs/{}", Fixture::run(&repaired)?)),
        ("policies", "/policies".to_owned()),
        ("policy", "/policies/volsync".to_owned()),
        ("trends", "/trends".to_owned()),
        ("failure", "/incidents/nothing".to_owned()),
    ];
    if let Some(hostile) = hostile {
        paths.push(("incident-hostile", format!("/incidents/{}", id(hostile))));
    }
    Ok(paths)
}

/// What axe-core finds wrong with the page that is open.
async fn violations(browser: &Browser) -> anyhow::Result<Vec<String>> {
    let file = std::env::var("SUTURE_AXE")
        .map_err(|_| anyhow::anyhow!("SUTURE_AXE names no axe.min.js: `make test-console` fetches it"))?;
    browser.ask(&std::fs::read_to_string(file)?).await?;
    let found = browser
        .ask_later(
            "const done = arguments[arguments.length - 1];
             axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
               .then(result => done(result.violations.map(one =>
                 one.id + ': ' + one.help + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 200) + ' ' + (node.failureSummary || '')).join(' | '))),
                 error => done([String(error)]));",
        )
        .await?;
    Ok(found.as_array().into_iter().flatten().map(ToString::to_string).collect())
}

/// A host on which all three backups of the demo were handled.
async fn after_work(seeded: usize) -> anyhow::Result<Fixture> {
    let fixture = Fixture::start(seeded).await?;
    for name in ["plex", "immich", "paperless"] {
        fixture.post(name, "firing").await?;
    }
    fixture.incident("paperless", &["escalated"]).await?;
    fixture.incident("plex", &["verifying"]).await?;
    Ok(fixture)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_light_and_dark_wide_and_narrow() {
    let fixture = after_work(60).await.unwrap();
    let paths = paths(&fixture).await.unwrap();
    for look in [Look::WIDE, Look::DARK, Look::NARROW] {
        let browser = fixture.browser(look).await.unwrap();
        for (name, path) in &paths {
            browser.open(&fixture.url(path)).await.unwrap();
            // All that is folded away, too.
            browser
                .ask("document.querySelectorAll('details').forEach(one => one.open = true)")
                .await
                .unwrap();
            let found = violations(&browser).await.unwrap();
            assert!(found.is_empty(), "{name} at {}, dark: {}: {found:#?}", look.width, look.is_dark);
            let wide = browser.ask("return document.documentElement.scrollWidth > innerWidth").await.unwrap();
            assert_eq!(wide, false, "{name} at {} is wider than the window", look.width);
        }
        let complaints = browser.complaints().await.unwrap();
        let real: Vec<_> = complaints.iter().filter(|one| !one.contains("/incidents/nothing")).collect();
        assert!(real.is_empty(), "{real:#?}");
        browser.open(&fixture.url("/signin?link=used")).await.unwrap();
        assert!(violations(&browser).await.unwrap().is_empty());
        browser.quit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_while_it_works_without_loading_the_page_again() {
    let fixture = Fixture::start(0).await.unwrap();
    let browser = fixture.browser(Look::WIDE).await.unwrap();
    browser.until("#live", "No incident yet").await.unwrap();
    browser.ask("window.same = true").await.unwrap();
    fixture.post("plex", "firing").await.unwrap();
    browser.until("#live", "media/plex").await.unwrap();
    let incident = fixture.incident("plex", &["running", "waiting"]).await.unwrap();
    assert_eq!(browser.ask("return window.same").await.unwrap(), true, "the page was not loaded again");
    browser.open(&fixture.url(&format!("/runs/{}", Fixture::run(&incident).unwrap()))).await.unwrap();
    browser.ask("window.same = true").await.unwrap();
    browser.until(".timeline", "waiting until").await.unwrap();
    browser.ask("document.querySelector('.timeline details').open = true").await.unwrap();
    let said = browser.until(".timeline", "remediated").await.unwrap();
    assert!(said.contains("undo of step"), "{said}");
    assert_eq!(browser.ask("return window.same").await.unwrap(), true);
    let open = browser.ask("return document.querySelector('.timeline details').open").await.unwrap();
    assert_eq!(open, true, "what was unfolded stays so");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_pages_are_read_filtered_and_acted_on() {
    let fixture = after_work(40).await.unwrap();
    let browser = fixture.browser(Look::WITHOUT_SCRIPTS).await.unwrap();
    browser.click("nav[aria-label=Console] li:nth-child(2) a").await.unwrap();
    browser.click("select[name=state] option[value=escalated]").await.unwrap();
    browser.click(".filters button").await.unwrap();
    let path = browser.path().await.unwrap();
    assert!(path.contains("state=escalated"), "{path}");
    browser.click("tbody tr:first-child a").await.unwrap();
    browser.until(".verdict", "A person must look").await.unwrap();
    browser.open(&fixture.url("/")).await.unwrap();
    browser.click("details.careful summary").await.unwrap();
    browser.type_into("input[name=reason]", "the NAS is being replaced").await.unwrap();
    browser.click(".confirm button").await.unwrap();
    browser.until("#live", "The host is paused by olga").await.unwrap();
    browser.until("#live", "the NAS is being replaced").await.unwrap();
    browser.click(".alarm button").await.unwrap();
    assert!(!browser.text("#live").await.unwrap().contains("The host is paused"));
    browser.click(".who button").await.unwrap();
    browser.until("h1", "Sign in").await.unwrap();
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough() {
    let fixture = after_work(0).await.unwrap();
    let browser = fixture.browser(Look::WIDE).await.unwrap();
    let focused = async || {
        let text = browser.ask("return document.activeElement.textContent").await.unwrap();
        text.as_str().unwrap_or_default().to_owned()
    };
    browser.press(&[TAB]).await.unwrap();
    assert_eq!(focused().await, "Skip to the content");
    let seen = browser.ask("return document.activeElement.getBoundingClientRect().left >= 0").await.unwrap();
    assert_eq!(seen, true, "it is seen once it has the focus");
    let go = async |words: &str| {
        for _ in 0..60 {
            if focused().await.trim().starts_with(words) {
                return browser.press(&[ENTER]).await.unwrap();
            }
            browser.press(&[TAB]).await.unwrap();
        }
        panic!("no way to `{words}` by the keyboard");
    };
    go("media/paperless").await;
    browser.until(".verdict", "A person must look").await.unwrap();
    go("Attempt 1").await;
    browser.until("h1", "attempt 1").await.unwrap();
    for _ in 0..60 {
        browser.press(&[TAB]).await.unwrap();
        if browser.ask("return document.activeElement.matches('.timeline summary')").await.unwrap() == true {
            break;
        }
    }
    browser.press(&[ENTER]).await.unwrap();
    browser.until(".timeline details[open]", "Request").await.unwrap();
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_told_how_and_a_link_is_good_once() {
    let fixture = Fixture::start(0).await.unwrap();
    let browser = Browser::start(Look::WIDE).await.unwrap();
    browser.open(&fixture.url("/trends")).await.unwrap();
    browser.until("#live", "suture console").await.unwrap();
    let link = fixture.link().await.unwrap();
    browser.open(&link).await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/");
    browser.until(".who", "olga").await.unwrap();
    let cookie = browser.ask("return document.cookie").await.unwrap();
    assert_eq!(cookie, "", "no script sees the session");
    browser.quit().await;
    let other = Browser::start(Look::WIDE).await.unwrap();
    other.open(&link).await.unwrap();
    other.until("#live", "used already").await.unwrap();
    other.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ten_thousand_incidents_is_a_small_page() {
    let fixture = Fixture::start(10_000).await.unwrap();
    let browser = fixture.browser(Look::WIDE).await.unwrap();
    browser.open(&fixture.url("/incidents")).await.unwrap();
    let size =
        browser.ask("return performance.getEntriesByType('navigation')[0].decodedBodySize").await.unwrap();
    assert!(size.as_u64().is_some_and(|size| size > 1000 && size < 150_000), "{size}");
    browser.click(".pages a[rel=next]").await.unwrap();
    assert!(browser.path().await.unwrap().contains("after="));
    browser.quit().await;
}
