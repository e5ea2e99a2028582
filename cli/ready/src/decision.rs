//! Decisions that a team wrote down, and whether one is for an API gateway.
//!
//! Read as people write them: a title, a status, a section that says what was decided. What is
//! proposed, or says no status, or speaks of a gateway without saying of which kind, is a doubt.

use crate::tree::{TextFile, Tree};

/// Folders of decisions.
const FOLDERS: [&str; 6] = [
    "adr",
    "adrs",
    "decisions",
    "rfc",
    "rfcs",
    "decision-records",
];
/// Endings of documents.
const DOCUMENTS: [&str; 5] = [".md", ".adoc", ".rst", ".txt", ".org"];
/// Names of files that decide nothing.
const NO_DECISIONS: [&str; 4] = ["template", "readme", "index", "example"];
/// A decision says more than its title.
const WORDS: usize = 30;

/// Words of a status that is over, or was never reached.
const AGAINST: [&str; 7] = [
    "reject", "declin", "supersed", "deprecat", "withdraw", "abandon", "not ",
];
/// Words of one that holds.
const FOR: [&str; 7] = [
    "accept",
    "approv",
    "adopt",
    "decided",
    "implement",
    "agreed",
    "done",
];
/// Products that are gateways.
const PRODUCTS: [&str; 13] = [
    "kong",
    "traefik",
    "envoy",
    "nginx",
    "haproxy",
    "caddy",
    "apisix",
    "krakend",
    "tyk",
    "istio",
    "ambassador",
    "yarp",
    "ocelot",
];
/// Gateways of other kinds, by the word before.
const OTHER_GATEWAYS: [&str; 14] = [
    "payment", "payments", "sms", "bad", "mail", "email", "message", "nat", "internet", "vpn",
    "network", "iot", "ssh", "default",
];
/// Words that turn what follows them round.
const NOT: [&str; 12] = [
    "no", "not", "without", "never", "against", "avoid", "instead", "neither", "nor", "don't",
    "won't", "reject",
];

/// A decision that speaks of a gateway before the services.
#[derive(Debug)]
pub struct Decision<'a> {
    /// Where it stands.
    pub file: &'a TextFile,
    /// What keeps it from being one for an API gateway.
    pub doubt: Option<&'static str>,
}

/// The decision for an API gateway; without one, what may be one.
#[must_use]
pub fn for_a_gateway(tree: &Tree) -> Option<Decision<'_>> {
    let mut all: Vec<Decision<'_>> = tree.texts.iter().filter_map(read).collect();
    all.sort_by_key(|decision| decision.doubt.is_some());
    all.into_iter().next()
}

fn read(file: &TextFile) -> Option<Decision<'_>> {
    let path = file.path.to_lowercase();
    let (folders, name) = path.rsplit_once('/')?;
    let is_decision = folders.split('/').any(|it| FOLDERS.contains(&it))
        && DOCUMENTS.iter().any(|ending| name.ends_with(ending))
        && !NO_DECISIONS.iter().any(|it| name.contains(it));
    if !is_decision || !file.text.to_lowercase().contains("gateway") {
        return None;
    }
    let text = without_comments(&file.text).to_lowercase();
    if text.split_whitespace().count() < WORDS {
        return None;
    }
    let sections = sections(&text);
    let title = sections
        .iter()
        .map(|(title, _)| *title)
        .find(|it| !it.is_empty());
    let title = title.unwrap_or_default().to_owned();
    let decided: Vec<&String> = sections
        .iter()
        .filter(|(title, _)| title.contains("decision"))
        .map(|(_, body)| body)
        .collect();
    let sentences = |text: &str| -> Vec<Named> {
        let text = text.replace('\n', " ");
        text.split(['.', ';', '!', '?', '|']).map(named).collect()
    };
    let body: Vec<Named> = sections
        .iter()
        .flat_map(|(_, body)| sentences(body))
        .collect();
    let decision: Vec<Named> = decided.iter().flat_map(|body| sentences(body)).collect();
    let title = named(&title);
    let refused = if decision.is_empty() {
        &body
    } else {
        &decision
    };
    let named = if decision.contains(&Named::Api)
        || (title == Named::Api && !refused.contains(&Named::Refused))
    {
        Named::Api
    } else if refused.contains(&Named::Refused) {
        return None;
    } else if title == Named::Some || body.iter().any(|it| matches!(it, Named::Api | Named::Some)) {
        Named::Some
    } else {
        return None;
    };
    let doubt = match (status(&text, &sections), named) {
        (Status::Over, _) => return None,
        (_, Named::Some) => {
            Some("speaks of a gateway, but its title and decision name no API gateway")
        }
        (Status::Open, _) => Some("names a gateway, but is not accepted yet"),
        (Status::Unsaid, _) => Some("names a gateway, but does not say whether it is accepted"),
        (Status::Holds, _) => None,
    };
    Some(Decision { file, doubt })
}

/// Headings with what stands below each; what comes before the first has none.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut all = vec![("", String::new())];
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        let is_rule = |it: &str| it.len() > 2 && it.chars().all(|it| matches!(it, '=' | '-'));
        let underlined = lines.get(at + 1).is_some_and(|next| is_rule(next.trim()));
        let marked = line.starts_with('#') || (line.starts_with('=') && !is_rule(line));
        if marked || (underlined && !line.is_empty() && !line.contains(": ")) {
            all.push((line.trim_matches(['#', '=', ' ']), String::new()));
        } else if let Some((_, body)) = all.last_mut().filter(|_| !is_rule(line)) {
            body.push_str(line);
            // A list's points are sentences of their own.
            body.push_str(if line.is_empty() { ".\n" } else { "\n" });
        }
    }
    all
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Holds,
    Open,
    Over,
    Unsaid,
}

fn status(text: &str, sections: &[(&str, String)]) -> Status {
    let line = text.lines().find_map(|line| {
        let line = line.trim_start_matches([' ', '*', '-', '|', '_', ':']);
        let rest = line
            .strip_prefix("status")?
            .trim_start_matches(['*', '_', ' ']);
        let rest = rest.strip_prefix([':', '|'])?;
        (!rest.trim().is_empty()).then(|| rest.to_owned())
    });
    let section = || {
        let (_, body) = sections
            .iter()
            .find(|(title, _)| title.trim() == "status")?;
        let body = body
            .lines()
            .filter(|line| line.chars().any(char::is_alphabetic));
        Some(body.collect::<Vec<_>>().join(" "))
    };
    match line.or_else(section) {
        None => Status::Unsaid,
        Some(said) if AGAINST.iter().any(|it| said.contains(it)) => Status::Over,
        Some(said) if FOR.iter().any(|it| said.contains(it)) => Status::Holds,
        Some(_) => Status::Open,
    }
}

/// Whether a sentence names a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// An API gateway.
    Api,
    /// One of a kind that is not told.
    Some,
    /// An API gateway that is not to be.
    Refused,
    /// None, or one of another kind.
    None,
}

fn named(sentence: &str) -> Named {
    let is_sign = |it: char| !(it.is_alphanumeric() || it == '\'');
    let words: Vec<&str> = sentence
        .split(is_sign)
        .filter(|it| !it.is_empty())
        .collect();
    let mut found = Named::None;
    for (at, word) in words.iter().enumerate() {
        if !matches!(*word, "gateway" | "gateways" | "apigateway") {
            continue;
        }
        let before = at
            .checked_sub(1)
            .and_then(|at| words.get(at))
            .copied()
            .unwrap_or_default();
        if OTHER_GATEWAYS.contains(&before) || words.get(at + 1) == Some(&"timeout") {
            continue;
        }
        let turned = words.iter().take(at).any(|it| {
            NOT.iter()
                .any(|not| it == not || (*not == "reject" && it.starts_with(not)))
        });
        let product = words.iter().any(|it| PRODUCTS.contains(it));
        let api = product || *word == "apigateway" || matches!(before, "api" | "apis" | "edge");
        let next = match (api, turned) {
            (true, true) => Named::Refused,
            (true, false) => return Named::Api,
            (false, true) => Named::Refused,
            (false, false) => Named::Some,
        };
        if found == Named::None {
            found = next;
        }
    }
    found
}

/// A text without what HTML hides.
#[must_use]
pub fn without_comments(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        said.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decision of this text comes to: nothing, a doubt, or a plan.
    fn of(text: &str) -> &'static str {
        let file = TextFile {
            path: "docs/adr/0007-x.md".to_owned(),
            text: format!(
                "{text}\n\n{}",
                "More of what stands in such a text. ".repeat(6)
            ),
        };
        match read(&file) {
            None => "none",
            Some(Decision { doubt: Some(_), .. }) => "doubt",
            Some(_) => "plan",
        }
    }

    #[test]
    fn a_decision_for_an_api_gateway_is_told_from_what_only_says_the_word() {
        for (text, wanted) in [
            (
                "# 7. Put an API gateway before the services\n\nStatus: accepted\n",
                "plan",
            ),
            (
                "# One way in\n\n## Status\n\nAccepted\n\n## Decision\n\nWe run Kong as gateway.\n",
                "plan",
            ),
            ("---\nstatus: accepted\n---\n# Use an API gateway\n", "plan"),
            ("# API gateway\n\n* Status: proposed\n", "doubt"),
            ("# API gateway\n\nWe put one there.\n", "doubt"),
            ("# A gateway\n\nStatus: accepted\n", "doubt"),
            ("# API gateway\n\nStatus: rejected\n", "none"),
            (
                "# API gateway\n\nStatus: accepted, superseded by 12\n",
                "none",
            ),
            (
                "# API gateway\n\nStatus: accepted\n\nWe will not have an API gateway.\n",
                "none",
            ),
            (
                "# Ways in\n\nStatus: accepted\n\n## Decision\n\nNo API gateway.\n",
                "none",
            ),
            (
                "# Use Stripe as payment gateway\n\nStatus: accepted\n",
                "none",
            ),
            (
                "# Use Postgres\n\nStatus: accepted\n\nA 502 Bad Gateway was seen.\n",
                "none",
            ),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
    }
}
