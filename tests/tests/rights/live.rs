//! `suture run --live`, under exactly the rights that `suture rbac` prints.

use serde_json::{Value, json};

use super::world::{ACCOUNT, SETTINGS, SOURCE, World};

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

async fn source(world: &World) -> anyhow::Result<Value> {
    let sources = world.api(SOURCE.0, SOURCE.1, Some(&world.media))?;
    Ok(sources.get("plex").await?.data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_the_live_cluster_plans_until_it_is_told_to_act() -> anyhow::Result<()> {
    let world = World::new().await?;
    let account = world.plane.service_account(&world.tools, ACCOUNT).await?;
    let config = world.config("")?;
    let text = std::fs::read_to_string(&config)?;
    let live = format!("live: {{kubeconfig: {}, namespace: {}}}", account.display(), world.tools);
    std::fs::write(&config, text.replace("live: {}", &live))?;
    let file = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = config.with_file_name(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let alert = json!({"labels": {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": world.media,
        "obj_name": "plex", "role": "source", "method": "restic"}});
    let (alert, settings) = (file("alert.json", &alert.to_string())?, file("settings.json", SETTINGS)?);
    let (component, config) = (world.component.display().to_string(), config.display().to_string());

    let rbac = ["rbac", "--config", &config, "--namespace", &world.tools, "--service-account", ACCOUNT];
    world.plane.apply(&suture(&rbac).await?.stdout).await?;
    let report = world.rbac(config.as_ref()).await?;
    super::exactly_missing(&world.connect().await?.client, &report.needs.rights(|_| true), &[]).await?;

    let run = ["run", &component, "--alert", &alert, "--live", "--config", &config, "--settings", &settings];
    world.break_it().await?;
    let before = source(&world).await?;
    let ran = suture(&run).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("(dry run: not performed)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("planned: "), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing is changed"), "{}", ran.stderr);
    assert_eq!(source(&world).await?, before);

    let volsync = world.play_volsync()?;
    let enforced = suture(&[&run[..], &["--enforce", "--output", "json"]].concat()).await;
    volsync.abort();
    let ran = enforced?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let result: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&result["mode"], &result["runs"][0]["outcome"]), (&json!("enforce"), &json!("remediated")));
    let after = source(&world).await?;
    assert!(after["spec"]["restic"]["unlock"].is_string(), "{after:#}");
    assert!(after.pointer("/spec/trigger/manual").is_none(), "{after:#}");
    Ok(())
}
