//! What is posted to the webhook.

use suture_core::Notification;

/// What can be read is read again as the same once it was written, and every alert has a
/// fingerprint.
pub fn run(bytes: &[u8]) {
    let Ok(notification) = Notification::parse(bytes) else { return };
    for alert in &notification.alerts {
        assert!(!alert.fingerprint().is_empty());
    }
    let written = serde_json::to_vec(&notification).unwrap_or_else(|error| panic!("not written: {error}"));
    let read = Notification::parse(&written).unwrap_or_else(|error| panic!("not read back: {error}"));
    assert_eq!(read, notification);
}
