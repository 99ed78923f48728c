//! What is made of the chart is what is committed.

use std::path::Path;
use std::process::Command;

use crate::repository;

fn compare(made: &Path, committed: &Path, seen: &mut usize) {
    for entry in std::fs::read_dir(made).unwrap().map(|entry| entry.unwrap().path()) {
        let other = committed.join(entry.file_name().unwrap());
        if entry.is_dir() {
            compare(&entry, &other, seen);
        } else {
            let (made, committed) =
                (std::fs::read_to_string(&entry).unwrap(), std::fs::read_to_string(&other).unwrap());
            assert!(made == committed, "{} is not what `make chart` makes", other.display());
            *seen += 1;
        }
    }
}

#[test]
fn the_schema_the_readme_and_the_kustomize_base_are_what_the_chart_makes() {
    let out = tempfile::tempdir().unwrap();
    let helm = suture_envtest::program("helm").unwrap();
    let done = Command::new(repository("deploy/helm/generate.sh"))
        .arg(out.path())
        .env("HELM", helm)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut seen = 0;
    compare(out.path(), &repository("deploy"), &mut seen);
    assert_eq!(seen, 6);
}

#[test]
fn helm_lint_finds_nothing() {
    let chart = repository("deploy/helm/suture");
    let done = crate::helm()
        .args(["lint", "--strict"])
        .arg(&chart)
        .args(["--set", "image.repository=x"])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn the_chart_is_of_the_version_of_the_program() {
    let chart: serde_json::Value = serde_saphyr::from_str(
        &std::fs::read_to_string(repository("deploy/helm/suture/Chart.yaml")).unwrap(),
    )
    .unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
