//! Several versions of the contract, each for the components that were built for it.

use std::path::Path;

use suture_core::{ContractVersion, Effect, Ending, Limits, Program};

use crate::testing::{Guest, RUNTIME, Scripted, incident};
use crate::{LoadError, PolicyModule};

/// A policy of the first contract that sleeps.
fn old() -> Guest {
    Guest {
        contract: "wit/0.1.0",
        imports: r#"(import "suture:policy/clock@0.1.0" "sleep" (func $sleep (param i64)))"#,
        remediate: "(call $sleep (i64.const 5)) global.get $done",
        ..Guest::default()
    }
}

async fn kept(policy: &str) -> PolicyModule {
    let kept =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/journal-0.1/state/modules/kept");
    let folder = std::fs::read_dir(kept.join(policy)).unwrap().map(|entry| entry.unwrap().path());
    let file = folder.into_iter().find(|path| path.extension().is_some_and(|it| it == "wasm")).unwrap();
    RUNTIME.load(&std::fs::read(file).unwrap(), None).await.unwrap()
}

#[tokio::test]
async fn a_component_is_served_by_the_contract_that_it_was_built_for() {
    for (guest, version) in [(old(), ContractVersion::V0_1), (Guest::default(), ContractVersion::V0_2)] {
        let policy = guest.load().await.unwrap();
        assert_eq!(policy.manifest().contract, version);
        let host = Scripted::plain();
        let ending = policy.remediate(&incident(), &Limits::default(), host.clone()).await;
        assert!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
        let slept = host.asked.lock().iter().any(|effect| matches!(effect, Effect::Sleep { duration_ms: 5 }));
        assert_eq!(slept, version == ContractVersion::V0_1);
    }
}

#[tokio::test]
async fn real_policies_that_were_built_for_the_first_contract_are_loaded() {
    for name in ["volsync", "run-cronjob"] {
        let policy = kept(name).await;
        assert_eq!(
            (policy.manifest().name.as_str(), policy.manifest().contract),
            (name, ContractVersion::V0_1)
        );
        assert!(
            policy.manifest().permissions.iter().all(|one| one.when.is_empty() && one.metrics.is_empty())
        );
    }
}

#[tokio::test]
async fn a_component_that_mixes_contracts_is_refused() {
    let text = r#"(component (import "suture:policy/kube@0.1.0" (instance))
        (import "suture:policy/clock@0.2.0" (instance)))"#;
    let error = RUNTIME.load(&wat::parse_str(text).unwrap(), None).await.unwrap_err();
    assert!(matches!(error, LoadError::MixedVersions(_)), "{error}");
    assert!(error.to_string().contains("`suture:policy/kube@0.1.0`, `suture:policy/clock@0.2.0`"), "{error}");
}

#[tokio::test]
async fn a_component_that_only_claims_another_contract_is_refused() {
    let mut bytes = old().component();
    let (claimed, real) = (b"@0.2.0", b"@0.1.0");
    while let Some(at) = bytes.windows(real.len()).position(|part| part == real) {
        bytes[at..at + claimed.len()].copy_from_slice(claimed);
    }
    let error = RUNTIME.load(&bytes, None).await.unwrap_err();
    assert!(matches!(error, LoadError::Exports(_)), "{error}");
}
