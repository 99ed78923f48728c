//! One container of a pod.

use serde_json::Value;
use suture_core::names::shortened;

use super::rules::{Fields, Rules, absent, fields_of, inner, items, only, text};
use super::{amounts, security, volume};

/// Fields that can do no harm, whatever they say.
const HARMLESS: [&str; 14] = [
    "name",
    "imagePullPolicy",
    "command",
    "args",
    "workingDir",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "stdin",
    "stdinOnce",
    "tty",
    "volumeDevices",
];
/// Fields that are looked into below.
const CHECKED: [&str; 10] = [
    "image",
    "ports",
    "env",
    "envFrom",
    "resources",
    "volumeMounts",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

pub(super) fn check(container: &Value, spec: &Fields, rules: &Rules<'_>) -> Result<(), String> {
    let container = fields_of(container, "a container")?;
    let what = format!("container `{}`", shortened(text(container, "name")?.unwrap_or("?")));
    let known: Vec<&str> = HARMLESS.iter().chain(&CHECKED).copied().chain(["securityContext"]).collect();
    only(container, &known, &what)?;
    let image = text(container, "image")?.unwrap_or_default();
    if !rules.lists(|grant| &grant.images, image) {
        return Err(format!(
            "{what} runs image `{}`, which `pods.images` of the grant does not list",
            shortened(image)
        ));
    }
    security::check_container(container, spec, &what, rules)?;
    for port in items(container, "ports", &what)? {
        let port = fields_of(port, "a port")?;
        let takes_host = port.get("hostPort").is_some_and(|port| !port.is_null() && port.as_u64() != Some(0));
        if takes_host || !absent(port.get("hostIP")) {
            return Err(format!("{what} takes a port of the host, which no policy may"));
        }
    }
    amounts::check_resources(container, &what, rules)?;
    volume::check_environment(container, &what, rules)?;
    volume::check_mounts(container, &what)?;
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        check_handler(container.get(probe), &what)?;
    }
    if let Some(lifecycle) = inner(container, "lifecycle", &what)? {
        only(lifecycle, &["postStart", "preStop", "stopSignal"], &format!("{what}'s `lifecycle`"))?;
        lifecycle
            .values()
            .filter(|value| value.is_object())
            .try_for_each(|hook| check_handler(Some(hook), &what))?;
    }
    Ok(())
}

/// The kubelet, which stands in the host's network, calls whatever host a probe names.
fn check_handler(handler: Option<&Value>, what: &str) -> Result<(), String> {
    let Some(handler) = handler.filter(|handler| !handler.is_null()) else { return Ok(()) };
    let handler = fields_of(handler, &format!("a probe or hook of {what}"))?;
    for action in ["httpGet", "tcpSocket"] {
        if let Some(action) = inner(handler, action, what)?
            && !absent(action.get("host"))
        {
            return Err(format!(
                "a probe or hook of {what} names a `host`, which the node would call; no policy may"
            ));
        }
    }
    Ok(())
}
