//! Figures of what was measured: quantiles, and what a service's `/metrics` say of its database.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Released;

/// The time that `part` (0 to 1) of all took at most, in milliseconds; `all` is sorted by it.
pub(crate) fn quantile(all: &mut [Duration], part: f64) -> f64 {
    all.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let place = ((all.len() as f64 * part) as usize).min(all.len().saturating_sub(1));
    all.get(place).map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
}

/// Median, 99th percentile and the longest, for people.
pub(crate) fn spread(all: &mut [Duration]) -> String {
    format!(
        "median {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        quantile(all, 0.5),
        quantile(all, 0.99),
        quantile(all, 1.0)
    )
}

/// What a service's database did until now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    writes: f64,
    commits: f64,
    busy: f64,
    committing: f64,
}

/// The same of each service that has one.
pub(crate) type Databases = BTreeMap<String, Written>;

/// Asks every service that shows its figures.
pub(crate) async fn databases(shop: &Released, client: &reqwest::Client) -> Databases {
    let ps = shop.ps();
    let mut found = Databases::new();
    for instance in ps["instances"].as_array().into_iter().flatten() {
        for listens in instance["listens"].as_array().into_iter().flatten() {
            let url = format!("http://{}/metrics", listens["backend"].as_str().unwrap());
            let Ok(answer) = client.get(url).send().await else {
                continue;
            };
            let text = answer.text().await.unwrap_or_default();
            let value = |name: &str, resource: &str| {
                let beginning = format!("{name}{{resource=\"{resource}\"}} ");
                text.lines()
                    .find_map(|line| line.strip_prefix(&beginning)?.parse::<f64>().ok())
            };
            if let Some(commits) = value("resource_work_total", "database_commit") {
                let written = Written {
                    writes: value("resource_work_total", "database").unwrap_or_default(),
                    commits,
                    busy: value("resource_busy_seconds_total", "database").unwrap_or_default(),
                    committing: value("resource_busy_seconds_total", "database_commit")
                        .unwrap_or_default(),
                };
                found.insert(instance["service"].as_str().unwrap().to_owned(), written);
            }
        }
    }
    found
}

/// What was written between two looks, a line for each service.
pub(crate) fn show(before: &Databases, after: &Databases, took: Duration) {
    println!("database         commits/s  writes/commit  commit ms  other work ms  busy");
    let took = took.as_secs_f64();
    for (service, after) in after {
        let before = before.get(service).copied().unwrap_or_default();
        let commits = (after.commits - before.commits).max(f64::MIN_POSITIVE);
        let writes = after.writes - before.writes;
        let (busy, committing) = (
            after.busy - before.busy,
            after.committing - before.committing,
        );
        println!(
            "  {service:<15} {:8.1} {:14.2} {:10.2} {:14.2} {:4.0} %",
            commits / took,
            writes / commits,
            committing / commits * 1e3,
            (busy - committing) / commits * 1e3,
            busy / took * 1e2,
        );
    }
}
