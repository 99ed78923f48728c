//! The repair of ten sources on a real API server: our host with its journal on disk, over
//! a bare program that sends the same requests; and a shell script with `kubectl` over ours.

mod bare;
mod fixture;
mod script;
mod suture;

use crate::figure::{Figure, Goal, Report, median_seconds};
use fixture::{RepairFixture, Requests};

/// How often the sources are repaired by each program, and how often by the script.
const ROUNDS: usize = 15;
const SCRIPT_ROUNDS: usize = 3;

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    let fixture = RepairFixture::new().await?;
    let (suture, bare) = (suture::Suture::new(&fixture).await?, bare::Bare::new(&fixture).await?);
    let [mut ours, mut bares, mut scripts] = [const { Vec::new() }; 3];
    for round in 0..report.count(ROUNDS, 1) + 1 {
        let tag = format!("round-{round}");
        fixture.break_all().await?;
        suture.requests.lock().clear();
        let took = suture.repair(&fixture).await?;
        fixture.check("suture").await?;
        fixture.break_all().await?;
        bare.requests.lock().clear();
        let bare_took = bare.repair(&fixture, &tag).await?;
        fixture.check("the bare program").await?;
        // The first round asks what the API server serves, and warms it.
        if round > 0 {
            ours.push(took);
            bares.push(bare_took);
        }
        if (1..=SCRIPT_ROUNDS).contains(&round) {
            fixture.break_all().await?;
            scripts.push(script::repair(&fixture, &format!("script-{round}")).await?);
            fixture.check("the script").await?;
        }
    }
    let [ours, bares, scripts] = [ours, bares, scripts].map(median_seconds);
    println!(
        "the repair of ten sources on a real API server: suture {:.0} ms ({}), bare {:.0} ms ({}), \
         script {:.0} ms",
        ours * 1e3,
        count(&suture.requests),
        bares * 1e3,
        count(&bare.requests),
        scripts * 1e3
    );
    report.add(Figure { name: "repair-policy-over-bare", ratio: ours / bares, goal: Goal::AtMost(1.5) });
    let (name, ratio) = ("repair-script-over-policy", scripts / ours);
    report.add(Figure { name, ratio, goal: Goal::AtLeast(20.0) });
    Ok(())
}

/// How many requests there were in the last round.
fn count(requests: &Requests) -> String {
    let requests = requests.lock();
    let kinds: Vec<_> = requests.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} requests: {}", requests.values().sum::<usize>(), kinds.join(", "))
}
