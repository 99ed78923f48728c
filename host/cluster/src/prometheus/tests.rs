use std::sync::Arc;

use suture_core::effect::Point;
use suture_core::{Error, Labels, RealClock, Reason};

use super::PrometheusClient;
use crate::testing::{Behaviour, Impatient, TestServer};

fn client(server: &TestServer) -> PrometheusClient {
    PrometheusClient::new(&server.url(), Arc::new(RealClock)).unwrap()
}

async fn answering(status: u16, body: &str) -> (PrometheusClient, TestServer) {
    let server = TestServer::answering(status, body).await;
    (client(&server), server)
}

async fn refusal(status: u16, body: &str) -> Error {
    let (client, _server) = answering(status, body).await;
    client.query("up").await.unwrap_err()
}

fn success(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data},"warnings":["slow"],"infos":[]}}"#)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_vector_is_samples_and_its_numbers_may_be_none() {
    let body = success(
        r#"{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1763784600.25,"1.5"]},
            {"metric":{},"value":[1763784600,"NaN"]},{"metric":{},"value":[1763784600,"-Inf"]}]}"#,
    );
    let (client, server) = answering(200, &body).await;
    let samples = client.query(r#"up{job="a"} + 1"#).await.unwrap();
    assert_eq!(samples[0].labels, labels(&[("job", "a")]));
    assert_eq!((samples[0].at_ms, samples[0].value), (1_763_784_600_250, 1.5));
    assert!(samples[1].value.is_nan() && samples[2].value == f64::NEG_INFINITY);
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /api/v1/query HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nquery=up%7Bjob%3D%22a%22%7D+%2B+1"), "{request}");
}

#[tokio::test]
async fn a_scalar_is_one_sample_and_what_is_no_number_is_invalid() {
    let (client, _server) = answering(200, &success(r#"{"resultType":"scalar","result":[1,"2"]}"#)).await;
    let samples = client.query("2").await.unwrap();
    assert_eq!((samples.len(), samples[0].value), (1, 2.0));
    for data in [
        r#"{"resultType":"matrix","result":[]}"#,
        r#"{"resultType":"string","result":[1,"text"]}"#,
        r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"1"}]}]}"#,
    ] {
        assert_eq!(refusal(200, &success(data)).await.reason, Reason::INVALID, "{data}");
    }
}

#[tokio::test]
async fn a_range_is_series_of_points() {
    let body =
        success(r#"{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"],[2.5,"+Inf"]]}]}"#);
    let (client, server) = answering(200, &body).await;
    let series = client.query_range("up", 1000, 2500, 1500).await.unwrap();
    assert_eq!(series[0].points[1], Point { at_ms: 2500, value: f64::INFINITY });
    assert!(server.requests()[0].ends_with("query=up&start=1.000&end=2.500&step=1.500"));
    let error = client.query_range("up", 0, 100_000_000, 1).await.unwrap_err();
    assert_eq!(error.reason, Reason::BAD_REQUEST);
    assert_eq!(server.requests().len(), 1, "a range that is too long is not asked for");
}

#[tokio::test]
async fn alerts_are_pending_or_firing() {
    let body = success(
        r#"{"alerts":[{"labels":{"alertname":"A"},"annotations":{"s":"t"},"state":"firing","activeAt":"2026-11-22T04:10:00.5Z","value":"1e+00"},
            {"labels":{"alertname":"B"},"state":"pending","activeAt":"2026-11-22T04:10:00Z"},
            {"labels":{"alertname":"C"},"state":"inactive"}]}"#,
    );
    let (client, server) = answering(200, &body).await;
    let alerts = client.alerts().await.unwrap();
    let known: Vec<_> =
        alerts.iter().map(|alert| (alert.labels["alertname"].as_str(), alert.firing)).collect();
    assert_eq!(known, [("A", true), ("B", false)]);
    assert_eq!(alerts[0].active_at.to_string(), "2026-11-22T04:10:00.5Z");
    assert!(server.requests()[0].starts_with("GET /api/v1/alerts HTTP/1.1\r\n"));
}

#[tokio::test]
async fn external_labels_are_read_off_the_configuration_and_none_where_that_is_not_shown() {
    let yaml = r#"{"yaml":"global:\n  scrape_interval: 15s\n  external_labels:\n    cluster: home\n    zone: \"1\"\nscrape_configs:\n- job_name: x\n"}"#;
    let (client, _server) = answering(200, &success(yaml)).await;
    assert_eq!(
        client.relabeling().await.unwrap().unwrap().external_labels,
        labels(&[("cluster", "home"), ("zone", "1")])
    );
    for (status, body) in [
        (200, success(r#"{"yaml":"global: {}"}"#)),
        (200, success(r#"{"yaml":"scrape_configs: []"}"#)),
        (200, success(r#"{"yaml":"{{{"}"#)),
        (403, "forbidden".to_owned()),
        (404, "not here".to_owned()),
    ] {
        let (client, _server) = answering(status, &body).await;
        let said = client.relabeling().await.unwrap().unwrap_or_default();
        assert_eq!(said.external_labels, Labels::new(), "{body}");
    }
    let (client, _server) = answering(503, "starting").await;
    assert_eq!(client.relabeling().await.unwrap_err().reason, Reason::UNAVAILABLE, "it may say later");
}

#[tokio::test]
async fn an_expression_that_prometheus_refuses_is_invalid() {
    for status in [400, 422] {
        let body = r#"{"status":"error","errorType":"bad_data","error":"parse error at char 3"}"#;
        let error = refusal(status, body).await;
        assert_eq!((error.reason.clone(), error.status), (Reason::INVALID, Some(status)));
        assert!(error.message.contains("parse error at char 3"), "{error}");
    }
}

#[tokio::test]
async fn a_prometheus_that_cannot_answer_is_unavailable() {
    let timeout = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert!(refusal(503, timeout).await.message.contains("query timed out"));
    for (status, body) in
        [(503, timeout), (500, "oops"), (502, "<html>Bad Gateway</html>"), (429, "slow down")]
    {
        let error = refusal(status, body).await;
        assert_eq!((error.reason, error.status), (Reason::UNAVAILABLE, Some(status)), "{body}");
    }
    assert_eq!(refusal(401, "who are you?").await.reason, Reason::FORBIDDEN);
}

#[tokio::test]
async fn what_is_not_its_api_is_named_and_says_what_to_check() {
    let bodies = [
        "<html>It works!</html>".to_owned(),
        String::new(),
        "{}".to_owned(),
        "[".repeat(100_000),
        success(r#"{"resultType":"vector","result":[{"metric":{},"value":["soon","1"]}]}"#),
        success(r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"much"]}]}"#),
        success(r#"{"resultType":"tensor","result":[]}"#),
        success("null"),
    ];
    for body in bodies {
        let error = refusal(200, &body).await;
        assert_eq!(error.reason, Reason::UNAVAILABLE, "{error}");
        assert!(
            error.message.contains("not its API") && error.message.contains("`prometheus.url`"),
            "{error}"
        );
    }
    assert!(refusal(404, "no such page").await.message.contains("no such page"));
}

#[tokio::test]
async fn a_prometheus_that_is_down_or_breaks_off_is_unavailable() {
    let server = TestServer::start(Behaviour::Break).await;
    let error = client(&server).query("up").await.unwrap_err();
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = PrometheusClient::new(&format!("http://{closed}"), Arc::new(RealClock)).unwrap();
    let error = client.query("up").await.unwrap_err();
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    assert!(error.message.contains(&closed.to_string()) && error.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_and_one_that_does_not_end_are_given_up() {
    let server = TestServer::start(Behaviour::Hang).await;
    let client = PrometheusClient::new(&server.url(), Arc::new(Impatient)).unwrap();
    let error = client.query("up").await.unwrap_err();
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    assert!(error.message.contains("did not answer within 10 s"), "{error}");

    let server = TestServer::start(Behaviour::Flood).await;
    let client = PrometheusClient::new(&server.url(), Arc::new(RealClock)).unwrap();
    let error = client.query("up").await.unwrap_err();
    assert!(error.message.contains("more than 16 MiB"), "{error}");
}

#[tokio::test]
async fn credentials_in_the_url_are_sent_and_never_shown() {
    let server = TestServer::answering(500, "oops").await;
    let url = format!("http://me:hunter2@{}/prefix", server.address);
    let client = PrometheusClient::new(&url, Arc::new(RealClock)).unwrap();
    let error = client.query("up").await.unwrap_err();
    assert!(!format!("{error} {client:?}").contains("hunter2"), "{error} {client:?}");
    let request = server.requests().remove(0).to_lowercase();
    assert!(request.starts_with("post /prefix/api/v1/query "), "{request}");
    assert!(request.contains("authorization: basic"), "{request}");
}

#[test]
fn what_is_no_url_of_a_server_says_how_to_write_one() {
    for url in ["", "prometheus", "prometheus:9090", "ftp://x", "http://", "http://x/?a=b", "http://x/#y"] {
        let error = PrometheusClient::new(url, Arc::new(RealClock)).unwrap_err();
        assert!(error.contains("write `http://HOST:PORT`"), "{error}");
    }
    assert_eq!(PrometheusClient::new("https://x/p/", Arc::new(RealClock)).unwrap().url(), "https://x/p");
}
