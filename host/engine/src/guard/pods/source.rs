//! A pod template that was copied from an object that is there.

use std::collections::BTreeSet;

use serde_json::Value;
use suture_core::grant::Glob;

/// Whether a pod template is another one, variables with plain values aside: those that are
/// listed (where none is: those that are data) may be added to its containers, or given
/// another value. One whose value comes from elsewhere stays as it is, and none is taken away.
pub(in super::super) fn equals(template: &Value, original: &Value, listed: &[&Glob]) -> bool {
    let (mut template, mut original) = (sparse(template), sparse(original));
    for list in ["initContainers", "containers"] {
        let pointer = format!("/spec/{list}");
        let (Some(containers), Some(originals)) = (
            template.pointer_mut(&pointer).and_then(Value::as_array_mut),
            original.pointer_mut(&pointer).and_then(Value::as_array_mut),
        ) else {
            continue;
        };
        for (container, original) in containers.iter_mut().zip(originals) {
            if !variables_may_be_given(container, original, listed) {
                return false;
            }
            let (given, there) = (take_plain(container), take_plain(original));
            // A plain value in the place of one from elsewhere leaves the names the same.
            if !there.is_subset(&given) || !names_of(original).is_disjoint(&given) {
                return false;
            }
        }
    }
    template == original
}

/// Names by which a program is made to do something else than it was written to: loaders,
/// shells, interpreters, tools, proxies.
const STEERING: &[&str] = &[
    "LD_",
    "BASH",
    "SHELL",
    "PYTHON",
    "PERL",
    "RUBY",
    "NODE_",
    "GIT_",
    "_JAVA",
    "DYLD_",
    "PROMPT_",
    "OPENSSL",
    "LUA_",
    "RESTIC",
    "RCLONE",
    "KOPIA",
    "BORG_",
    "AWS_",
    "AZURE_",
    "GCS_",
    "VAULT_",
    "DOCKER_",
    "KUBE",
    "HELM_",
    "SSH_",
    "CURL_",
    "WGET",
    "SSL",
    "REQUESTS_",
    "GEM_",
    "BUNDLE",
    "NPM_",
    "PHP",
    "TCL",
    "PG",
    "MYSQL",
    "REDIS",
    "GCONV",
    "LOCPATH",
    "MALLOC_",
    "GLIBC_",
    "DOTNET_",
    "COMPLUS_",
    "QT_",
    "GTK_",
    "SUTURE_",
    "RSYNC",
    "XDG_",
    "PIP_",
    "ANSIBLE",
    "RUST",
    "CARGO",
    "GO",
    "R_",
    "JAVA",
    "JRE_",
    "JDK_",
    "LESS",
    "VIM",
    "SUDO_",
    "ZIP",
];
const STEERING_EXACTLY: &[&str] = &[
    "ENV",
    "PATH",
    "IFS",
    "PS4",
    "HOME",
    "CDPATH",
    "TMPDIR",
    "INPUTRC",
    "TERMINFO",
    "CLASSPATH",
    "ZDOTDIR",
    "TAPE",
];
/// How names end that make a program run, load or ask something.
const STEERING_ENDS: &[&str] = &[
    "_PROXY",
    "OPTIONS",
    "COMMAND",
    "_CMD",
    "_CONF",
    "_CONFIG",
    "_INIT",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_EXEC",
    "_HOOK",
    "EDITOR",
    "PAGER",
    "_OPTS",
    "_ARGS",
    "FLAGS",
    "PRELOAD",
    "_PLUGIN",
    "_PLUGINS",
    "_MODULES",
    "_PROGRAM",
    "_HOST",
    "_HOSTS",
    "_SERVER",
    "_SERVERS",
    "_ADDR",
    "_ADDRESS",
    "_DSN",
    "_BASE",
    "_WRAPPER",
    "_RSH",
];

/// Whether what a copy gives its variables is listed or, where nothing is, data that does not
/// steer the program; and draws no other variables in, a Secret's value perhaps.
fn variables_may_be_given(container: &Value, original: &Value, listed: &[&Glob]) -> bool {
    let of = |container: &Value| container.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
    let there = of(original);
    // What comes from a Secret as a whole would be hidden by a variable of the same name.
    let hides = |name: &str| {
        !there.iter().any(|variable| name_of(variable).as_deref() == Some(name))
            && original.get("envFrom").and_then(Value::as_array).is_some_and(|sources| !sources.is_empty())
    };
    of(container).iter().filter(|variable| !there.contains(variable)).all(|variable| {
        let name = name_of(variable).unwrap_or_default();
        let value = variable.get("value").and_then(Value::as_str).unwrap_or_default();
        let may_be_given = match listed {
            [] => !steers(&name.to_ascii_uppercase()) && !hides(&name),
            listed => listed.iter().any(|glob| glob.matches(&name)),
        };
        // Kubernetes reads `$$` as `$`.
        may_be_given && !value.replace("$$", "").contains("$(")
    })
}

fn steers(name: &str) -> bool {
    STEERING.iter().any(|prefix| name.starts_with(prefix))
        || STEERING_EXACTLY.contains(&name)
        || STEERING_ENDS.iter().any(|end| name.ends_with(end))
}

/// Take the variables with plain values out of a container: their names.
fn take_plain(container: &mut Value) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    let Some(fields) = container.as_object_mut() else { return taken };
    let Some(variables) = fields.get_mut("env").and_then(Value::as_array_mut) else { return taken };
    variables.retain(|variable| {
        let is_plain = variable.as_object().is_some_and(|fields| {
            fields
                .iter()
                .all(|(field, value)| matches!(field.as_str(), "name" | "value") && value.is_string())
        });
        // The same name twice: the second would hide the first.
        !(is_plain && name_of(variable).is_some_and(|name| taken.insert(name)))
    });
    if variables.is_empty() {
        fields.remove("env");
    }
    taken
}

fn name_of(variable: &Value) -> Option<String> {
    variable.get("name").and_then(Value::as_str).map(str::to_owned)
}

fn names_of(container: &Value) -> BTreeSet<String> {
    let variables = container.get("env").and_then(Value::as_array).into_iter().flatten();
    variables.filter_map(name_of).collect()
}

/// Without what the API server drops: fields that are null.
fn sparse(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), sparse(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sparse).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(env: Value) -> Value {
        json!({"metadata": {"labels": {"app": "heal"}, "creationTimestamp": null},
            "spec": {"hostPID": true, "containers": [{"name": "heal", "image": "x", "env": env}]}})
    }

    #[test]
    fn a_copy_may_give_variables_plain_values_and_nothing_else() {
        let from_elsewhere = json!({"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}});
        let original = template(json!([{"name": "A", "value": "1"}, from_elsewhere]));
        let added = json!([{"name": "B", "value": "2"}, {"name": "A", "value": "3"}, from_elsewhere]);
        let equals = |template: &Value, original: &Value| equals(template, original, &[]);
        assert!(equals(&original, &original) && equals(&template(added.clone()), &original));
        let bare = json!({"spec": {"containers": [{"name": "heal", "image": "x"}]}});
        let given = json!({"spec": {"containers": [{"name": "heal", "image": "x", "env": [{"name": "B", "value": "2"}]}]}});
        assert!(equals(&given, &bare));
        for other in [
            template(
                json!([{"name": "A", "value": "1"}, from_elsewhere, {"name": "LD_PRELOAD", "value": "/x"}]),
            ),
            template(
                json!([{"name": "A", "value": "1"}, from_elsewhere, {"name": "http_proxy", "value": "evil"}]),
            ),
            template(json!([{"name": "A", "value": "$(S)"}, from_elsewhere])),
            template(json!([{"name": "A", "value": "1"}])),
            template(json!([from_elsewhere])),
            template(json!([{"name": "A", "value": "1"}, {"name": "S", "value": "2"}])),
            template(json!([{"name": "A", "value": "1"}, {"name": "S", "value": "2"}, from_elsewhere])),
            template(json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, from_elsewhere])),
            template(
                json!([{"name": "A", "value": "1"}, from_elsewhere, {"name": "B", "valueFrom": {"fieldRef": {}}}]),
            ),
            json!({"spec": original["spec"]}),
        ] {
            assert!(!equals(&other, &original), "{other}");
        }
        let mut image = template(added);
        image["spec"]["containers"][0]["image"] = json!("y");
        assert!(!equals(&image, &original));
        let mut more = original.clone();
        more["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "b", "image": "x"}));
        assert!(!equals(&more, &original));
    }
    #[test]
    fn where_the_grant_lists_variables_those_may_be_given_whatever_they_are_called_and_no_other() {
        let original = template(json!([{"name": "A", "value": "1"}]));
        let given = |name: &str, value: &str| {
            template(json!([{"name": "A", "value": "1"}, {"name": name, "value": value}]))
        };
        let (url, object) = (Glob::new("TARGET_URL").unwrap(), Glob::new("OBJ_*").unwrap());
        let listed = [&url, &object];
        assert!(equals(&original, &original, &listed));
        assert!(equals(&given("TARGET_URL", "https://a"), &original, &listed));
        assert!(
            !equals(&given("TARGET_URL", "https://a"), &original, &[]),
            "it steers, and nobody said it may"
        );
        assert!(equals(&given("OBJ_NAME", "plex"), &original, &listed));
        assert!(!equals(&given("OBJ_NAME", "$(A)"), &original, &listed));
        assert!(!equals(&given("DEBUG", "1"), &original, &listed));
        assert!(equals(&given("DEBUG", "1"), &original, &[]));
        let mut from_secret = original.clone();
        from_secret["spec"]["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "db"}}]);
        let mut copy = given("OBJ_NAME", "plex");
        copy["spec"]["containers"][0]["envFrom"] = from_secret["spec"]["containers"][0]["envFrom"].clone();
        assert!(!equals(&copy, &from_secret, &[]), "it may hide what the Secret says");
        assert!(equals(&copy, &from_secret, &listed), "the operator knows");
    }
}
