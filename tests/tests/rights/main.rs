//! Least privilege on a real API server: what `suture rbac` prints is enough, and each
//! rule of it is needed.

mod harness;
mod live;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use harness::{ACCOUNT, RightsHarness};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_cluster::live::events::{EventWriter, Note};
use suture_cluster::live::lease::{Candidate, LeaseOptions, Standing};
use suture_cluster::live::{Connection, LiveConfig, access, connect};
use suture_core::rbac::{Reach, Right, Role, Rule};
use suture_core::{ObjectRef, RealClock};
use suture_envtest::eventually;
use suture_server::{Compiler, ServeOptions, Server};
use suture_tests::host::Host;

/// The API server takes a moment to hear of a role.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether exactly these are missing, before long.
async fn exactly_missing(client: &Client, all: &[Right], expected: &[Right]) -> anyhow::Result<()> {
    let expected: BTreeSet<Right> = expected.iter().cloned().collect();
    let found = Mutex::new(BTreeSet::new());
    let agrees = async || {
        let missing: BTreeSet<Right> =
            access::missing(client, all).await.unwrap_or_default().into_iter().collect();
        let agrees = missing == expected;
        *found.lock() = missing;
        agrees
    };
    let agreed = eventually(PATIENCE, agrees).await;
    ensure!(agreed, "missing: {:#?}\nexpected: {expected:#?}", found.lock());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_allowed_and_nothing_beside_it() -> anyhow::Result<()> {
    let harness = RightsHarness::new().await?;
    let report = harness.rbac(&harness.config("")?).await?;
    harness.plane.apply(&report.needs.roles(&report.installation).yaml()).await?;
    let connection = harness.connect().await?;
    let all = report.needs.rights(|_| true);
    exactly_missing(&connection.client, &all, &[]).await?;

    let mut neighbours = BTreeSet::new();
    for right in &all {
        let elsewhere = match &right.reach {
            Reach::Namespace(namespace) if *namespace == harness.media => {
                Reach::Namespace(harness.home.clone())
            }
            Reach::Namespace(_) => Reach::Namespace(harness.media.clone()),
            _ => continue,
        };
        neighbours.insert(Right { reach: elsewhere, ..right.clone() });
        neighbours.insert(Right { reach: Reach::AllNamespaces, ..right.clone() });
    }
    for right in &all {
        neighbours.insert(Right { verb: "deletecollection", name: None, ..right.clone() });
        neighbours.insert(Right { verb: "watch", name: None, ..right.clone() });
        neighbours.extend(right.name.iter().map(|_| Right { name: None, ..right.clone() }));
        neighbours.extend(right.name.iter().map(|_| Right { name: Some("other".into()), ..right.clone() }));
    }
    for (resource, verb) in
        [("secrets", "get"), ("secrets", "list"), ("pods", "create"), ("pods/exec", "create")]
    {
        neighbours.insert(Right {
            reach: Reach::Namespace(harness.media.clone()),
            group: String::new(),
            resource: resource.into(),
            verb,
            name: None,
        });
    }
    neighbours.retain(|right| !all.contains(right));
    ensure!(neighbours.len() > all.len(), "{neighbours:#?}");
    let neighbours: Vec<Right> = neighbours.into_iter().collect();
    let refused = access::missing(&connection.client, &neighbours).await?;
    assert_eq!(refused, neighbours);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_and_holds_back_its_policy_alone_until_it_is_granted() -> anyhow::Result<()>
{
    let harness = RightsHarness::new().await?;
    let account = harness.plane.service_account(&harness.tools, ACCOUNT).await?;
    let config = harness.config(&format!(
        "- name: elsewhere\n  source: {{file: {}}}\n  confirm: none\n  grants:\n{}",
        harness.component.display(),
        RightsHarness::grants(&harness.home)
    ))?;
    let text = std::fs::read_to_string(&config)?;
    let live = format!("live: {{kubeconfig: {}, namespace: {}}}", account.display(), harness.tools);
    std::fs::write(&config, text.replace("live: {}", &live))?;
    let report = harness.rbac(&config).await?;
    let mut roles = report.needs.roles(&report.installation);
    roles.roles.retain(|role| role.namespace.as_ref() != Some(&harness.home));
    harness.plane.apply(&roles.yaml()).await?;
    let client = harness.connect().await?.client;
    let granted = report.needs.rights(|_| true);
    let missing: Vec<Right> =
        granted.iter().filter(|right| right.reach.namespace() == Some(&harness.home)).cloned().collect();
    exactly_missing(&client, &granted, &missing).await?;

    let server = Server::start(
        &config,
        ServeOptions::new(std::sync::Arc::new(|_, _| Err(String::new())), Compiler::InProcess),
    )
    .await?;
    let admin = format!("http://{}/api/v1", server.admin_addr());
    let items = async |what: &str| -> anyhow::Result<Vec<Value>> {
        let body: Value = reqwest::get(format!("{admin}/{what}")).await?.json().await?;
        Ok(body["items"].as_array().cloned().unwrap_or_default())
    };
    let policies = items("policies").await?;
    assert_eq!(policies[0]["error"], Value::Null, "{policies:#?}");
    let error = policies[1]["error"].as_str().context("it is not held back")?;
    for words in [
        &format!("system:serviceaccount:{}:{ACCOUNT} may not", harness.tools),
        &format!("get replicationsources.volsync.backube in namespace `{}`", harness.home),
        &format!("`suture rbac --config {}", config.display()),
        &format!("--namespace {} --service-account {ACCOUNT} | kubectl apply -f -`", harness.tools),
    ] {
        ensure!(error.contains(words.as_str()), "{words}: {error}");
    }
    ensure!(!error.contains(&harness.media), "{error}");

    // The doctor finds the same.
    let rights = async || -> anyhow::Result<Vec<Value>> {
        let report: Value = reqwest::get(format!("{admin}/doctor")).await?.json().await?;
        let found = report["findings"].as_array().into_iter().flatten();
        Ok(found.filter(|finding| finding["check"] == "rights").cloned().collect())
    };
    let found = rights().await?;
    ensure!(
        found.iter().any(|one| one["verdict"] == "fail"
            && one["about"] == "elsewhere"
            && one.to_string().contains(&harness.home)),
        "{found:#?}"
    );

    // Its alerts wait; the other's are worked on. Both sources are gone, so nothing is done.
    let alert = |namespace: &str| {
        json!({"status": "firing", "startsAt": "2026-11-22T04:10:00Z", "labels": {"role": "source",
            "alertname": "VolSyncVolumeOutOfSync", "obj_namespace": namespace, "obj_name": "plex"}})
    };
    for (policy, namespace) in [("volsync", &harness.media), ("elsewhere", &harness.home)] {
        let hook = format!("http://{}/hooks/{policy}", server.webhook_addr());
        let body = json!({"version": "4", "alerts": [alert(namespace)]});
        reqwest::Client::new().post(hook).json(&body).send().await?.error_for_status()?;
    }
    let state = async |policy: &str| -> Option<String> {
        let incidents = items("incidents").await.ok()?;
        let incident = incidents.iter().find(|incident| incident["policy"] == policy)?;
        Some(incident["state"].as_str()?.to_owned())
    };
    let worked =
        eventually(PATIENCE, async || state("volsync").await.as_deref() == Some("unnecessary")).await;
    ensure!(worked, "{:#?}", items("incidents").await?);
    assert_eq!(state("elsewhere").await.as_deref(), Some("queued"));

    let remedy = error.split('`').find_map(|part| part.strip_suffix(" | kubectl apply -f -"));
    let printed = printed_by(remedy.with_context(|| format!("no command: {error}"))?).await?;
    harness.plane.apply(&printed).await?;
    let worked =
        eventually(PATIENCE, async || state("elsewhere").await.as_deref() == Some("unnecessary")).await;
    ensure!(worked, "{:#?}\n{:#?}", items("incidents").await?, items("policies").await?);
    assert_eq!(items("policies").await?[1]["error"], Value::Null);
    let found = rights().await?;
    ensure!(found.len() == 1 && found[0]["verdict"] == "ok", "{found:#?}");
    server.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// What a `suture …` command prints that people are told to type.
async fn printed_by(command: &str) -> anyhow::Result<String> {
    let arguments =
        command.strip_prefix("suture ").with_context(|| format!("of another program: {command}"))?;
    let mut program = tokio::process::Command::new(suture_tests::host::program()?);
    let output = program.args(arguments.split(' ')).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_may_not_have_its_lease_stands_by_and_says_how_to_allow_it() -> anyhow::Result<()> {
    let harness = RightsHarness::new().await?;
    let account = harness.plane.service_account(&harness.tools, ACCOUNT).await?;
    let live =
        format!("cluster: {{live: {{kubeconfig: {}, namespace: {}}}}}\n", account.display(), harness.tools);
    let dir = tempfile::tempdir()?;
    let host = Host::start(dir.path(), &live)?;
    host.until(503, "the lease").await?;
    let told = eventually(PATIENCE, async || {
        let log = host.log();
        log.contains("may not")
            && log.contains("create leases.coordination.k8s.io")
            && log.contains("suture rbac")
    });
    ensure!(told.await, "{}", host.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_of_its_rules_something_fails() -> anyhow::Result<()> {
    let harness = RightsHarness::new().await?;
    let report = harness.rbac(&harness.config("")?).await?;
    let roles = report.needs.roles(&report.installation);
    harness.plane.apply(&roles.yaml()).await?;
    let connection = harness.connect().await?;
    let all = report.needs.rights(|_| true);
    exactly_missing(&connection.client, &all, &[]).await?;
    for role in &roles.roles {
        for rule in &role.rules {
            let refused = refused(&harness, &connection, rule).await?;
            ensure!(refused.is_none(), "with every rule: {refused:?}");
        }
    }

    let mut tried = 0;
    for (index, role) in roles.roles.iter().enumerate() {
        for (number, rule) in role.rules.iter().enumerate() {
            let mut fewer = roles.clone();
            fewer.roles[index].rules.remove(number);
            harness
                .plane
                .apply(&json!({"apiVersion": "v1", "kind": "List", "items": fewer.objects()}).to_string())
                .await?;
            let gone: Vec<Right> = all.iter().filter(|right| gives(role, rule, right)).cloned().collect();
            ensure!(!gone.is_empty(), "{rule:?} gives nothing");
            exactly_missing(&connection.client, &all, &gone).await?;
            let refused = refused(&harness, &connection, rule).await?;
            ensure!(refused.is_some(), "without {rule:?} nothing fails");
            tried += 1;
        }
    }
    ensure!(tried >= 10, "only {tried} rules");
    Ok(())
}

fn gives(role: &Role, rule: &Rule, right: &Right) -> bool {
    role.namespace.as_deref() == right.reach.namespace()
        && rule.groups.contains(&right.group)
        && rule.resources.contains(&right.resource)
        && rule.verbs.contains(&right.verb)
        && match &right.name {
            None => rule.names.is_empty(),
            Some(name) => rule.names.contains(name),
        }
}

/// Do what a rule is for. What the API server refused, if it did.
async fn refused(
    harness: &RightsHarness,
    connection: &Connection,
    rule: &Rule,
) -> anyhow::Result<Option<String>> {
    let forbidden = |error: kube::Error| match error {
        kube::Error::Api(status) if status.code == 403 => Ok(Some(status.message)),
        other => Err(other.into()),
    };
    match rule.resources[0].as_str() {
        "namespaces" => {
            let namespaces: Api<Namespace> = Api::all(connection.client.clone());
            let name = rule.names.first().map_or("kube-system", String::as_str);
            namespaces.get(name).await.map(|_| None).or_else(forbidden)
        }
        "events" => {
            let about: ObjectRef =
                format!("v1 Pod {}/plex", harness.media).parse().map_err(anyhow::Error::msg)?;
            let note = Note {
                about: &about,
                uid: None,
                warning: false,
                reason: "Tested",
                action: "test",
                text: "so",
            };
            let writer = EventWriter::new(connection.client.clone(), "tests");
            writer.write(note, &RealClock).await.map(|()| None).or_else(forbidden)
        }
        "leases" => lease_refused(harness, connection).await,
        _ => harness.run(connection.clone()).await,
    }
}

/// Take a Lease that nobody has, as a host does.
async fn lease_refused(harness: &RightsHarness, connection: &Connection) -> anyhow::Result<Option<String>> {
    harness.delete("coordination.k8s.io/v1", "Lease", Some(&harness.tools), "suture").await?;
    let options = LeaseOptions {
        namespace: harness.tools.clone(),
        name: "suture".to_owned(),
        identity: "tests".to_owned(),
        duration: Duration::from_secs(5),
    };
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let candidate = Candidate::new(connection.client.clone(), options, std::sync::Arc::new(RealClock));
    let acquire = candidate.acquire(move |standing| {
        let _ = told.send(standing);
    });
    tokio::pin!(acquire);
    loop {
        tokio::select! {
            _holder = &mut acquire => return Ok(None),
            Some(standing) = hears.recv() => match standing {
                Standing::Unavailable { why, .. } if why.contains("forbidden") => return Ok(Some(why)),
                other => eprintln!("{other}"),
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_not_be_asked_is_no_answer() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}], "users": [{"name": "x"}]});
    std::fs::write(&file, config.to_string())?;
    let connection = connect(&LiveConfig { kubeconfig: Some(file), ..LiveConfig::default() }).await?;
    let right = Right {
        reach: Reach::AllNamespaces,
        group: String::new(),
        resource: "pods".into(),
        verb: "get",
        name: None,
    };
    assert!(access::missing(&connection.client, &[right]).await.is_err());
    Ok(())
}
