//! How one is let in by a server that is not open to everybody. Files are read again when they
//! change: tokens of ServiceAccounts and certificates are renewed under running programs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::RwLock;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, RequestBuilder, redirect};
use suture_core::causes;

/// The largest file with a token, a password, certificates or a key, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What a server wants of those who ask.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
    /// A name, and a file with the password.
    pub basic: Option<(String, PathBuf)>,
    /// More headers: `X-Scope-OrgID`.
    pub headers: BTreeMap<String, String>,
    /// A PEM file with the authorities of the server's certificate, beside the usual ones.
    pub ca_file: Option<PathBuf>,
    /// PEM files with a certificate to show, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of headers can be secrets.
        f.debug_struct("Access")
            .field("token_file", &self.token_file)
            .field("headers", &self.headers.keys())
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// A client that is let in.
pub(super) struct Admitted {
    access: Access,
    headers: HeaderMap,
    /// Made anew when the files with certificates change.
    client: RwLock<(Vec<Option<SystemTime>>, Client)>,
}

impl Admitted {
    /// A client.
    ///
    /// # Errors
    /// What is wrong with a header, or a file.
    pub fn new(access: Access) -> Result<Self, String> {
        super::install_crypto();
        let mut headers = HeaderMap::new();
        for (name, value) in &access.headers {
            let wrong =
                |error: String| format!("the header `{}`: {error}", suture_core::names::shortened(name));
            let key: HeaderName = name.parse().map_err(|_| wrong("it is no header's name".to_owned()))?;
            let mut value: HeaderValue =
                value.parse().map_err(|_| wrong("its value can't be sent".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let client = RwLock::new((access.stamps(), access.client()?));
        let admitted = Self { access, headers, client };
        admitted.credentials()?;
        Ok(admitted)
    }

    /// The client, with the certificates as they are now.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn client(&self) -> Result<Client, String> {
        let stamps = self.access.stamps();
        {
            let known = self.client.read();
            if known.0 == stamps {
                return Ok(known.1.clone());
            }
        }
        let client = self.access.client()?;
        *self.client.write() = (stamps, client.clone());
        Ok(client)
    }

    /// A request with all that it needs to be let in.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn admit(&self, request: RequestBuilder) -> Result<RequestBuilder, String> {
        let request = request.headers(self.headers.clone());
        Ok(match self.credentials()? {
            Some(credentials) => request.header(AUTHORIZATION, credentials),
            None => request,
        })
    }

    fn credentials(&self) -> Result<Option<HeaderValue>, String> {
        use base64::Engine as _;
        let (file, credentials) = match (&self.access.token_file, &self.access.basic) {
            (Some(file), _) => (file, format!("Bearer {}", text(file)?.trim())),
            (None, Some((username, file))) => {
                let password = text(file)?;
                let pair = format!("{username}:{}", password.trim_end_matches(['\r', '\n']));
                (file, format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
            }
            (None, None) => return Ok(None),
        };
        let mut value = HeaderValue::try_from(credentials)
            .map_err(|_| format!("{}: what it holds can't be sent in a header", file.display()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl Access {
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca_file.iter().chain(identity)
    }

    fn stamps(&self) -> Vec<Option<SystemTime>> {
        let modified = |file: &PathBuf| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        self.files().map(modified).collect()
    }

    fn client(&self) -> Result<Client, String> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::custom(follow))
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &self.ca_file {
            let unfit = |error: reqwest::Error| format!("{}: {}", file.display(), causes(&error));
            let authorities = Certificate::from_pem_bundle(text(file)?.as_bytes()).map_err(unfit)?;
            if authorities.is_empty() {
                return Err(format!("{}: it holds no certificate", file.display()));
            }
            for authority in authorities {
                builder = builder.add_root_certificate(authority);
            }
        }
        if let Some((certificate, key)) = &self.identity {
            let pem = format!("{}\n{}", text(certificate)?, text(key)?);
            let identity = Identity::from_pem(pem.as_bytes())
                .map_err(|error| format!("{}: {}", certificate.display(), causes(&error)))?;
            builder = builder.identity(identity);
        }
        builder.build().map_err(|error| format!("no HTTP client can be made: {}", causes(&error)))
    }
}

/// Follow within the host that is configured (to https, too), and three times at most: headers of the
/// configuration may be secrets, and reqwest takes away none but those that it knows.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let next = attempt.url();
    let is_home = attempt.previous().first().is_some_and(|first| {
        let same_port = next.port_or_known_default() == first.port_or_known_default();
        let is_secured = first.scheme() == "http" && next.scheme() == "https";
        next.host_str() == first.host_str() && (is_secured || (same_port && next.scheme() == first.scheme()))
    });
    if is_home && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

fn text(file: &Path) -> Result<String, String> {
    let named = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
    let text = suture_core::file::read_text(file, MAX_BYTES).map_err(|error| named(&error))?;
    if text.trim().is_empty() {
        return Err(named(&"it is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use suture_core::RealClock;

    use super::*;
    use crate::PrometheusClient;
    use crate::testing::{Behaviour, TestServer};

    async fn asked(access: Access) -> (Result<(), String>, Vec<String>) {
        let server = TestServer::answering(200, r#"{"status":"success","data":{"alerts":[]}}"#).await;
        let client = PrometheusClient::with_access(&server.url(), access, Arc::new(RealClock));
        let answer = match client {
            Ok(client) => client.alerts().await.map(drop).map_err(|error| error.message),
            Err(error) => Err(error),
        };
        (answer, server.requests())
    }

    #[tokio::test]
    async fn a_token_is_read_from_its_file_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "first\n").unwrap();
        let server = TestServer::answering(200, r#"{"status":"success","data":{"alerts":[]}}"#).await;
        let access = Access { token_file: Some(file.clone()), ..Access::default() };
        let client = PrometheusClient::with_access(&server.url(), access, Arc::new(RealClock)).unwrap();
        client.alerts().await.unwrap();
        std::fs::write(&file, "second").unwrap();
        client.alerts().await.unwrap();
        std::fs::remove_file(&file).unwrap();
        let gone = client.alerts().await.unwrap_err();
        assert!(gone.message.contains("token"), "{}", gone.message);
        let requests = server.requests().join("\n").to_lowercase();
        assert!(requests.contains("authorization: bearer first\r\n"), "{requests}");
        assert!(requests.contains("authorization: bearer second\r\n"), "{requests}");
    }

    #[tokio::test]
    async fn a_name_a_password_and_headers_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, " a b \n").unwrap();
        let access = Access {
            basic: Some(("me".to_owned(), password)),
            headers: [("X-Scope-OrgID".to_owned(), "team".to_owned())].into(),
            ..Access::default()
        };
        let (answer, requests) = asked(access).await;
        answer.unwrap();
        let request = requests[0].to_lowercase();
        assert!(request.contains("x-scope-orgid: team\r\n"), "{request}");
        assert!(requests[0].contains("Basic bWU6IGEgYiA="), "{request}");
    }

    #[tokio::test]
    async fn what_the_configuration_sends_goes_to_no_other_server() {
        let elsewhere = TestServer::answering(200, r#"{"status":"success","data":{"alerts":[]}}"#).await;
        let behaviour = Behaviour::Redirect(format!("{}/api/v1/alerts", elsewhere.url()));
        let server = TestServer::start(behaviour).await;
        let access =
            Access { headers: [("X-Api-Key".to_owned(), "secret".to_owned())].into(), ..Access::default() };
        let client = PrometheusClient::with_access(&server.url(), access, Arc::new(RealClock)).unwrap();
        let error = client.alerts().await.unwrap_err();
        assert!(error.message.contains("leads to another server"), "{}", error.message);
        assert_eq!((server.requests().len(), elsewhere.requests().len()), (1, 0));
    }

    #[tokio::test]
    async fn what_can_not_be_used_says_which_file_or_header_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.pem");
        std::fs::write(&file, "no certificate").unwrap();
        let missing = folder.path().join("missing");
        let header = |name: &str, value: &str| Access {
            headers: [(name.to_owned(), value.to_owned())].into(),
            ..Access::default()
        };
        for (access, word) in [
            (Access { ca_file: Some(file.clone()), ..Access::default() }, "wrong.pem"),
            (Access { ca_file: Some(missing.clone()), ..Access::default() }, "missing"),
            (Access { token_file: Some(missing.clone()), ..Access::default() }, "missing"),
            (Access { identity: Some((file.clone(), file.clone())), ..Access::default() }, "wrong.pem"),
            (header("no name", "x"), "no name"),
            (header("x", "a\nb"), "`x`"),
        ] {
            let (answer, requests) = asked(access).await;
            let error = answer.expect_err(word);
            assert!(error.contains(word), "{error}");
            assert!(requests.is_empty());
        }
    }
}
