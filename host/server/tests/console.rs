//! The console over HTTP: who is signed in, what a browser is told, and what forms do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use harness::{ServerHarness, guest, serve};
use reqwest::header::{CONTENT_SECURITY_POLICY, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use suture_core::Digest;
use suture_journal::AuditFilter;

const PAGES: [&str; 5] = ["/", "/incidents", "/policies", "/trends", "/incidents?open=true&state=escalated"];

fn token(name: &str) -> String {
    format!("the token of {name}")
}

fn person(name: &str, roles: &str) -> String {
    let hash = Digest::of(token(name).as_bytes());
    format!("- {{name: {name}, tokenHash: \"{hash}\", roles: [{roles}]}}\n")
}

const STAFF: [(&str, &str); 3] = [("vera", "viewer"), ("olga", "viewer, operator"), ("oscar", "operator")];

fn config(people: &str) -> String {
    format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: s.yaml}}}}\n{people}"
    )
}

fn staff() -> String {
    format!("people:\n{}", STAFF.map(|(name, roles)| person(name, roles)).concat())
}

async fn start(people: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("suture.yaml"), config(people)).unwrap();
    serve(dir).await
}

/// A browser: it keeps its cookie, and follows nothing by itself.
struct Browser {
    client: Client,
    base: String,
    cookie: Option<String>,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Browser {
    fn new(harness: &ServerHarness) -> Self {
        suture_cluster::install_crypto();
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { client, base: format!("http://{}", harness.server.admin_addr()), cookie: None }
    }

    async fn get(&self, path: &str) -> Page {
        let mut request = self.client.get(format!("{}{path}", self.base)).header("accept", "text/html,*/*");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        Page::of(request.send().await.unwrap()).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("accept", "text/html,*/*")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Page::of(request.send().await.unwrap()).await
    }

    /// From a page of this host.
    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post(path, fields, &[(ORIGIN.as_str(), &self.base)]).await
    }

    /// Sign in by a link.
    async fn open(&mut self, link: &str) -> Page {
        let page = self.get(link).await;
        if let Some(cookie) = page.headers.get(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
                assert!(cookie.contains(word), "{cookie}");
            }
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        page
    }

    async fn csrf(&self) -> String {
        let page = self.get("/").await;
        let after = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }
}

impl Page {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    fn location(&self) -> &str {
        self.headers.get(LOCATION).unwrap().to_str().unwrap()
    }
}

/// The path of a link, for whom a token belongs to.
async fn link(harness: &ServerHarness, token: &str) -> (StatusCode, String) {
    let url = format!("http://{}/api/v1/console/links", harness.server.admin_addr());
    let request = harness.client.post(url).bearer_auth(token).header("content-type", "application/json");
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let told: Value = answer.json().await.unwrap();
    (status, told["path"].as_str().unwrap_or_default().to_owned())
}

async fn signed_in(harness: &ServerHarness, name: &str) -> Browser {
    let mut browser = Browser::new(harness);
    let (status, path) = link(harness, &token(name)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(browser.open(&path).await.status, StatusCode::SEE_OTHER);
    browser
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_who_asked() {
    let harness = start(&staff()).await;
    let mut browser = Browser::new(&harness);
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.text.contains("suture console") && page.text.contains("<h1>Sign in</h1>"), "{}", page.text);

    let (_, path) = link(&harness, &token("vera")).await;
    let page = browser.open(&path).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"));
    for path in PAGES {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains("vera"), "{path}");
    }
    let mut thief = Browser::new(&harness);
    let page = thief.open(&path).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(thief.cookie.is_none() && page.text.contains("used already"), "{}", page.text);
    for forged in ["suture_session=x", "suture_session=", "__Host-suture=x"] {
        thief.cookie = Some(forged.to_owned());
        assert_eq!(thief.get("/").await.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
    let own = browser.cookie.clone().unwrap();
    thief.cookie = Some(format!("{own}; suture_session=x"));
    assert_eq!(thief.get("/").await.status, StatusCode::UNAUTHORIZED, "of two cookies none is taken");
    assert_eq!(link(&harness, "nobody's").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_page_says_what_it_may_load_and_is_kept_nowhere() {
    let harness = start("").await;
    let browser = Browser::new(&harness);
    let paths = PAGES.into_iter().chain([
        "/assets/console.css",
        "/assets/console.js",
        "/incidents/none",
        "/signin?link=x",
    ]);
    for path in paths {
        let page = browser.get(path).await;
        let header =
            |name: &str| page.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        let policy = page.headers.get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        if header("content-type").starts_with("text/html") {
            for inline in ["<style", "style=\"", "onclick", "<script>", "javascript:"] {
                assert!(!page.text.contains(inline), "{path}: {inline}");
            }
        }
    }
}

#[tokio::test]
async fn without_tokens_everybody_looks_and_nobody_does_anything() {
    let harness = start("").await;
    let browser = Browser::new(&harness);
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("read-only") && !page.text.contains("method=\"post\""), "{}", page.text);
    let page = browser.submit("/pause", &[("csrf", "")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(!harness.server.engine().is_paused());
    let (status, path) = link(&harness, "").await;
    assert_eq!((status, path.as_str()), (StatusCode::CREATED, "/"));
}

#[tokio::test]
async fn a_form_is_taken_from_its_own_session_and_site_alone() {
    let harness = start(&staff()).await;
    let browser = signed_in(&harness, "olga").await;
    let csrf = browser.csrf().await;
    let engine = harness.server.engine();
    for (fields, headers, status) in [
        (vec![("csrf", csrf.as_str())], vec![("origin", "https://evil.example")], StatusCode::FORBIDDEN),
        (vec![("csrf", csrf.as_str())], vec![("origin", "null")], StatusCode::FORBIDDEN),
        (vec![("csrf", csrf.as_str())], vec![], StatusCode::FORBIDDEN),
        (
            vec![("csrf", csrf.as_str())],
            vec![
                ("origin", browser.base.as_str()),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
            StatusCode::FORBIDDEN,
        ),
        (vec![], vec![("origin", browser.base.as_str())], StatusCode::FORBIDDEN),
        (vec![("csrf", "0")], vec![("origin", browser.base.as_str())], StatusCode::FORBIDDEN),
    ] {
        let page = browser.post("/pause", &fields, &headers).await;
        assert_eq!(page.status, status, "{fields:?} {headers:?}");
        assert!(!engine.is_paused(), "{fields:?} {headers:?}");
    }
    let other = signed_in(&harness, "olga").await;
    let page = browser.submit("/pause", &[("csrf", &other.csrf().await)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "the token is of another session");

    let page =
        browser.submit("/pause", &[("csrf", &csrf), ("reason", "the+NAS+is+replaced"), ("for", "2h")]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"), "{}", page.text);
    let pauses = engine.pauses();
    assert_eq!((pauses[0].who.as_str(), pauses[0].reason.as_str()), ("olga", "the NAS is replaced"));
    let page = browser.get("/").await;
    assert!(
        page.text.contains("The host is paused") && page.text.contains("the NAS is replaced"),
        "{}",
        page.text
    );
    assert_eq!(browser.submit("/resume", &[("csrf", &csrf)]).await.status, StatusCode::SEE_OTHER);
    assert!(!engine.is_paused());
    let page = browser.submit("/pause", &[("csrf", &csrf), ("for", "soon")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text.contains("soon") && page.text.contains("<h1>"), "{}", page.text);

    // Each form is an act, with who by what and why.
    let of_olga =
        AuditFilter { who: Some("olga".to_owned()), oldest_first: Some(true), ..AuditFilter::default() };
    let rows = engine.journal().audit(of_olga).await.unwrap().items;
    let did = |row: &&Value| row["outcome"] == "done" && row["what"] != "links";
    let done: Vec<_> =
        rows.iter().filter(did).map(|row| (row["what"].as_str().unwrap(), &row["by"])).collect();
    assert_eq!(done, [("pause", &json!("session")), ("resume", &json!("session"))], "{rows:#?}");
    let paused = rows.iter().find(|row| row["outcome"] == "done" && row["what"] == "pause").unwrap();
    assert_eq!(paused["reason"], "the NAS is replaced");
    assert!(rows.iter().any(|row| row["outcome"] == "refused" && row["by"] == "session"), "{rows:#?}");
}

#[tokio::test]
async fn each_role_sees_and_does_what_it_may() {
    let harness = start(&staff()).await;
    let viewer = signed_in(&harness, "vera").await;
    let page = viewer.get("/").await;
    assert!(!page.text.contains("Pause…"), "what she may not is not offered");
    let csrf = viewer.csrf().await;
    let page = viewer.submit("/pause", &[("csrf", &csrf)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("`operator`"), "{}", page.text);
    let (status, _) = link(&harness, &token("oscar")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "who may see nothing has nothing to open");
}

#[tokio::test]
async fn who_signs_out_or_is_removed_is_out_and_roles_are_read_anew() {
    let harness = start(&staff()).await;
    let browser = signed_in(&harness, "olga").await;
    let again = signed_in(&harness, "olga").await;
    let csrf = browser.csrf().await;
    let page = browser.submit("/signout", &[("csrf", &csrf)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(page.headers.get(SET_COOKIE).unwrap().to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(again.get("/").await.status, StatusCode::OK, "the other session stays");

    let change = async |people: String, until: StatusCode, browser: &Browser| {
        std::fs::write(harness.dir.path().join("suture.yaml"), config(&people)).unwrap();
        harness.server.reload();
        for _ in 0..500 {
            if browser.get("/").await.status == until {
                return;
            }
            harness::nap().await;
        }
        panic!("never {until}");
    };
    let vera = signed_in(&harness, "vera").await;
    // Another token is another person; and a role that is gone is gone.
    let hash = Digest::of(b"another");
    let people = format!(
        "people:\n- {{name: olga, tokenHash: \"{hash}\", roles: [viewer]}}\n{}",
        person("vera", "operator")
    );
    change(people, StatusCode::UNAUTHORIZED, &again).await;
    assert_eq!(vera.get("/").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn events_are_for_who_may_look_and_tell_of_what_happens() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("demo.wasm"), guest::component(1)).unwrap();
    let people = format!("{}{}", staff(), harness::demo("{file: demo.wasm}", ""));
    std::fs::write(dir.path().join("suture.yaml"), config(&people)).unwrap();
    let harness = serve(dir).await;
    let browser = signed_in(&harness, "vera").await;
    let stranger = Browser::new(&harness);
    assert_eq!(stranger.get("/events").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/events?what=x").await.status, StatusCode::BAD_REQUEST);
    let url = format!("{}/events", browser.base);
    let request = browser.client.get(url).header(COOKIE, browser.cookie.as_ref().unwrap());
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (status, _) = harness.post("/hooks", harness::alerts("firing", &["x"])).await;
    assert_eq!(status, StatusCode::OK);
    let mut told = String::new();
    while !told.contains("event: changed") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    let list: Value = harness
        .client
        .get(format!("{}/api/v1/incidents", browser.base))
        .bearer_auth(token("vera"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let incident = list["items"][0]["id"].as_str().unwrap();
    let page = browser.get(&format!("/incidents/{incident}")).await;
    assert!(page.status == StatusCode::OK && page.text.contains("Demo"), "{}", page.text);
    assert_eq!(json!(page.text.contains("suture incidents show")), json!(true));
}

#[tokio::test]
async fn an_error_is_a_page_for_people_and_json_for_programs() {
    let harness = start("").await;
    let browser = Browser::new(&harness);
    for (path, status) in [
        ("/incidents/none", 404),
        ("/nothing/here", 404),
        ("/incidents?state=bogus", 400),
        ("/policies/p", 404),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(
            page.text.starts_with("<!DOCTYPE html>") && page.text.contains("href=\"/\""),
            "{path}: {}",
            page.text
        );
    }
    let (status, told) = harness.get("/incidents/none").await;
    assert_eq!((status, told["error"]["code"].as_str()), (StatusCode::NOT_FOUND, Some("notFound")));
    let page = browser.get("/api/v1/incidents/none").await;
    assert!(page.text.starts_with('{'), "the API speaks JSON to everybody: {}", page.text);
}
