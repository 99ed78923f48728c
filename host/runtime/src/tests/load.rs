//! What is refused, and what is said about it.

use suture_core::Program;

use crate::LoadError;
use crate::testing::{Guest, RUNTIME};

async fn refused(bytes: &[u8]) -> LoadError {
    RUNTIME.load(bytes, None).await.unwrap_err()
}

async fn refused_text(component: &str) -> String {
    refused(&wat::parse_str(component).unwrap()).await.to_string()
}

#[tokio::test]
async fn a_policy_is_loaded_with_its_manifest_and_digest() {
    let bytes = Guest::default().component();
    let policy = RUNTIME.load(&bytes, None).await.unwrap();
    assert_eq!(policy.manifest().name, "demo");
    assert_eq!(policy.manifest().key, ["name"]);
    assert!(policy.digest().starts_with("sha256:") && policy.digest().len() == 71);
    assert_eq!(policy.digest(), RUNTIME.load(&bytes, None).await.unwrap().digest());
}

#[tokio::test]
async fn what_is_not_webassembly_is_refused() {
    for bytes in [&b""[..], b"\0as", b"#!/bin/sh\nkubectl delete pods --all\n", b"(component)"] {
        assert!(matches!(refused(bytes).await, LoadError::NotWasm), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_core_module_is_told_to_become_a_component() {
    let error = refused(&Guest::default().module()).await;
    assert!(matches!(error, LoadError::CoreModule));
    assert!(error.to_string().contains("suture build"), "{error}");
}

#[tokio::test]
async fn an_encoding_of_the_future_is_told_from_damage() {
    assert!(matches!(
        refused(b"\0asm\x0e\0\x01\0").await,
        LoadError::UnknownEncoding { version: 14, layer: 1 }
    ));
    let component = Guest::default().component();
    let half = &component[..component.len() / 2];
    assert!(matches!(refused(half).await, LoadError::Invalid(_)));
}

#[tokio::test]
async fn a_file_too_large_is_refused_before_it_is_looked_at() {
    let mut bytes = Guest::default().component();
    bytes.resize(crate::MAX_COMPONENT_BYTES + 1, 0);
    assert!(matches!(refused(&bytes).await, LoadError::TooLarge { .. }));
}

#[tokio::test]
async fn imports_outside_the_contract_are_refused_by_name() {
    let text = refused_text(
        r#"(component (import "wasi:cli/exit@0.2.0" (instance)) (import "now" (func (result u64)))
            (import "suture:policy/kube@0.2.0" (instance)))"#,
    )
    .await;
    assert!(text.contains("`wasi:cli/exit@0.2.0`, `now`") && !text.contains("kube@"), "{text}");
}

#[tokio::test]
async fn another_version_of_the_contract_is_refused_by_name() {
    for name in [
        "suture:policy/kube@0.3.0",
        "suture:policy/kube@0.2.1",
        "suture:policy/kube",
        "suture:policy/shell@0.2.0",
        "suture:policy/shell@0.1.0",
    ] {
        let text = refused_text(&format!("(component (import \"{name}\" (instance)))")).await;
        assert!(text.contains(name) && text.contains("this host offers"), "{text}");
    }
}

#[tokio::test]
async fn an_import_of_another_type_is_refused() {
    let error = refused(
        &wat::parse_str(
            r#"(component (import "suture:policy/clock@0.2.0"
                (instance (export "now" (func (result string))))))"#,
        )
        .unwrap(),
    )
    .await;
    assert!(matches!(&error, LoadError::ImportMismatch(text) if text.contains("now")), "{error}");
}

#[tokio::test]
async fn a_component_without_the_exports_is_refused() {
    let error = refused(&wat::parse_str("(component)").unwrap()).await;
    assert!(matches!(&error, LoadError::Exports(text) if text.contains("manifest")), "{error}");
}

#[tokio::test]
async fn exports_of_another_type_are_refused() {
    let error = refused(
        &wat::parse_str(
            r#"(component
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f")))
                (export "manifest" (func $f))
                (export "remediate" (func $f)))"#,
        )
        .unwrap(),
    )
    .await;
    assert!(matches!(error, LoadError::Exports(_)), "{error}");
}

#[tokio::test]
async fn a_component_that_wants_too_much_says_of_what() {
    let memories = "(memory 1)".repeat(9);
    let text =
        refused_text(&format!("(component (core module $m {memories}) (core instance (instantiate $m)))"))
            .await;
    assert!(text.contains("9 linear memories") && text.contains("at most 8"), "{text}");

    let instances = "(core instance (instantiate $m))".repeat(129);
    let text = refused_text(&format!("(component (core module $m) {instances})")).await;
    assert!(text.contains("129") && text.contains("128"), "{text}");

    let error = refused(&Guest { pages: 2049, ..Guest::default() }.component()).await.to_string();
    assert!(error.contains("of memory to begin with") && error.contains("128Mi"), "{error}");

    let guest = Guest { items: "(table 20000 funcref)", ..Guest::default() };
    let error = refused(&guest.component()).await.to_string();
    assert!(error.contains("20000") && error.contains("16384"), "{error}");
}

#[tokio::test]
async fn a_manifest_is_a_constant() {
    let error = Guest {
        imports: r#"(import "suture:policy/clock@0.2.0" "now" (func $now (result i64)))"#,
        manifest: "(drop (call $now)) global.get $manifest",
        ..Guest::default()
    }
    .load()
    .await
    .unwrap_err();
    assert!(
        matches!(&error, LoadError::ManifestTrapped(text)
        if text.contains("`manifest` called `clock.now`: a manifest is a constant")),
        "{error}"
    );
}

#[tokio::test]
async fn an_import_with_a_wrong_argument_is_no_way_around_that() {
    let error = Guest {
        imports: r#"(import "suture:policy/kube@0.2.0" "settle" (func $settle (param i32 i32 i32 i32)))"#,
        manifest: "(call $settle (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 60000)) global.get $manifest",
        ..Guest::default()
    }
    .load()
    .await
    .unwrap_err();
    assert!(error.to_string().contains("`manifest` called `kube.settle`"), "{error}");
}

#[tokio::test]
async fn a_manifest_that_traps_loops_or_allocates_is_refused() {
    for (code, expected) in [
        ("unreachable", "unreachable"),
        ("(loop $on (br $on)) unreachable", "1s of cpu"),
        ("(drop (memory.grow (i32.const 4000))) global.get $manifest", "128Mi of memory"),
        ("i32.const -8", "out of bounds"),
    ] {
        let error = Guest { manifest: code, ..Guest::default() }.load().await.unwrap_err();
        assert!(
            matches!(&error, LoadError::ManifestTrapped(text) if text.contains(expected)),
            "{code}: {error}"
        );
    }
}

#[tokio::test]
async fn code_that_runs_before_manifest_is_limited_too() {
    let guest = Guest { items: "(func $spin (loop $on (br $on))) (start $spin)", ..Guest::default() };
    let error = guest.load().await.unwrap_err().to_string();
    assert!(error.contains("1s of cpu"), "{error}");
}

#[tokio::test]
async fn a_manifest_that_is_wrong_names_its_field() {
    let error = Guest { name: "Not A Label", ..Guest::default() }.load().await.unwrap_err();
    assert!(matches!(&error, LoadError::ManifestInvalid(text) if text.starts_with("name:")), "{error}");
    let error = Guest { version: "one", ..Guest::default() }.load().await.unwrap_err();
    assert!(matches!(&error, LoadError::ManifestInvalid(text) if text.starts_with("version:")), "{error}");
}
