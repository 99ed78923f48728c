//! VolSync's metric, read off the simulated cluster as the operator would export it.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use suture_simulator::SimulatedCluster;

/// Serve `volsync_volume_out_of_sync` for every ReplicationSource of a cluster.
///
/// # Errors
/// Where no port is free.
pub async fn serve(cluster: SimulatedCluster) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/metrics", get(move || async move { exposition(&cluster) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn exposition(cluster: &SimulatedCluster) -> String {
    let mut text = String::from("# TYPE volsync_volume_out_of_sync gauge\n");
    let objects = cluster.objects();
    for source in objects.iter().filter(|object| object["kind"] == "ReplicationSource") {
        // Out of sync until a mover has succeeded; a manual trigger that is left behind
        // turns the check off, so it must be gone for the alert to mean anything.
        let succeeded =
            source.pointer("/status/latestMoverStatus/result") == Some(&Value::from("Successful"));
        let value = u8::from(!succeeded);
        let (namespace, name) = (&source["metadata"]["namespace"], &source["metadata"]["name"]);
        text.push_str(&format!(
            "volsync_volume_out_of_sync{{obj_namespace={namespace},obj_name={name},role=\"source\",method=\"restic\"}} {value}\n"
        ));
    }
    text
}
