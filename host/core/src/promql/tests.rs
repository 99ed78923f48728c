use super::*;
use crate::grant::Glob;

fn names(expression: &str) -> Vec<String> {
    selected(expression).unwrap_or_else(|why| panic!("{expression}: {why}")).into_iter().collect()
}

fn unreadable(expression: &str) -> String {
    match selected(expression) {
        Err(why) => why,
        Ok(names) => panic!("{expression} reads {names:?}"),
    }
}

#[test]
fn every_metric_of_an_expression_is_found() {
    for (expression, expected) in [
        ("up", &["up"][..]),
        ("up{job=\"a\"}", &["up"]),
        ("{__name__=\"up\", job=~\"a|b\"}", &["up"]),
        ("{\"up\"}", &["up"]),
        ("{\"http.server.duration\", job=\"a\"}", &["http.server.duration"]),
        ("job:rate:sum", &["job:rate:sum"]),
        ("sum by (le) (rate(a_bucket[5m])) / ignoring (x) group_left (y) b", &["a_bucket", "b"]),
        ("a and on (x) b unless c or d", &["a", "b", "c", "d"]),
        ("absent(a) or absent_over_time(b[1h])", &["a", "b"]),
        ("max_over_time(deriv(a[5m])[1h:1m] @ end() offset -1h)", &["a"]),
        ("a offset 5m + b @ 1609746000", &["a", "b"]),
        ("c[5m] @ start()", &["c"]),
        ("topk(scalar(a), b)", &["a", "b"]),
        ("quantile(0.9, a) > bool -b", &["a", "b"]),
        ("histogram_quantile(scalar(q), sum by (le) (h))", &["h", "q"]),
        ("label_replace(a, \"__name__\", \"b\", \"\", \"\")", &["a"]),
        ("count_values(\"__name__\", a)", &["a"]),
        ("ALERTS{alertname=\"x\"} or ALERTS_FOR_STATE", &["ALERTS", "ALERTS_FOR_STATE"]),
        ("a # or b\n+ c", &["a", "c"]),
        ("a{x=\"# \"} + c", &["a", "c"]),
        ("sum + avg", &["avg", "sum"]),
        ("vector(1) + time()", &[]),
        ("a{x=~`b\\.c`}", &["a"]),
    ] {
        assert_eq!(names(expression), expected, "{expression}");
    }
}

#[test]
fn a_selector_without_one_literal_name_is_denied() {
    for expression in [
        "{job=\"a\"}",
        "{__name__=~\"up|secret\"}",
        "{__name__=~\".+\"}",
        "{__name__!=\"up\"}",
        "{__name__!~\"up\", job=\"a\"}",
        "up{__name__=\"secret\"}",
        "up{__name__=~\".*\"}",
        "up{\"secret\"}",
        "{\"up\", \"secret\"}",
        "{\"up\", __name__=\"secret\"}",
        "{\"up\", __name__=~\"secret\"}",
        "{__name__=\"up\", __name__=\"secret\"}",
        "{__name__=\"up\", __name__=~\"s.*\"}",
        "{\"__name__\"=~\"s.*\"}",
        "{\"__na\\u006de__\"=~\"s.*\"}",
        "{\"\\x5f_name__\"!=\"up\", a=\"b\"}",
        "{__name__=\"up\" or __name__=\"secret\"}",
        "up{a=\"b\" or c=\"d\"}",
        "up + {job=\"a\"}",
        "sum(rate({job=\"a\"}[5m]))",
        "absent({job=\"a\"})",
        "max_over_time({job=\"a\"}[1h:1m])",
        "{__name__=\"\", job=\"a\"}",
        "{}",
        "{\"ünüblich\"}",
        "{\"\\xc3\\xbc\"}",
        "{\"a b\"}",
    ] {
        unreadable(expression);
    }
}

#[test]
fn a_function_that_reads_other_metrics_is_denied() {
    for expression in
        ["info(up)", "info(up, {job=\"a\"})", "info(up, {__name__=\"build_info\"})", "sum(info(up))"]
    {
        let why = unreadable(expression);
        assert!(why.contains("`info` reads other metrics"), "{why}");
    }
}

#[test]
fn what_prometheus_may_read_otherwise_or_at_all_is_denied() {
    for expression in [
        "",
        "up up",
        "up[5m] smoothed",
        "up[5m] anchored",
        "up[5m + step()]",
        "rate(up[max(1m, 5m)])",
        "WITH (x = secret) x",
        "union(up, secret)",
        "keep_last_value(up)",
        "up keep_metric_names",
        // To this parser the backslash escapes the quote, to Prometheus it does not.
        "up{x=`\\`} or secret{y=`,z=`} # `}",
        "up{x=`\\`}",
        "up{x=\"a\nb\"}",
        "up{x=\"a",
        "up\u{a0}or secret",
        "up\u{2028}or secret",
        "üp",
        "up\0",
        // Numbers that the parser panics on.
        "up[1e300]",
        "up offset Inf",
        "up offset NaN",
    ] {
        unreadable(expression);
    }
    // Both end a comment at a carriage return.
    assert_eq!(names("up # \r or secret"), ["secret", "up"]);
}

/// A stack as small as a policy's fiber, with what the host itself needs taken off.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
}

#[test]
fn hostile_nesting_is_refused_and_what_is_allowed_fits_a_small_stack() {
    on_a_small_stack(|| {
        let nested = |open: &str, close: &str, times: usize| {
            format!("{}up{}", open.repeat(times), close.repeat(times))
        };
        for (open, close) in [
            ("(", ")"),
            ("-", ""),
            ("abs(", ")"),
            ("-(", ")"),
            ("up+", ""),
            ("", "[1h:1m]"),
            ("", " or up"),
            ("", "\tAND up"),
            ("", "^up"),
            ("sum by (a) (", ")"),
            ("", "#\nunless up"),
            ("", " atan2 up"),
        ] {
            for times in [100, 300, 1000, 10_000] {
                let expression = nested(open, close, times);
                // Whatever comes of it, it comes back.
                let read = selected(&expression);
                assert!(times == 100 || read.is_err(), "{open}{close} {times}");
            }
        }
        assert_eq!(names(&nested("(", ")", 127)), ["up"]);
        assert_eq!(names(&nested("", " or up", 127)), ["up"]);
        assert!(unreadable(&nested("(", ")", 10_000)).contains("4096 bytes"));
        assert!(unreadable(&nested("(", ")", 2000)).contains("128 operators"));
    });
}

#[test]
fn regular_expressions_are_never_compiled() {
    // Each of these alone takes megabytes and a good part of a second.
    let matcher = r#"x=~"(\\pL{250}){4}","#;
    let expression = format!("up{{{}}}", matcher.repeat(120));
    assert_eq!(names(&expression), ["up"]);
    assert_eq!(names("up{x=~\"(\"}"), ["up"]);
}

fn asks(metrics: &[&str]) -> Vec<Permission> {
    let metrics = metrics.iter().map(|name| Glob::new(name).unwrap()).collect();
    vec![Permission { metrics, ..Permission::default() }]
}

fn granted(yaml: &str) -> Vec<Grant> {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn a_query_is_allowed_where_each_metric_is_requested_and_granted() {
    let grants = granted(
        "[{metrics: ['volsync_*']}, {metrics: [up]}, {groups: [''], resources: [pods], verbs: [get]}]",
    );
    let check = |expression: &str, asked: &[&str]| check(expression, &asks(asked), &grants);
    assert_eq!(check("volsync_missed / up", &["volsync_*", "up"]), Ok(()));
    let error = check("volsync_missed / up", &["volsync_*"]).unwrap_err();
    assert!(error.contains("`up`") && error.contains("does not request"), "{error}");
    let error = check("volsync_missed + secret", &["*"]).unwrap_err();
    assert!(error.contains("`metrics: [secret]`") && error.contains("no grant"), "{error}");
    let error = check("{__name__=~\"volsync.*\"}", &["*"]).unwrap_err();
    assert!(error.contains("can't be told for certain"), "{error}");
    assert_eq!(check("vector(1)", &[]), Ok(()));
}

#[test]
fn without_a_grant_of_metrics_nothing_is_queried() {
    for grants in ["[]", "[{groups: ['*'], resources: [pods], verbs: [get], namespaces: ['*']}]"] {
        for expression in ["up", "vector(1)", "ALERTS", "1"] {
            assert!(check(expression, &asks(&["*"]), &granted(grants)).is_err(), "{expression}");
        }
    }
}
