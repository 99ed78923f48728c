use serde_json::json;

use super::*;

fn read(body: &[u8]) -> (Envelope, Vec<Read>) {
    let mut alerts = Vec::new();
    let envelope = Envelope::parse(body, |alert| alerts.push(alert)).unwrap();
    (envelope, alerts)
}

fn body(labels: &Labels, annotations: &Labels) -> Vec<u8> {
    json!({"receiver": "r", "truncatedAlerts": 2, "groupLabels": {"x": [1]}, "alerts": [{"status": "firing",
        "labels": labels, "annotations": annotations, "startsAt": "2026-11-22T04:10:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p", "fingerprint": "f", "new": {}}]})
    .to_string()
    .into_bytes()
}

fn texts(count: usize, length: usize) -> Labels {
    (0..count).map(|number| (format!("l{number}"), "x".repeat(length))).collect()
}

#[test]
fn an_ordinary_alert_is_read_as_it_was_written() {
    let body = body(&texts(12, 40), &texts(5, 300));
    let (envelope, alerts) = read(&body);
    let whole = Notification::parse(&body).unwrap();
    assert_eq!(envelope, Envelope { receiver: "r".into(), truncated_alerts: 2, alerts: 1, firing: 1 });
    assert_eq!(envelope, Envelope::from(&whole));
    assert_eq!(alerts, [Read::Whole(Arc::new(whole.alerts[0].clone()))]);
}

#[test]
fn a_long_annotation_is_cut_and_shows_it() {
    let (_, alerts) = read(&body(&texts(1, 1), &[("a".into(), "ä".repeat(1 << 20))].into()));
    let Read::Whole(alert) = &alerts[0] else { panic!() };
    let kept = &alert.annotations["a"];
    assert!(kept.ends_with("ä…") && kept.len() < MAX_ANNOTATION_BYTES, "{}", kept.len());
    assert!(kept.len() > MAX_ANNOTATION_BYTES - 8 && kept.capacity() < MAX_ANNOTATION_BYTES * 2);
}

#[test]
fn however_many_annotations_there_are_only_so_much_is_kept() {
    for annotations in [texts(100_000, 0), texts(1000, 1000), texts(3, 1 << 20)] {
        let (_, alerts) = read(&body(&texts(1, 1), &annotations));
        let Read::Whole(alert) = &alerts[0] else { panic!() };
        let bytes: usize = alert.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MAX_ANNOTATION_BYTES && alert.annotations.len() <= MAX_ANNOTATIONS);
    }
}

#[test]
fn an_alert_with_more_labels_than_any_has_is_told_apart_and_the_next_is_read() {
    for labels in [texts(MAX_LABELS + 1, 1), texts(1, MAX_LABEL_BYTES), texts(100_000, 0)] {
        let mut labels = labels;
        labels.insert("alertname".into(), "Flood".into());
        let (_, alerts) = read(&body(&labels, &Labels::new()));
        assert_eq!(alerts, [Read::Oversized { alertname: "Flood".into() }]);
    }
    let (_, alerts) = read(&body(&texts(MAX_LABELS, 100), &Labels::new()));
    assert!(matches!(alerts[..], [Read::Whole(_)]));
}

#[test]
fn what_identifies_nothing_is_left_out_where_it_is_too_long() {
    let text = String::from_utf8(body(&texts(1, 1), &Labels::new())).unwrap();
    let long = text.replace("\"f\"", &format!("\"{}\"", "f".repeat(1000)));
    let long =
        long.replace("http://p", &"p".repeat(10_000)).replace("\"r\"", &format!("\"{}\"", "r".repeat(9999)));
    let (envelope, alerts) = read(long.as_bytes());
    let Read::Whole(alert) = &alerts[0] else { panic!() };
    assert_eq!((alert.generator_url.as_str(), alert.fingerprint.as_str()), ("", ""));
    assert_eq!(envelope.receiver.len(), MAX_RECEIVER);
}

#[test]
fn what_is_no_notification_is_refused_as_before() {
    for wrong in [
        "{}",
        r#"{"alerts":{}}"#,
        r#"{"alerts":[],"alerts":[]}"#,
        r#"{"alerts":[]} x"#,
        r#"{"alerts":[{"status":"burning","labels":{},"startsAt":"2026-11-22T04:10:00Z"}]}"#,
    ] {
        let streamed = Envelope::parse(wrong.as_bytes(), |_| ()).unwrap_err();
        let whole = Notification::parse(wrong.as_bytes()).unwrap_err();
        assert_eq!((streamed.line(), streamed.column()), (whole.line(), whole.column()), "{wrong}");
    }
}
