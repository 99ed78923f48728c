use rcgen::{CertificateParams, KeyPair};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    /// A certificate with its key, that is good until some year.
    fn certify(&self, name: &str, until: i32) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        self.write(&format!("{name}.crt"), &params.self_signed(&key).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn files(&self, certificate: &str, key: &str, client_ca: Option<&str>) -> TlsFiles {
        let path = |name: &str| self.0.path().join(name);
        TlsFiles { certificate: path(certificate), key: path(key), client_ca: client_ca.map(path) }
    }
}

fn error(files: &TlsFiles) -> TlsError {
    files.load().err().unwrap()
}

#[test]
fn a_certificate_with_its_key_is_served_until_it_expires() {
    let folder = Folder::new();
    folder.certify("a", 2040);
    let files = folder.files("a.crt", "a.key", Some("a.crt"));
    let identity = files.load().unwrap();
    assert_eq!(identity.expires, "2040-01-01T00:00:00Z".parse().unwrap());
    identity.check_expiry(&files, "2039-12-31T00:00:00Z".parse().unwrap()).unwrap();
    let expired = identity.check_expiry(&files, "2040-01-02T00:00:00Z".parse().unwrap()).unwrap_err();
    assert!(expired.message.contains("a.crt: the certificate has expired at 2040-01-01"), "{expired}");
}

#[test]
fn what_is_wrong_is_said_with_the_file() {
    let folder = Folder::new();
    folder.certify("a", 2040);
    folder.certify("b", 2040);
    folder.write("empty", "");
    folder.write("noise", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    folder.write("forged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.write(
        "locked",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    folder.write("huge", &"x".repeat(2 << 20));
    for (certificate, key, client_ca, which, text) in [
        ("a.crt", "b.key", None, Which::Key, "it is not the key of the certificate in"),
        ("empty", "a.key", None, Which::Certificate, "there is no certificate in it"),
        ("a.key", "a.key", None, Which::Certificate, "there is no certificate in it"),
        ("noise", "a.key", None, Which::Certificate, "it is not PEM"),
        ("forged", "a.key", None, Which::Certificate, "no X.509 certificate"),
        ("huge", "a.key", None, Which::Certificate, "more than 1048576 bytes"),
        ("a.crt", "empty", None, Which::Key, "there is no private key in it"),
        ("a.crt", "a.crt", None, Which::Key, "there is no private key in it"),
        ("a.crt", "locked", None, Which::Key, "not encrypted"),
        ("a.crt", "a.key", Some("empty"), Which::ClientCa, "there is no certificate in it"),
        ("a.crt", "a.key", Some("forged"), Which::ClientCa, "forged"),
    ] {
        let error = error(&folder.files(certificate, key, client_ca));
        assert_eq!((error.which, error.is_missing), (which, false), "{error}");
        assert!(error.message.contains(text), "{error}");
    }
    let missing = error(&folder.files("a.crt", "nowhere", None));
    assert!(missing.which == Which::Key && missing.is_missing && missing.message.contains("nowhere"));
}
