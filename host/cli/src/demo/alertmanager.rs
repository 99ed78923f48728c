//! What a real Alertmanager does, as far as the demo needs it: it posts alerts to the
//! host's webhook, and receives what the host has to tell people.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};
use suture_core::Alert;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::error::CliError;
use crate::http;

pub struct Alertmanager {
    address: SocketAddr,
    pages: UnboundedReceiver<Value>,
    client: reqwest::Client,
}

impl Alertmanager {
    /// Listen on a port of this machine that is free.
    pub async fn start() -> Result<Self, CliError> {
        let wrong = |error: std::io::Error| CliError::internal(format!("no port to listen on: {error}"));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let (sender, pages) = unbounded_channel();
        // Nothing is silenced here.
        let none = async || Json(json!([]));
        let router = Router::new()
            .route("/api/v2/alerts", post(receive))
            .route("/api/v2/alerts/groups", get(none))
            .route("/api/v2/silences", get(none))
            .with_state(sender);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, pages, client: http::client()? })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Post one alert, as the webhook receiver of a route would.
    pub async fn post(&self, url: &str, token: &str, alert: &Alert) -> Result<String, CliError> {
        let body = json!({
            "version": "4", "groupKey": "{}:{alertname=\"VolSyncVolumeOutOfSync\"}", "truncatedAlerts": 0,
            "status": alert.status, "receiver": "suture", "groupLabels": {}, "commonLabels": alert.labels,
            "commonAnnotations": {}, "externalURL": format!("http://{}", self.address), "alerts": [alert],
        });
        let request = self.client.post(url).bearer_auth(token).json(&body);
        let response = request
            .send()
            .await
            .map_err(|error| CliError::internal(format!("the webhook does not answer: {error}")).at(url))?;
        let status = response.status();
        if status.is_success() {
            Ok(format!("{status}, stored before it was answered"))
        } else {
            let text = response.text().await.unwrap_or_default();
            Err(CliError::internal(format!("the webhook answers {status}: {text}")).at(url))
        }
    }

    /// The next alert that the host posts for people.
    pub async fn paged(&mut self) -> Value {
        self.pages.recv().await.unwrap_or_default()
    }
}

async fn receive(State(pages): State<UnboundedSender<Value>>, Json(alerts): Json<Vec<Value>>) {
    for alert in alerts {
        // Nobody waits for it once the demo is over.
        let _ = pages.send(alert);
    }
}
