//! What people are told: the least of an Alertmanager, which receives it and has silenced nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// Keeps the alerts that are posted to it. It ends with its runtime.
#[derive(Clone)]
pub struct Pages {
    /// Where it answers. Under a path of its own: ports are given anew, and somebody may still post to
    /// whoever had this one before.
    pub url: String,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Pages {
    /// Listen on loopback.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn listen() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let path = format!("/{:x}", fastrand::u64(..));
        let url = format!("http://{}{path}", listener.local_addr()?);
        let received = Arc::<Mutex<Vec<Value>>>::default();
        let receive = async |State(kept): State<Arc<Mutex<Vec<Value>>>>, Json(alerts): Json<Vec<Value>>| {
            kept.lock().extend(alerts);
        };
        let none = async || Json(json!([]));
        let router = Router::new()
            .route(&format!("{path}/api/v2/alerts"), post(receive))
            .route(&format!("{path}/api/v2/alerts/groups"), get(none))
            .route(&format!("{path}/api/v2/silences"), get(none))
            .with_state(received.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, received })
    }

    /// All that was received, oldest first.
    pub fn received(&self) -> Vec<Value> {
        self.received.lock().clone()
    }
}
