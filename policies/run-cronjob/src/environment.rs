//! Labels of the alert as environment variables.

use suture_policy::stop::{Stop, escalate};
use suture_policy::{Incident, Value, json};

use crate::manifest::{EnvValues, Settings};
use crate::target::shown;

/// The longest value, in bytes.
const LONGEST: usize = 1024;
/// What a word is made of, beside letters and digits.
const IN_WORDS: &str = "._-:/@+=,%";

/// Environment variables, by name.
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// What the settings name of an alert. A script that is told too little could do too
    /// much, so a label that is missing stops the run, and so does a value that a script
    /// could take for something else.
    pub fn of(incident: &Incident, settings: &Settings) -> Result<Self, Stop> {
        let mut variables = Vec::new();
        for (variable, label) in &settings.env {
            let Some(value) = incident.label(label) else {
                return escalate(format!(
                    "the alert has no label `{label}`, which `env.{variable}` is to be taken from; nothing was started"
                ));
            };
            if !settings.env_values.allow(value) {
                return escalate(format!(
                    "the alert's label `{label}` is `{}`, which `envValues` does not let become `{variable}`; nothing \
                     was started",
                    shown(value)
                ));
            }
            variables.push((variable.clone(), value.to_owned()));
        }
        Ok(Self(variables))
    }

    /// What the variables are called.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Give the variables to every container of a pod. They come first, so that the
    /// template's own variables can refer to them, and replace what the template gives
    /// them for when nobody does.
    pub fn give_to(&self, pod_spec: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        for list in ["initContainers", "containers"] {
            let containers = pod_spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let own = container.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
                let is_ours =
                    |variable: &Value| self.0.iter().any(|(name, _)| variable["name"] == name.as_str());
                let mut all: Vec<_> = self.0.iter().map(|(name, value)| literal(name, value)).collect();
                all.extend(own.into_iter().filter(|variable| !is_ours(variable)));
                container["env"] = Value::Array(all);
            }
        }
    }
}

impl EnvValues {
    fn allow(self, value: &str) -> bool {
        let fits = match self {
            Self::Words => {
                value.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
                    && value.chars().all(|c| c.is_ascii_alphanumeric() || IN_WORDS.contains(c))
            }
            Self::Any => !value.chars().any(char::is_control),
        };
        fits && value.len() <= LONGEST
    }
}

/// A variable that holds exactly this. Kubernetes expands `$(NAME)` in values, and reads
/// `$$` as `$`.
fn literal(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value.replace('$', "$$")})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a container sees of a value, when `A` is `expanded`: as
    /// `k8s.io/kubernetes/third_party/forked/golang/expansion` reads it.
    fn expanded(value: &str) -> String {
        let (mut seen, mut rest) = (String::new(), value);
        while let Some((before, after)) = rest.split_once('$') {
            seen.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                (rest, seen) = (after, seen + "$");
            } else if let Some((name, after)) =
                after.strip_prefix('(').and_then(|after| after.split_once(')'))
            {
                let known = if name == "A" { "expanded".to_owned() } else { format!("$({name})") };
                (rest, seen) = (after, seen + &known);
            } else {
                (rest, seen) = (after, seen + "$");
            }
        }
        seen + rest
    }

    #[test]
    fn a_container_sees_what_the_label_says_and_nothing_expanded() {
        assert_eq!(expanded("x $(A) $$(A) $(B"), "x expanded $(A) $(B");
        for value in ["$(A)", "$$(A)", "$$$(A)", "$5", "a$", "$", "$$", "$(B)", "plain"] {
            assert_eq!(expanded(literal("V", value)["value"].as_str().unwrap()), value);
        }
    }

    #[test]
    fn words_are_what_no_shell_takes_for_more() {
        for word in ["plex", "media/plex-0", "10.0.0.1:9100", "v1.2+build", "50%"] {
            assert!(EnvValues::Words.allow(word), "{word}");
        }
        for other in [
            "",
            "-rf",
            "a b",
            "a;b",
            "$(reboot)",
            "`x`",
            "a\nb",
            "*",
            "ä",
            "a'b",
            "..",
            "/etc",
            &"a".repeat(1025),
        ] {
            assert!(!EnvValues::Words.allow(other), "{other}");
        }
        assert!(EnvValues::Any.allow("a b; $(c) ä") && EnvValues::Any.allow(""));
        assert!(!EnvValues::Any.allow("a\nb") && !EnvValues::Any.allow(&"a".repeat(1025)));
    }

    #[test]
    fn every_container_gets_the_variables_before_its_own() {
        let environment = Environment(vec![("NAME".to_owned(), "plex".to_owned())]);
        let mut pod = json!({
            "initContainers": [{"name": "i"}],
            "containers": [{"name": "a", "env": [{"name": "WHAT", "value": "$(NAME)"}, {"name": "NAME", "value": "x"}]}, {"name": "b"}],
        });
        environment.give_to(&mut pod);
        let name = json!({"name": "NAME", "value": "plex"});
        assert_eq!(pod["containers"][0]["env"], json!([name, {"name": "WHAT", "value": "$(NAME)"}]));
        assert_eq!(
            (&pod["containers"][1]["env"], &pod["initContainers"][0]["env"]),
            (&json!([name]), &json!([name]))
        );
    }

    #[test]
    fn without_variables_a_template_stays_as_it_is() {
        let mut pod = json!({"containers": [{"name": "a"}]});
        Environment(Vec::new()).give_to(&mut pod);
        assert_eq!(pod, json!({"containers": [{"name": "a"}]}));
    }
}
