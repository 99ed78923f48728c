//! The socket's file.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// Why nothing can be offered at a path.
async fn refused(path: &Path) -> String {
    match Listener::bind(path).await {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was bound"),
    }
}

#[tokio::test]
async fn the_place_of_a_server_at_work_is_not_taken() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    assert!(refused(&harness.socket).await.contains("another simulator is at work there"));
    assert!(client.resource(&Kind::new("v1", "Pod")).await.is_ok());
}

#[tokio::test]
async fn the_place_of_somebody_else_is_not_taken_either() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let _other = tokio::net::UnixListener::bind(&socket).unwrap();
    assert!(refused(&socket).await.contains("at work"));
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "important").unwrap();
    assert!(refused(&file).await.contains("no socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "important");
}

#[tokio::test]
async fn what_a_killed_server_left_is_replaced_and_only_its_owner_can_connect() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "it is left behind");
    let listener = Listener::bind(&socket).await.unwrap();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    drop(listener);
    assert!(!socket.exists());
    // And again.
    Listener::bind(&socket).await.unwrap();
}

#[tokio::test]
async fn a_place_that_can_not_be_had_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(200));
    assert!(refused(&long).await.contains(&long.display().to_string()));
    assert!(refused(&folder.path().join("none/s")).await.contains("none/s"));
    let error = SocketCluster::connect(&folder.path().join("s")).await.unwrap_err().to_string();
    assert!(error.contains("nobody answers there") && error.contains("suture simulate"), "{error}");
}
