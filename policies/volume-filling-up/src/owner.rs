//! Who says how large a claim is. A size that stands elsewhere too is not changed here: a volume never
//! shrinks again, so whoever applies the old one fails from then on.

use suture_policy::kube::OwnerReference;
use suture_policy::stop::Stop;
use suture_policy::{info, text};

use crate::claim::PersistentVolumeClaim;
use crate::evidence::Evidence;
use crate::manifest::{Owned, Settings};
use crate::recent::SIZE;
use crate::tell;

/// Annotations by which other programs grow a claim, and the program.
const AUTOSCALERS: [(&str, &str); 2] =
    [("resize.topolvm.io/", "pvc-autoresizer"), ("volume.autoscaler.kubernetes.io/", "volume-autoscaler")];
/// The annotation that Helm leaves on what it makes. A label of a template is no proof: StatefulSets hand it on.
const RELEASE: &str = "meta.helm.sh/release-name";

/// That nobody else says how large it is, or that the operator knows and accepts it.
pub fn must_leave_the_size_to_us(
    claim: &PersistentVolumeClaim,
    settings: &Settings,
    evidence: &Evidence,
) -> Result<(), Stop> {
    let (name, metadata) = (claim.name(), &claim.metadata);
    let by_manager = metadata
        .managers_of(SIZE)
        .find_map(|managed| Some(format!("{} (field manager `{}`)", managed.gitops()?, managed.manager)));
    if let Some(owner) = by_manager.or_else(|| metadata.gitops()) {
        return tell(
            &format!(
                "claim {name} is kept by {owner}: change `spec.resources.requests.storage` in Git. It was not grown here, \
                 for what is applied after that would be smaller and fail"
            ),
            evidence,
        );
    }
    let autoscaler = AUTOSCALERS.iter().find_map(|(prefix, program)| {
        metadata.annotations.keys().find(|key| key.starts_with(prefix)).map(|key| (key, program))
    });
    if let Some((key, program)) = autoscaler {
        return tell(
            &format!(
                "claim {name} is grown by {program} (annotation `{key}`), and is filling up all the same; it was not grown beside that"
            ),
            evidence,
        );
    }
    if let Some(owner) = metadata.owner_references.iter().find(|owner| owner.kind != "StatefulSet") {
        of_controller(claim, owner, settings, evidence)?;
    }
    match metadata.annotations.get(RELEASE) {
        Some(release) if settings.of_helm == Owned::Leave => tell(
            &format!(
                "claim {name} was made by the Helm release {}: grow it by the chart's values. It was not grown here, for \
                 the next upgrade with the old size would fail (`ofHelm: grow` does it all the same)",
                text::start(&text::one_line(release), 60)
            ),
            evidence,
        ),
        _ => {
            say_who_applies(claim);
            Ok(())
        }
    }
}

fn of_controller(
    claim: &PersistentVolumeClaim,
    owner: &OwnerReference,
    settings: &Settings,
    evidence: &Evidence,
) -> Result<(), Stop> {
    let (name, OwnerReference { kind, name: owner, .. }) = (claim.name(), owner);
    if kind == "Pod" {
        return tell(
            &format!(
                "claim {name} lives and dies with pod {owner} (an ephemeral volume): its size stands in the pod's template, \
                 and it was not grown here"
            ),
            evidence,
        );
    }
    if settings.of_operators == Owned::Leave {
        return tell(
            &format!(
                "claim {name} belongs to {kind} {owner}, which says how large it is: change it there. It was not grown here \
                 (`ofOperators: grow` does it all the same)"
            ),
            evidence,
        );
    }
    info!("{kind} {owner}, which owns the claim, says how large it is, too");
    Ok(())
}

fn say_who_applies(claim: &PersistentVolumeClaim) {
    let applied = claim
        .metadata
        .managers_of(SIZE)
        .find(|managed| managed.operation == "Apply" || managed.manager == "kubectl-client-side-apply");
    if let Some(managed) = applied {
        info!(
            "the size is applied by `{}`: change it in the manifest, too, or the next apply fails",
            managed.manager
        );
    }
}
