//! Rules that say when somebody is told: Prometheus', Grafana's, those of clouds and of Terraform.
//! Who would be told is no rule.

use msvc_system::yaml::{self, Node};

use crate::pipeline::is_pipeline;
use crate::tree::{TextFile, Tree, says_nothing};

/// What a repository says of alerts; paths with lines.
#[derive(Debug, PartialEq, Eq)]
pub enum Alerts {
    /// There is a rule.
    Rule(String, u32),
    /// Somebody would be told, if there were one.
    Receiver(String, u32),
    /// Neither.
    None,
}

/// Resources of Terraform's that are rules.
const RESOURCES: [&str; 8] = [
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_composite_alarm",
    "google_monitoring_alert_policy",
    "azurerm_monitor_metric_alert",
    "datadog_monitor",
    "grafana_rule_group",
    "newrelic_nrql_alert_condition",
    "opsgenie_alert_policy",
];
/// Types of CloudFormation's that are rules.
const TYPES: [&str; 2] = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];

/// The first rule, else the first who would be told.
#[must_use]
pub fn alerts(tree: &Tree) -> Alerts {
    let mut receiver = Alerts::None;
    for file in &tree.texts {
        let text = &file.text;
        if file.path.ends_with(".tf") {
            if let Some(line) = resource(text) {
                return Alerts::Rule(file.path.clone(), line);
            }
            continue;
        }
        let yaml = [".yaml", ".yml"]
            .iter()
            .any(|ending| file.path.ends_with(ending));
        let speaks = ["alert", "rules", "receivers", "Alarm"]
            .iter()
            .any(|it| text.contains(it));
        if !yaml || !speaks || is_pipeline(&file.path) || says_nothing(text) {
            continue;
        }
        match of_file(tree, file) {
            Some((true, line)) => return Alerts::Rule(file.path.clone(), line),
            Some((false, line)) if receiver == Alerts::None => {
                receiver = Alerts::Receiver(file.path.clone(), line);
            }
            _ => {}
        }
    }
    receiver
}

/// Whether a file has a rule, or only who would be told.
fn of_file(tree: &Tree, file: &TextFile) -> Option<(bool, u32)> {
    let mut told = None;
    let mut before = 0;
    for text in file.text.split("\n---") {
        let node = yaml::parse(&tree.root.join(&file.path), text.as_bytes());
        let found = match node {
            Ok(node) => rule(&node)
                .map(|line| (true, line))
                .or_else(|| receiver(&node).map(|line| (false, line))),
            Err(_) => template(text).map(|line| (true, line)),
        };
        let found = found.map(|(is_rule, line)| (is_rule, line + before));
        match found {
            Some((true, _)) => return found,
            other => told = told.or(other),
        }
        before += u32::try_from(text.matches('\n').count() + 1).unwrap_or_default();
    }
    told
}

/// The line of a rule: one of a group's, or an alarm.
fn rule(node: &Node) -> Option<u32> {
    let says = |node: &Node, key: &str| {
        let value = node.get(key);
        value.is_some_and(|it| it.text().is_none_or(|text| !text.trim().is_empty()))
    };
    let is_rule = |it: &&Node| {
        let of_prometheus = says(it, "alert") && says(it, "expr");
        of_prometheus || (says(it, "title") && says(it, "condition") && says(it, "data"))
    };
    for (key, value) in node.entries() {
        if key.text == "rules"
            && let Some(rule) = value.items().iter().find(is_rule)
        {
            return Some(rule.place.line);
        }
        let is_alarm = key.text == "Type" && value.as_str().is_some_and(|it| TYPES.contains(&it));
        if is_alarm {
            return Some(key.place.line);
        }
        if let Some(line) = rule(value) {
            return Some(line);
        }
    }
    node.items().iter().find_map(rule)
}

/// The line of a receiver of Alertmanager's that has somebody.
fn receiver(node: &Node) -> Option<u32> {
    let route = node.get("route")?;
    let has = |it: &&Node| {
        let mut keys = it.entries().iter();
        keys.any(|(key, value)| key.text.ends_with("_configs") && !value.items().is_empty())
    };
    let receivers = node.get("receivers")?.items();
    route.get("receiver")?;
    receivers.iter().find(has).map(|it| it.place.line)
}

/// A rule of a file that is no YAML before it is filled in.
fn template(text: &str) -> Option<u32> {
    let mut alert = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let said = |key: &str| {
            line.strip_prefix(key)
                .is_some_and(|it| !it.trim().is_empty())
        };
        if said("- alert:") {
            alert = u32::try_from(number + 1).ok();
        } else if said("expr:") && alert.is_some() {
            return alert;
        }
    }
    None
}

fn resource(text: &str) -> Option<u32> {
    let found = text.lines().position(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("resource").map(str::trim_start);
        let rest = rest.and_then(|rest| rest.strip_prefix('"'));
        rest.is_some_and(|rest| RESOURCES.iter().any(|it| rest.starts_with(it)))
    });
    found.and_then(|line| u32::try_from(line + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Alerts {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        alerts(&Tree {
            texts: vec![file],
            ..Tree::default()
        })
    }

    #[test]
    fn a_rule_is_told_from_who_would_be_told_and_from_the_word() {
        let prometheus = "groups:\n  - rules:\n      - alert: Down\n        expr: up == 0\n";
        assert_eq!(
            of("a.yaml", prometheus),
            Alerts::Rule("a.yaml".to_owned(), 3)
        );
        let custom = format!("x: 1\n---\nspec:\n  {}", prometheus.replace('\n', "\n  "));
        assert!(matches!(of("a.yaml", &custom), Alerts::Rule(_, 6)));
        let chart = "{{ if .x }}\nrules:\n- alert: Down\n  expr: up == 0\n";
        assert!(matches!(of("a.yaml", chart), Alerts::Rule(_, 3)));
        let terraform = "resource \"aws_cloudwatch_metric_alarm\" \"x\" {}\n";
        assert!(matches!(of("a.tf", terraform), Alerts::Rule(_, 1)));
        let manager =
            "route: {receiver: x}\nreceivers: [{name: x, slack_configs: [{channel: y}]}]\n";
        assert!(matches!(of("a.yml", manager), Alerts::Receiver(_, 2)));
        for none in [
            "groups: []\n# - alert: Down\n",
            "notes: we have no pagerduty yet\n",
            "alertmanager: {enabled: false}\n",
            "components:\n  - alert\n  - button\n",
            "groups: [{rules: [{alert: Down, expr: ''}]}]\n",
            "groups: [{rules: [{record: a, expr: b}]}]\n",
        ] {
            assert_eq!(of("a.yaml", none), Alerts::None, "{none}");
        }
    }
}
