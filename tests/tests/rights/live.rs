//! `suture run --live`, under exactly the rights that `suture rbac` prints.

use serde_json::{Value, json};

use super::harness::{ACCOUNT, HIDDEN, POD, RightsHarness, SETTINGS, SOURCE};

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn suture(arguments: &[&str]) -> anyhow::Result<Ran> {
    let output = tokio::process::Command::new(suture_tests::host::program()?)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await?;
    Ok(Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

async fn source(harness: &RightsHarness) -> anyhow::Result<Value> {
    let sources = harness.api(SOURCE.0, SOURCE.1, Some(&harness.media))?;
    Ok(sources.get("plex").await?.data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_the_live_cluster_plans_until_it_is_told_to_act() -> anyhow::Result<()> {
    let harness = RightsHarness::new().await?;
    let account = harness.plane.service_account(&harness.tools, ACCOUNT).await?;
    let config = harness.config("")?;
    let text = std::fs::read_to_string(&config)?;
    let live = format!("live: {{kubeconfig: {}, namespace: {}}}", account.display(), harness.tools);
    std::fs::write(&config, text.replace("live: {}", &live))?;
    let file = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = config.with_file_name(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let alert = json!({"labels": {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": harness.media,
        "obj_name": "plex", "role": "source", "method": "restic"}});
    let (alert, settings) = (file("alert.json", &alert.to_string())?, file("settings.json", SETTINGS)?);
    let (component, config) = (harness.component.display().to_string(), config.display().to_string());

    let rbac = ["rbac", "--config", &config, "--namespace", &harness.tools, "--service-account", ACCOUNT];
    harness.plane.apply(&suture(&rbac).await?.stdout).await?;
    let report = harness.rbac(config.as_ref()).await?;
    super::exactly_missing(&harness.connect().await?.client, &report.needs.rights(|_| true), &[]).await?;

    let run = ["run", &component, "--alert", &alert, "--live", "--config", &config, "--settings", &settings];
    harness.break_it().await?;
    let before = source(&harness).await?;
    let ran = suture(&run).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("(dry run: not performed)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("planned: "), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing is changed"), "{}", ran.stderr);
    assert_eq!(source(&harness).await?, before);

    let saved = file("unused", "")?.replace("unused", "saved.yaml");
    let saving = [&run[..], &["--observe", "--save", &saved]].concat();
    let ran = suture(&saving).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("it passes") && ran.stderr.contains(HIDDEN), "{}", ran.stderr);
    let scenario = std::fs::read_to_string(&saved)?;
    assert!(scenario.contains(POD) && !scenario.contains("Hunter2"), "{scenario}");
    let tested = suture(&["test", &saved, "--policy", &component]).await?;
    assert_eq!(tested.code, Some(0), "{}{}\n{scenario}", tested.stdout, tested.stderr);
    let again = suture(&saving).await?;
    assert_eq!(again.code, Some(2), "{}{}", again.stdout, again.stderr);
    assert_eq!(std::fs::read_to_string(&saved)?, scenario);

    let volsync = harness.play_volsync()?;
    let enforced = suture(&[&run[..], &["--enforce", "--output", "json"]].concat()).await;
    volsync.abort();
    let ran = enforced?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let result: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&result["mode"], &result["runs"][0]["outcome"]), (&json!("enforce"), &json!("remediated")));
    let after = source(&harness).await?;
    assert!(after["spec"]["restic"]["unlock"].is_string(), "{after:#}");
    assert!(after.pointer("/spec/trigger/manual").is_none(), "{after:#}");
    Ok(())
}
