use axum::body::Body;

use super::*;

fn gate(audience: Audience) -> Gate {
    let names = Names::new(Some("repairs"), ["Suture.Example.com"].into_iter());
    let metrics = Metrics::new("0");
    let refusals = Refusals::new("admin", Arc::new(suture_core::RealClock), metrics.clone());
    Gate { audience, names, needs_certificate: false, metrics, refusals }
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn status(gate: &Gate, request: &Request) -> u16 {
    gate.check(request).err().map_or(200, |failure| failure.status.as_u16())
}

fn of_host(host: &str) -> u16 {
    status(&gate(Audience::Admin), &request("GET", "/api/v1/runs", &[("host", host)]))
}

#[test]
fn the_api_is_asked_by_address_or_by_a_name_of_its_own() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:8081",
        "10.1.2.3",
        "0.0.0.0:8081",
        "[::1]",
        "[::1]:8081",
        "[2001:db8::1]:",
        "localhost",
        "LocalHost:8081",
        "localhost.",
        "localhost.:8081",
        "suture",
        "suture.repairs",
        "suture.repairs.svc:8081",
        "suture.repairs.svc.cluster.local",
        "suture.repairs.svc.cluster.local.",
        "SUTURE.example.COM",
    ] {
        assert_eq!(of_host(host), 200, "{host}");
    }
}

#[test]
fn another_name_is_refused_with_what_to_configure() {
    for host in [
        "evil.example",
        "evil.example:8081",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.evil.example",
        "127.1",
        "0x7f000001",
        "2130706433",
        "suture.other.svc",
        "suture.repairs.svc.evil",
        "xn--localhost",
        "example.com",
    ] {
        assert_eq!(of_host(host), 421, "{host}");
    }
    let asked = request("GET", "/api/v1/runs", &[("host", "evil.example")]);
    let refused = gate(Audience::Admin).check(&asked).unwrap_err();
    for words in ["admin.hosts", "`hosts: [evil.example]`", "`suture`", "`suture.repairs.svc.cluster.local`"]
    {
        assert!(refused.message.contains(words), "{words}: {}", refused.message);
    }
}

#[test]
fn a_host_that_is_none_is_refused() {
    for host in [
        "",
        ":8081",
        "localhost:80a",
        "localhost:99999",
        "localhost:+80",
        "evil@localhost",
        "localhost@evil.example",
        "localhost, evil.example",
        "localhost evil.example",
        "[::1",
        "[::1]evil",
        "[localhost]",
        "::1",
        "local host",
        "localhost/",
        "localhost#",
        "localhost..",
        ".localhost",
        "localhost:80:80",
        "[fe80::1%25eth0]",
    ] {
        assert_eq!(of_host(host), 400, "{host}");
    }
    let gate = gate(Audience::Admin);
    let twice = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(status(&gate, &request("GET", "/api/v1/runs", &twice)), 400);
    assert_eq!(status(&gate, &request("GET", "/api/v1/runs", &[])), 400);
    let mut old = request("GET", "/api/v1/runs", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(status(&gate, &old), 200, "no browser speaks HTTP/1.0");
}

#[test]
fn a_target_with_a_host_in_it_says_the_same_as_the_header() {
    let gate = gate(Audience::Admin);
    for (target, host, expected) in [
        ("http://localhost:8081/api/v1/runs", "localhost:8081", 200),
        ("http://evil.example/api/v1/runs", "localhost", 400),
        ("http://localhost/api/v1/runs", "evil.example", 400),
        ("http://evil.example/api/v1/runs", "evil.example", 421),
        ("http://user@localhost/api/v1/runs", "localhost", 400),
    ] {
        assert_eq!(status(&gate, &request("GET", target, &[("host", host)])), expected, "{target} {host}");
    }
}

#[test]
fn health_and_metrics_are_asked_by_whatever_name() {
    let gate = gate(Audience::Admin);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(&gate, &request("GET", path, &[("host", "evil.example")])), 200, "{path}");
        assert_eq!(status(&gate, &request("GET", path, &[])), 200, "{path}");
    }
    for path in ["/healthz/", "//healthz", "/healthz/../api/v1/runs", "/metrics/x", "/api/v1/runs"] {
        assert_eq!(status(&gate, &request("GET", path, &[("host", "evil.example")])), 421, "{path}");
    }
}

#[test]
fn what_a_page_of_another_site_sends_is_refused_on_both_addresses() {
    let json = ("content-type", "application/json");
    for audience in [Audience::Admin, Audience::Webhook] {
        let gate = gate(audience);
        let post = |more: &[(&str, &str)]| {
            let mut headers = vec![("host", "127.0.0.1:8081"), json];
            headers.extend(more);
            status(&gate, &request("POST", "/hooks", &headers))
        };
        assert_eq!(post(&[]), 200);
        for origin in [
            "null",
            "",
            "http://evil.example",
            "https://127.0.0.1",
            "http://127.0.0.1",
            "http://127.0.0.1:3000",
            "http://localhost:8081",
            "http://127.0.0.1:8081.evil.example",
            "http://127.0.0.1:8081@evil.example",
            "http://127.0.0.1:8081/",
            "chrome-extension://127.0.0.1:8081",
            "file://",
        ] {
            assert_eq!(post(&[("origin", origin)]), 403, "{origin}");
        }
        assert_eq!(post(&[("origin", "http://127.0.0.1:8081")]), 200);
        assert_eq!(post(&[("origin", "http://127.0.0.1:8081"), ("origin", "http://evil.example")]), 403);
        for site in ["cross-site", "same-site", "", "Cross-Site", "none, cross-site"] {
            assert_eq!(post(&[("sec-fetch-site", site)]), 403, "{site}");
        }
        for site in ["none", "same-origin"] {
            assert_eq!(post(&[("sec-fetch-site", site)]), 200, "{site}");
        }
    }
}

#[test]
fn a_page_whose_own_name_leads_here_is_foreign_to_the_webhook_too() {
    let headers = [
        ("host", "evil.example:8080"),
        ("origin", "http://evil.example:8080"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
    ];
    assert_eq!(status(&gate(Audience::Webhook), &request("POST", "/hooks", &headers)), 403);
    assert_eq!(status(&gate(Audience::Admin), &request("POST", "/api/v1/pause", &headers)), 421);
    let program = [headers[0], headers[3]];
    assert_eq!(
        status(&gate(Audience::Webhook), &request("POST", "/hooks", &program)),
        200,
        "an Ingress has any name"
    );
}

#[test]
fn a_post_is_json_whatever_its_path() {
    for (audience, path) in [
        (Audience::Admin, "/api/v1/pause"),
        (Audience::Admin, "//api/v1/pause"),
        (Audience::Webhook, "/hooks"),
        (Audience::Webhook, "/hooks/volsync/"),
    ] {
        let gate = gate(audience);
        let post = |types: &[&str]| {
            let mut headers = vec![("host", "localhost")];
            headers.extend(types.iter().map(|given| ("content-type", *given)));
            status(&gate, &request("POST", path, &headers))
        };
        for good in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x"]
        {
            assert_eq!(post(&[good]), 200, "{good}");
        }
        for bad in [
            "application/x-www-form-urlencoded",
            "text/plain",
            "text/plain; application/json",
            "application/jsonx",
            "multipart/form-data",
            "",
            "application/json, text/plain",
        ] {
            assert_eq!(post(&[bad]), 415, "{bad}");
        }
        assert_eq!(post(&[]), 415);
        assert_eq!(post(&["application/json", "text/plain"]), 415);
    }
}

#[test]
fn a_link_to_a_page_is_followed_from_anywhere_and_from_a_script_or_a_frame_it_is_not() {
    let gate = gate(Audience::Admin);
    let visit = |path: &str, site: &str, mode: &str, destination: &str| {
        let headers = [
            ("host", "127.0.0.1:8081"),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", destination),
        ];
        status(&gate, &request("GET", path, &headers))
    };
    for path in ["/", "/incidents", "/incidents/5xk2", "/runs/5xk2", "/policies/volsync", "/trends"] {
        for site in ["cross-site", "same-site", "none", "same-origin"] {
            assert_eq!(visit(path, site, "navigate", "document"), 200, "{path} {site}");
        }
        for (mode, destination) in [
            ("no-cors", "image"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("navigate", "embed"),
            ("websocket", "document"),
            ("", ""),
        ] {
            assert_eq!(visit(path, "cross-site", mode, destination), 403, "{path} {mode} {destination}");
        }
    }
    for path in ["/signin?link=x", "/events", "/api/v1/runs", "/api/v1/config", "/assets/console.js", "/runs"]
    {
        assert_eq!(visit(path, "cross-site", "navigate", "document"), 403, "{path}");
        assert_eq!(visit(path, "none", "navigate", "document"), 200, "{path}");
    }
    let twice = [
        ("host", "127.0.0.1:8081"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(status(&gate, &request("GET", "/", &twice)), 403);
    let rebound = [
        ("host", "evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(status(&gate, &request("GET", "/", &rebound)), 421);
    let hooks = self::gate(Audience::Webhook);
    let headers = [
        ("host", "x"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(status(&hooks, &request("GET", "/", &headers)), 403, "the webhook has no pages");
}

#[test]
fn a_form_is_posted_to_the_console_alone_and_from_its_own_pages_alone() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let own = ("origin", "http://127.0.0.1:8081");
    let post = |audience: Audience, path: &str, more: &[(&str, &str)]| {
        let mut headers = vec![("host", "127.0.0.1:8081"), form];
        headers.extend(more);
        status(&gate(audience), &request("POST", path, &headers))
    };
    for path in ["/pause", "/signout", "/incidents/x/close", "/runs/x/cancel", "/policies/p/resume"] {
        assert_eq!(post(Audience::Admin, path, &[own]), 200, "{path}");
        assert_eq!(post(Audience::Admin, path, &[own, ("sec-fetch-site", "same-origin")]), 200, "{path}");
        assert_eq!(
            post(Audience::Admin, path, &[]),
            403,
            "every browser says where a form comes from: {path}"
        );
        for origin in
            ["null", "http://evil.example", "https://127.0.0.1:8081.evil.example", "http://localhost:8081"]
        {
            assert_eq!(post(Audience::Admin, path, &[("origin", origin)]), 403, "{path} {origin}");
        }
        for site in ["cross-site", "same-site"] {
            let navigates = [
                own,
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            assert_eq!(post(Audience::Admin, path, &navigates), 403, "{path} {site}");
        }
        assert_eq!(post(Audience::Webhook, path, &[own]), 415, "the webhook takes no forms: {path}");
    }
    for path in
        ["/", "/api/v1/pause", "/api/v1/incidents/x/close", "/hooks", "/signin", "/incidents/x", "//pause"]
    {
        assert_eq!(post(Audience::Admin, path, &[own]), 415, "{path}");
    }
    let multipart = [("host", "127.0.0.1:8081"), own, ("content-type", "multipart/form-data; boundary=x")];
    assert_eq!(status(&gate(Audience::Admin), &request("POST", "/pause", &multipart)), 415);
}
