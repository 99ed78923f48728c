//! Who the parts of the control plane are to each other.

use std::path::Path;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};

/// A certificate and its key, in PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// One authority for serving and for clients, and the key of service account tokens.
pub struct Certificates {
    pub authority: String,
    pub serving: Identity,
    pub admin: Identity,
    pub controller_manager: Identity,
    /// People who may do nothing yet, by their names.
    pub people: Vec<(&'static str, Identity)>,
    /// Elliptic, which the API server takes as well as RSA.
    pub service_accounts: ServiceAccountKey,
}

/// The key that tokens of service accounts are signed with, in PEM.
pub struct ServiceAccountKey {
    private: String,
    public: String,
}

impl Certificates {
    pub fn make() -> anyhow::Result<Self> {
        let people = ["alice", "mallory"];
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(None, "suture-envtest");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let mut serving = CertificateParams::new(vec![
            "localhost".to_owned(),
            "kubernetes".to_owned(),
            "kubernetes.default.svc".to_owned(),
        ])?;
        serving.distinguished_name = named(None, "kube-apiserver");
        for address in ["127.0.0.1", "10.96.0.1"] {
            serving.subject_alt_names.push(SanType::IpAddress(address.parse()?));
        }
        let tokens = KeyPair::generate()?;
        Ok(Self {
            authority,
            serving: sign(serving, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?,
            admin: client(Some("system:masters"), "admin", &issuer)?,
            controller_manager: client(None, "system:kube-controller-manager", &issuer)?,
            people: people
                .into_iter()
                .map(|name| Ok((name, client(None, name, &issuer)?)))
                .collect::<anyhow::Result<_>>()?,
            service_accounts: ServiceAccountKey {
                private: tokens.serialize_pem(),
                public: tokens.public_key_pem(),
            },
        })
    }

    /// Write what the API server and the controller manager read.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        for (file, text) in [
            ("ca.crt", &self.authority),
            ("serving.crt", &self.serving.certificate),
            ("serving.key", &self.serving.key),
            ("sa.key", &self.service_accounts.private),
            ("sa.pub", &self.service_accounts.public),
        ] {
            std::fs::write(folder.join(file), text).with_context(|| format!("{file} can't be written"))?;
        }
        Ok(())
    }
}

fn named(organization: Option<&str>, name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    if let Some(organization) = organization {
        distinguished.push(DnType::OrganizationName, organization);
    }
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn client(group: Option<&str>, user: &str, issuer: &Issuer<'_, KeyPair>) -> anyhow::Result<Identity> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(group, user);
    sign(params, ExtendedKeyUsagePurpose::ClientAuth, issuer)
}

fn sign(
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> anyhow::Result<Identity> {
    params.extended_key_usages = vec![usage];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?.pem();
    Ok(Identity { certificate, key: key.serialize_pem() })
}
