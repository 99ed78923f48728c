//! Accepting alerts: the durable webhook, over a bare handler that parses the same body
//! and stores nothing; and over Debian's `webhook`, which starts a script per request.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use suture_core::{Clock, Notification, RealClock};
use suture_server::{Compiler, ServeOptions, Server, Simulated};
use suture_simulator::{Fixture, SimulatedCluster};
use suture_tests::host::program;
use suture_tests::process::{free_port, loopback};

use crate::figure::{Figure, Goal, Report, median};
use crate::load::requests_per_second;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
pub const TOKEN: &str = "bench";

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let suture = suture(dir.path()).await?;
    let bare = bare().await?;
    let (script, _process) = script(dir.path()).await?;
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..report.count(ROUNDS, 1) {
        let sides = [(suture.webhook_addr(), "/hooks"), (bare, "/hooks"), (script, "/hooks/repair")];
        for ((address, path), rates) in sides.into_iter().zip(&mut rates) {
            rates.push(
                requests_per_second(address, path, TOKEN, ROUND)
                    .await
                    .with_context(|| format!("{address}{path}"))?,
            );
            drained(&suture).await;
        }
    }
    let [suture_rate, bare_rate, script_rate] = rates.map(median);
    println!(
        "webhook requests a second: durable {suture_rate:.0}, bare {bare_rate:.0}, script {script_rate:.0}"
    );
    suture.stop(Duration::from_secs(1)).await;
    let (name, ratio) = ("webhook-durable-over-bare", suture_rate / bare_rate);
    report.add(Figure { name, ratio, goal: Goal::AtLeast(0.5) });
    let (name, ratio) = ("webhook-durable-over-script", suture_rate / script_rate);
    report.add(Figure { name, ratio, goal: Goal::AtLeast(3.0) });
    Ok(())
}

/// What is left in the inbox must not slow the next side down.
#[expect(clippy::disallowed_methods, reason = "a pause between two measurements")]
pub async fn drained(server: &Server) {
    while server.engine().journal().inbox_len() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A host with the shipped policy, which hears of none of the alerts that are posted.
pub async fn suture(dir: &Path) -> anyhow::Result<Server> {
    std::fs::write(dir.join("token"), TOKEN)?;
    std::fs::write(
        dir.join("suture.yaml"),
        "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nwebhook: {tokenFile: token, maxPending: 1000000}\n\
         storage: {path: state}\ncluster: {simulated: {scenario: none.yaml}}\n\
         policies: [{name: volsync, source: {file: volsync.wasm}}]\n",
    )?;
    std::fs::write(dir.join("volsync.wasm"), crate::policy::component()?)?;
    Ok(Server::start(&dir.join("suture.yaml"), options()?).await?)
}

/// An empty cluster in memory; modules are compiled as `suture serve` does.
pub fn options() -> anyhow::Result<ServeOptions> {
    Ok(ServeOptions::new(
        Arc::new(|_: &Path, _: f64| {
            let clock: Arc<dyn Clock> = Arc::new(RealClock);
            let fixture = Fixture { now: clock.now(), ..Fixture::default() };
            let cluster = SimulatedCluster::new(fixture, clock.clone()).map_err(|error| error.to_string())?;
            Ok(Simulated { cluster: Arc::new(cluster), clock })
        }),
        Compiler::child(program()?),
    ))
}

/// Parses the body, stores nothing.
async fn bare() -> anyhow::Result<SocketAddr> {
    async fn parse(body: Bytes) -> Result<&'static str, StatusCode> {
        let notification = Notification::parse(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        if notification.alerts.len() == 10 { Ok("ok") } else { Err(StatusCode::BAD_REQUEST) }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = axum::Router::new().route("/hooks", post(parse));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Debian's `webhook`, which starts a shell script for each request and waits for it.
async fn script(dir: &Path) -> anyhow::Result<(SocketAddr, tokio::process::Child)> {
    let (script, hooks) = (dir.join("repair.sh"), dir.join("hooks.json"));
    std::fs::write(&script, "#!/bin/sh\nexit 0\n")?;
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let hook = serde_json::json!([{"id": "repair", "execute-command": script, "include-command-output-in-response": true}]);
    std::fs::write(&hooks, hook.to_string())?;
    let port = free_port()?;
    let child = tokio::process::Command::new("webhook")
        .args(["-hooks", &hooks.display().to_string(), "-ip", "127.0.0.1", "-port", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("`webhook` can't be started; `make bench` installs it")?;
    let address = loopback(port);
    let up = async || tokio::net::TcpStream::connect(address).await.is_ok();
    anyhow::ensure!(
        suture_tests::process::eventually(Duration::from_secs(10), up).await,
        "webhook does not listen"
    );
    Ok((address, child))
}
