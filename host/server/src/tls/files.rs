//! The files that TLS is made of.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use suture_core::Timestamp;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};

/// The largest file that is read, in bytes: a bundle of all public authorities has a quarter of it.
const MAX_BYTES: u64 = 1 << 20;
/// Sessions that can be taken up again.
const SESSIONS: usize = 256;
/// How often files are read until two readings say the same.
const READINGS: usize = 5;

/// Where the files of a listener are.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authorities of clients' certificates; none where no client is asked for one.
    pub client_ca: Option<PathBuf>,
}

/// Which of the files something is wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Certificate,
    Key,
    ClientCa,
}

/// What is wrong with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsError {
    pub which: Which,
    /// It can't be read at all: maybe it is elsewhere.
    pub is_missing: bool,
    /// Names the file.
    pub message: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What the files held at some moment.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// As whom a listener answers, and whom it knows.
pub(crate) struct Identity {
    pub server: Arc<ServerConfig>,
    /// When the certificate expires.
    pub expires: Timestamp,
    pub(super) contents: Contents,
}

impl TlsFiles {
    /// Read the files.
    ///
    /// # Errors
    /// What is wrong with one of them, or with both: that the key is of another certificate.
    pub fn load(&self) -> Result<Identity, TlsError> {
        self.identity(self.read()?)
    }

    /// The files' paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    /// What all of them hold at one moment: a Secret's are exchanged together, maybe between
    /// the reading of one and of another.
    pub(super) fn read(&self) -> Result<Contents, TlsError> {
        let mut last = self.read_once()?;
        for _ in 1..READINGS {
            let next = self.read_once()?;
            if next == last {
                break;
            }
            last = next;
        }
        Ok(last)
    }

    fn read_once(&self) -> Result<Contents, TlsError> {
        Ok(Contents {
            certificate: read(Which::Certificate, &self.certificate)?,
            key: read(Which::Key, &self.key)?,
            client_ca: self.client_ca.as_deref().map(|file| read(Which::ClientCa, file)).transpose()?,
        })
    }

    pub(super) fn identity(&self, contents: Contents) -> Result<Identity, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (certificate, expires) = self.certificate(&contents, &provider)?;
        let wrong = |which, file: &Path, error: &dyn fmt::Display| wrong(which, file, error);
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| wrong(Which::Certificate, &self.certificate, &error))?;
        let builder = match (&self.client_ca, &contents.client_ca) {
            (Some(file), Some(pem)) => {
                let roots = authorities(file, pem)?;
                // Asked for and not demanded: which path is asked for is only said later.
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| wrong(Which::ClientCa, file, &error))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)));
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        if contents.client_ca.is_some() {
            // Who takes up a session is not asked for a certificate again, expired as it may be.
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.send_tls13_tickets = 0;
        } else {
            server.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        }
        Ok(Identity { server: Arc::new(server), expires, contents })
    }

    fn certificate(
        &self,
        contents: &Contents,
        provider: &CryptoProvider,
    ) -> Result<(CertifiedKey, Timestamp), TlsError> {
        let wrong = |error: &dyn fmt::Display| wrong(Which::Certificate, &self.certificate, error);
        let chain = certificates(Which::Certificate, &self.certificate, &contents.certificate)?;
        let first = chain.first().ok_or_else(|| wrong(&"there is no certificate in it"))?;
        let expires = expiry(first).map_err(|error| wrong(&error))?;
        let wrong_key = |error: &dyn fmt::Display| self::wrong(Which::Key, &self.key, error);
        let key = PrivateKeyDer::pem_slice_iter(&contents.key)
            .next()
            .ok_or_else(|| wrong_key(&"there is no private key in it (PEM, not encrypted)"))?
            .map_err(|error| wrong_key(&format!("it is not PEM: {error}")))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => wrong_key(&format!(
                "it is not the key of the certificate in {} (the host's own certificate comes first there)",
                self.certificate.display()
            )),
            Error::InvalidCertificate(_) => wrong(&error),
            error => wrong_key(&error),
        })?;
        Ok((certified, expires))
    }
}

impl Identity {
    /// What is wrong with it, where its certificate has expired.
    ///
    /// # Errors
    /// That it has.
    pub fn check_expiry(&self, files: &TlsFiles, now: Timestamp) -> Result<(), TlsError> {
        if self.expires > now {
            return Ok(());
        }
        let message = format!("the certificate has expired at {:.0}", self.expires);
        Err(wrong(Which::Certificate, &files.certificate, &message))
    }
}

fn wrong(which: Which, file: &Path, error: &dyn fmt::Display) -> TlsError {
    TlsError { which, is_missing: false, message: format!("{}: {error}", file.display()) }
}

fn read(which: Which, file: &Path) -> Result<Vec<u8>, TlsError> {
    suture_core::file::read(file, MAX_BYTES).map_err(|error| TlsError {
        is_missing: error.kind() != ErrorKind::FileTooLarge,
        ..wrong(which, file, &error)
    })
}

fn certificates(which: Which, file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(which, file, &format!("it is not PEM: {error}")))
}

fn authorities(file: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(Which::ClientCa, file, pem)? {
        roots.add(certificate).map_err(|error| wrong(Which::ClientCa, file, &error))?;
    }
    if roots.is_empty() {
        return Err(wrong(Which::ClientCa, file, &"there is no certificate in it"));
    }
    Ok(roots)
}

fn expiry(certificate: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| format!("no X.509 certificate: {error}"))?;
    Timestamp::from_second(parsed.validity().not_after.timestamp()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
