//! Days in which much goes wrong. `SUTURE_SIMULATION_SEED` and `SUTURE_SIMULATION_DAYS` say which.

use std::sync::atomic::{AtomicU64, Ordering};

use suture_simulation::{Day, Plan, play, shrink};

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn whatever_happens_in_a_day_all_of_it_is_handled_and_nothing_is_left() {
    let first = variable("SUTURE_SIMULATION_SEED", 0);
    let days = variable("SUTURE_SIMULATION_DAYS", 200);
    let next = AtomicU64::new(first);
    let work = || {
        let (mut failed, mut all) = (0, Day::default());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + days {
                return (failed, all);
            }
            let plan = Plan::of(seed);
            match play(&plan) {
                Ok(day) => {
                    all.incidents += day.incidents;
                    all.runs += day.runs;
                    all.notifications += day.notifications;
                    all.lives += day.lives;
                }
                Err(fault) => {
                    failed += 1;
                    let (least, fault) = shrink(&plan, fault);
                    eprintln!("{least}{fault}\n");
                }
            }
        }
    };
    let results: Vec<(usize, Day)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failed: usize = results.iter().map(|(failed, _)| failed).sum();
    let sum = |of: fn(&Day) -> usize| results.iter().map(|(_, day)| of(day)).sum::<usize>();
    println!(
        "{days} days: {} notifications, {} incidents, {} runs, {} lives of a host",
        sum(|day| day.notifications),
        sum(|day| day.incidents),
        sum(|day| day.runs),
        sum(|day| day.lives)
    );
    assert_eq!(failed, 0, "of {days} days from seed {first}");
}
