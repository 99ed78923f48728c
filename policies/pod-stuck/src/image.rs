//! Why an image can't be pulled.

/// What containers wait for that is an image.
pub const REASONS: [&str; 7] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// Whose matter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The image or its name: it is the same on each node.
    Image,
    /// The way from this node to the registry.
    Way,
    /// The registry allows no more for now.
    Rate,
    /// Not told.
    Untold,
}

/// What words of the container runtime and the registry mean, for people, and whose matter it is.
pub fn explain(reason: &str, words: &str) -> (&'static str, Fault) {
    match reason {
        "InvalidImageName" => return ("the image's name is not one", Fault::Image),
        "ErrImageNeverPull" => {
            return ("`imagePullPolicy` is `Never`, and its node does not have the image", Fault::Image);
        }
        "SignatureValidationFailed" => return ("its signature is not accepted", Fault::Image),
        _ => {}
    }
    let words = words.to_ascii_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if says(&["toomanyrequests", "too many requests", "429"]) {
        return ("the registry allows no more pulls for now", Fault::Rate);
    }
    if says(&["no match for platform", "no matching manifest"]) {
        return ("there is no such image for the node's architecture", Fault::Image);
    }
    if says(&["no space left"]) {
        return ("its node has no room for the image", Fault::Way);
    }
    if says(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "no route to host",
        "deadline exceeded",
        "tls handshake timeout",
        "x509",
        "503",
        "502",
        "server misbehaving",
        "connection reset",
    ]) {
        return ("the registry can't be reached from its node", Fault::Way);
    }
    if says(&[
        "unauthorized",
        "authentication required",
        "authorization failed",
        "401",
        "403 forbidden",
        "no basic auth credentials",
        "access denied",
        "pull access denied",
    ]) {
        return (
            "the registry wants other credentials (`imagePullSecrets`), or there is no such image",
            Fault::Image,
        );
    }
    if says(&["not found", "manifest unknown", "does not exist", "name unknown"]) {
        return ("there is no such image", Fault::Image);
    }
    ("", Fault::Untold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say_is_told_apart() {
        let fault = |words: &str| explain("ErrImagePull", words).1;
        assert_eq!(fault("rpc error: code = NotFound desc = docker.io/x/y:9: not found"), Fault::Image);
        assert_eq!(fault("failed to authorize: unexpected status: 401 Unauthorized"), Fault::Image);
        assert_eq!(fault("429 Too Many Requests - Server message: toomanyrequests"), Fault::Rate);
        assert_eq!(fault("dial tcp: lookup ghcr.io: no such host"), Fault::Way);
        assert_eq!(fault("no match for platform in manifest: not found"), Fault::Image);
        assert_eq!(fault(""), Fault::Untold);
        assert_eq!(explain("InvalidImageName", "").1, Fault::Image);
    }
}
