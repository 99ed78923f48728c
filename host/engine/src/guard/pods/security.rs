//! Security contexts: who a container is, and what it may do to its node.

use serde_json::Value;

use super::rules::{Fields, Rules, absent, fields_of, inner, items, only, text};

/// Kernel settings that are a pod's own, as the Pod Security Standards list them.
const SAFE_SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];
/// SELinux types of ordinary containers, likewise.
const CONTAINER_TYPES: [&str; 4] =
    ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
/// Capabilities that the standard `baseline` lets a container add.
const BASELINE_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "NET_BIND_SERVICE",
];
/// The one that `restricted` lets it add.
const RESTRICTED_CAPABILITY: &str = "NET_BIND_SERVICE";
/// What pods and containers have alike.
const SHARED: [&str; 7] = [
    "seLinuxOptions",
    "windowsOptions",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "seccompProfile",
    "appArmorProfile",
];

pub(super) fn check_pod(spec: &Fields, rules: &Rules<'_>) -> Result<(), String> {
    let what = "the pod's `securityContext`";
    let Some(context) = inner(spec, "securityContext", "the pod")? else { return Ok(()) };
    let own = [
        "fsGroup",
        "fsGroupChangePolicy",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "seLinuxChangePolicy",
        "sysctls",
    ];
    only(context, &[&SHARED[..], &own].concat(), what)?;
    for sysctl in items(context, "sysctls", what)? {
        let name = text(fields_of(sysctl, "a sysctl")?, "name")?.unwrap_or_default();
        if !SAFE_SYSCTLS.contains(&name) {
            return Err(format!(
                "the pod sets the sysctl `{name}`, which is not the pod's own; no policy may"
            ));
        }
    }
    check_shared(context, what, rules)
}

/// The context of a container. What it leaves open, its pod's says.
pub(super) fn check_container(
    container: &Fields,
    spec: &Fields,
    what: &str,
    rules: &Rules<'_>,
) -> Result<(), String> {
    let nothing = Fields::new();
    let context = inner(container, "securityContext", what)?.unwrap_or(&nothing);
    let pod = inner(spec, "securityContext", "the pod")?.unwrap_or(&nothing);
    let own =
        ["allowPrivilegeEscalation", "privileged", "capabilities", "procMount", "readOnlyRootFilesystem"];
    only(context, &[&SHARED[..], &own].concat(), &format!("{what}'s `securityContext`"))?;
    check_shared(context, what, rules)?;
    if context.get("privileged").is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
        return Err(format!("{what} is privileged, which no policy may"));
    }
    if text(context, "procMount")?.is_some_and(|mount| mount != "Default") {
        return Err(format!("{what} asks for an unmasked `procMount`, which no policy may"));
    }
    check_capabilities(context, what, rules)?;
    if !rules.are_restricted() {
        return Ok(());
    }
    let restricted = |missing: &str| {
        Err(format!(
            "{what} must have {missing} (Pod Security Standard `restricted`; a grant may say `pods: {{level: baseline}}`)"
        ))
    };
    if context.get("allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
        return restricted("`allowPrivilegeEscalation: false`");
    }
    let of_either =
        |field: &str| context.get(field).filter(|value| !value.is_null()).or_else(|| pod.get(field));
    if of_either("runAsNonRoot") != Some(&Value::Bool(true)) {
        return restricted("`runAsNonRoot: true`, itself or by its pod");
    }
    if of_either("seccompProfile").is_none_or(|profile| profile.get("type").is_none()) {
        return restricted("a `seccompProfile`, itself or by its pod");
    }
    Ok(())
}

fn check_capabilities(context: &Fields, what: &str, rules: &Rules<'_>) -> Result<(), String> {
    let nothing = Fields::new();
    let capabilities = inner(context, "capabilities", what)?.unwrap_or(&nothing);
    only(capabilities, &["add", "drop"], &format!("{what}'s `capabilities`"))?;
    for added in items(capabilities, "add", what)? {
        let name = added.as_str().unwrap_or_default();
        let is_allowed = if rules.are_restricted() {
            name == RESTRICTED_CAPABILITY
        } else {
            BASELINE_CAPABILITIES.contains(&name)
        };
        if !is_allowed {
            return Err(format!("{what} adds capabilities (`{name}`), which no policy may"));
        }
    }
    let drops_all = items(capabilities, "drop", what)?.iter().any(|dropped| dropped == "ALL");
    if rules.are_restricted() && !drops_all {
        return Err(format!(
            "{what} must have `capabilities: {{drop: [ALL]}}` (Pod Security Standard `restricted`; a grant may say \
             `pods: {{level: baseline}}`)"
        ));
    }
    Ok(())
}

fn check_shared(context: &Fields, what: &str, rules: &Rules<'_>) -> Result<(), String> {
    if let Some(options) = inner(context, "seLinuxOptions", what)? {
        only(options, &["type", "level", "user", "role"], &format!("{what}'s `seLinuxOptions`"))?;
        if text(options, "type")?.is_some_and(|name| !CONTAINER_TYPES.contains(&name))
            || !absent(options.get("user"))
            || !absent(options.get("role"))
        {
            return Err(format!(
                "{what}: `seLinuxOptions` choose another type, user or role than a container's; no policy may"
            ));
        }
    }
    if let Some(options) = inner(context, "windowsOptions", what)? {
        let harmless = |(name, value): (&String, &Value)| {
            name == "runAsUserName"
                || value.is_null()
                || (name == "hostProcess" && value == &Value::Bool(false))
        };
        if !options.iter().all(harmless) {
            return Err(format!(
                "{what}: `windowsOptions` ask for `hostProcess` or credentials; no policy may"
            ));
        }
    }
    check_profile(context, "seccompProfile", what)?;
    check_profile(context, "appArmorProfile", what)?;
    if !rules.are_restricted() {
        return Ok(());
    }
    let is_root = match context.get("runAsUser") {
        None | Some(Value::Null) => false,
        Some(user) => user.as_u64().is_none_or(|user| user == 0),
    };
    let wants_root =
        context.get("runAsNonRoot").is_some_and(|value| !matches!(value, Value::Null | Value::Bool(true)));
    if is_root || wants_root {
        return Err(format!(
            "{what} runs as root (`runAsUser`, `runAsNonRoot`), which the Pod Security Standard `restricted` forbids; a \
             grant may say `pods: {{level: baseline}}`"
        ));
    }
    Ok(())
}

fn check_profile(context: &Fields, field: &str, what: &str) -> Result<(), String> {
    let Some(profile) = inner(context, field, what)? else { return Ok(()) };
    only(profile, &["type", "localhostProfile"], &format!("{what}'s `{field}`"))?;
    match text(profile, "type")? {
        Some("RuntimeDefault" | "Localhost") => Ok(()),
        other => Err(format!(
            "{what} asks for the `{field}` `{}`: no policy may do without one",
            other.unwrap_or_default()
        )),
    }
}
