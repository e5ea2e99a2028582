//! What a container's healthcheck said last: its own words, or how it ended where it wrote none.

use bollard::models::Health;

/// As many lines of it are told: a page of HTML in the place of a word would hide what failed.
const LINES: usize = 10;

/// The last probe's words, of many lines the last.
pub(in crate::docker) fn last(health: &Health) -> String {
    let last = health.log.as_ref().and_then(|log| log.last());
    let said = last
        .and_then(|last| last.output.as_deref())
        .unwrap_or_default();
    let said = said.trim();
    if !said.is_empty() {
        let lines: Vec<&str> = said.lines().collect();
        let left_out = lines.len().saturating_sub(LINES);
        let mark = if left_out > 0 { "…\n" } else { "" };
        return format!("{mark}{}", lines[left_out..].join("\n"));
    }
    match last.and_then(|last| last.exit_code) {
        // What an engine has of a test that it gave up.
        Some(status) if status < 0 => "it was not done within its `timeout`".to_owned(),
        Some(status) => format!("it ended with status {status} and wrote nothing"),
        None => "as often as it may".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::HealthcheckResult;

    use super::*;

    #[test]
    fn of_a_probe_that_wrote_much_the_last_lines_are_told() {
        let all: Vec<String> = (1..=LINES + 2).map(|line| line.to_string()).collect();
        let probe = HealthcheckResult {
            output: Some(all.join("\n")),
            ..HealthcheckResult::default()
        };
        let health = Health {
            log: Some(vec![probe]),
            ..Health::default()
        };
        let told = format!("…\n{}", all[2..].join("\n"));
        assert_eq!(last(&health), told);
    }

    #[test]
    fn a_probe_that_wrote_nothing_is_told_by_how_it_ended() {
        let probe = |exit_code, output: &str| HealthcheckResult {
            exit_code,
            output: Some(output.to_owned()),
            ..HealthcheckResult::default()
        };
        for (log, told) in [
            (
                vec![probe(Some(0), "well"), probe(Some(1), " no database\n")],
                "no database",
            ),
            (
                vec![probe(Some(7), "")],
                "it ended with status 7 and wrote nothing",
            ),
            (
                vec![probe(Some(-1), "\n")],
                "it was not done within its `timeout`",
            ),
            (vec![], "as often as it may"),
        ] {
            let health = Health {
                log: Some(log),
                ..Health::default()
            };
            assert_eq!(last(&health), told);
        }
    }
}
