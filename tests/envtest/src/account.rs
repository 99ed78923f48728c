//! Service accounts and their tokens.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::kubeconfig;
use crate::plane::ControlPlane;

impl ControlPlane {
    /// Make a service account where there is none, and a kubeconfig file with a fresh
    /// token of it (good for an hour, in a file beside the kubeconfig).
    ///
    /// # Errors
    /// Where the API server refuses.
    pub async fn service_account(&self, namespace: &str, name: &str) -> anyhow::Result<PathBuf> {
        self.apply(
            &json!({"apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"namespace": namespace, "name": name}})
            .to_string(),
        )
        .await?;
        self.kubeconfig_with_token(&self.token(namespace, name, 3600).await?)
    }

    /// A fresh token of a service account. The API server makes none that lives for less
    /// than 600 s.
    ///
    /// # Errors
    /// Where the API server refuses.
    pub async fn token(&self, namespace: &str, name: &str, seconds: i64) -> anyhow::Result<String> {
        let request = TokenRequest {
            spec: Some(TokenRequestSpec { expiration_seconds: Some(seconds), ..TokenRequestSpec::default() }),
            ..TokenRequest::default()
        };
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client()?, namespace);
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
        Ok(answer.status.and_then(|status| status.token).unwrap_or_default())
    }

    /// A kubeconfig file for whoever shows a token.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn kubeconfig_with_token(&self, token: &str) -> anyhow::Result<PathBuf> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let file = self.folder().join(format!("user-{}.yaml", MADE.fetch_add(1, Ordering::Relaxed)));
        kubeconfig::for_token(&file, &self.url(), &self.ca_file(), token)?;
        Ok(file)
    }
}
