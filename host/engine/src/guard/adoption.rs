//! That what is made takes nothing of others for its own.

use serde_json::Value;
use suture_core::effect::{Page, Query};
use suture_core::object::{self, Kind};
use suture_core::{Effect, Fault, Reply, RunId, Step, names};

use super::{Guard, denied};

/// As many as are looked at; of more it can't be told.
const MOST: u32 = 500;

impl Guard {
    /// That the selector of a Deployment or StatefulSet that is made chooses nothing that is there and
    /// has no controller: it would be adopted, scaled, and deleted.
    ///
    /// # Errors
    /// `Denied` where it would, or where that can't be told.
    pub(super) async fn check_selected(
        &self,
        kind: &Kind,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), Fault> {
        let adopts = match (kind.group(), kind.kind.as_str()) {
            ("apps", "Deployment") => Kind::new("apps/v1", "ReplicaSet"),
            ("apps", "StatefulSet") => Kind::new("v1", "Pod"),
            _ => return Ok(()),
        };
        let (None, Some(after)) = (before, after) else { return Ok(()) };
        let labels = selector(after).ok_or_else(|| {
            denied(format!("the `spec.selector` of the {} that would be made can't be read", kind.kind))
        })?;
        let page = self.all_of(&adopts, object::namespace(after), labels.clone()).await?;
        let controlled = |owner: &Value| owner.get("controller") == Some(&Value::Bool(true));
        let has_controller = |object: &Value| {
            let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            owners.into_iter().flatten().any(controlled)
        };
        let free = page.items.iter().find(|object| !has_controller(object));
        if free.is_none() && page.next.is_none() {
            return Ok(());
        }
        let which = free.and_then(|object| object::name(object)).unwrap_or("one of very many");
        Err(denied(format!(
            "its selector `{labels}` chooses the {} `{}`, which is others': it would be adopted, and deleted where it is \
             too many",
            adopts.kind,
            names::shortened(which)
        )))
    }
}

impl Guard {
    /// What the guard itself must know of all objects of a kind in a namespace, up to [`MOST`].
    ///
    /// # Errors
    /// Why they can't be listed.
    pub(super) async fn all_of(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        labels: String,
    ) -> Result<Page, Fault> {
        let query = Query {
            kind: kind.clone(),
            namespace: namespace.map(str::to_owned),
            labels,
            fields: String::new(),
            limit: MOST,
            next: None,
            metadata_only: false,
        };
        let step = Step { run: RunId::new("guard"), number: 0 };
        let prepared = self.cluster.prepare(&step, &Effect::List(query)).await?;
        let Reply::Page(page) = self.cluster.perform(&prepared).await? else {
            return Err(denied(format!(
                "which {} there are can't be told, and so not what they choose",
                kind.kind
            )));
        };
        Ok(page)
    }
}

/// A selector as a list is asked for; none where it is not one that the API server would take.
fn selector(object: &Value) -> Option<String> {
    let selector = object.pointer("/spec/selector")?.as_object()?;
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    };
    let mut terms = Vec::new();
    for (name, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str()?;
        terms.push(
            (is_word(name) && (value.is_empty() || is_word(value))).then(|| format!("{name}={value}"))?,
        );
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| expression.get(field).and_then(Value::as_str);
        let key = text("key").filter(|key| is_word(key))?;
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values: Option<Vec<&str>> =
            values.map(|value| value.as_str().filter(|value| is_word(value))).collect();
        let values = values?.join(",");
        terms.push(match text("operator")? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_is_asked_for_as_it_is_written_and_one_that_is_odd_is_none() {
        let of = |spec: Value| selector(&json!({"spec": {"selector": spec}}));
        let expression = |operator: &str| json!({"key": "tier", "operator": operator, "values": ["a", "b"]});
        let both = json!({"matchLabels": {"app": "db"}, "matchExpressions": [expression("In"), expression("Exists")]});
        assert_eq!(of(both).as_deref(), Some("app=db,tier in (a,b),tier"));
        for odd in [
            json!({}),
            json!({"matchLabels": {"app": "a,b=c"}}),
            json!({"matchLabels": {"app": 1}}),
            json!({"matchExpressions": [expression("Like")]}),
        ] {
            assert_eq!(of(odd.clone()), None, "{odd}");
        }
    }
}
