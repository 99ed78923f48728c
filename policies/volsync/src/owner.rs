//! Who owns the fields that this policy writes, and who has taken them back.

use suture_policy::kube::{self, ManagedFields, Resource};
use suture_policy::{Result, info};

/// Say who will set a field back that is about to be changed, where it belongs to somebody
/// who writes it again and again. `value` is what stands there.
pub fn say_who_sets_back<T: Resource>(object: &T, pointer: &str, value: Option<&str>) {
    let (Some(value), field) = (value, dotted(pointer)) else { return };
    let metadata = object.metadata();
    let gitops = metadata.managers_of(pointer).find_map(|managed| Some((managed, managed.gitops()?)));
    if let Some((ManagedFields { manager, .. }, controller)) = gitops {
        info!(
            "`{field}` = `{value}` belongs to {controller} (field manager `{manager}`), which will set it back; while it \
             stands in Git, a change of it does not last"
        );
    } else if let Some(origin) = metadata.gitops() {
        info!("the object comes from {origin}; if `{field}` = `{value}` stands in Git, it will be set back");
    } else if let Some(ManagedFields { manager, .. }) = applier(object, pointer) {
        info!("`{field}` = `{value}` is applied by `{manager}`, which may set it back");
    }
}

/// Who has taken back what this policy wrote: read anew, for only then is it shown.
pub fn who_set_back<T: Resource>(object: &T, pointer: &str) -> Result<String> {
    let Some(now) = kube::of(object).find()? else { return Ok("somebody".to_owned()) };
    let metadata = now.metadata();
    let others = || metadata.managed_fields.iter().filter(|managed| !is_ours(managed));
    if let Some(managed) = others().find(|managed| managed.owns(pointer)) {
        return Ok(match managed.gitops() {
            Some(controller) => format!("{controller} (field manager `{}`)", managed.manager),
            None => format!("the field manager `{}`", managed.manager),
        });
    }
    // A field that is gone has no owner.
    let of_object = others().filter(|managed| managed.subresource.is_empty() && managed.time.is_some());
    Ok(match (of_object.max_by_key(|managed| managed.time), metadata.gitops()) {
        (Some(managed), _) => format!("somebody, probably `{}`, which wrote last", managed.manager),
        (None, Some(origin)) => format!("somebody, perhaps {origin}, which the object comes from"),
        (None, None) => "somebody (its field manager is not known)".to_owned(),
    })
}

fn applier<'a, T: Resource>(object: &'a T, pointer: &'a str) -> Option<&'a ManagedFields> {
    let is_applied = |managed: &&ManagedFields| managed.operation == "Apply" && !is_ours(managed);
    object.metadata().managers_of(pointer).find(is_applied)
}

fn is_ours(managed: &ManagedFields) -> bool {
    managed.manager.starts_with("suture-")
}

/// A JSON pointer as people write it: `spec.restic.unlock`.
pub fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/")
}
