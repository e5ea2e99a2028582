//! Who waits for whom: services that are named must be there and run, and nobody may wait for itself,
//! directly or through others.

use std::collections::HashMap;

use crate::include::leave_out_middle;
use crate::problem::{Place, Problem, Problems, there_are};
use crate::unread::Unread;
use crate::yaml::{Key, Node, shorten};

/// One service that another needs, where that is said, and by which field.
struct Need<'a> {
    name: &'a str,
    field: &'static str,
    required: bool,
    place: &'a Place,
}

/// Checks the services that run.
pub(super) fn check(
    tree: &Node,
    runs: &dyn Fn(&str) -> bool,
    unread: &mut Unread,
    problems: &mut Problems,
) {
    let all = tree.entries_of("services");
    let running: Vec<&(Key, Node)> = all.iter().filter(|(key, _)| runs(&key.text)).collect();
    let positions: HashMap<&str, usize> = running
        .iter()
        .enumerate()
        .map(|(at, (key, _))| (key.text.as_str(), at))
        .collect();
    let declared: HashMap<&str, &Node> = all
        .iter()
        .map(|(key, it)| (key.text.as_str(), it))
        .collect();
    let mut graph: Vec<Vec<(usize, &Place)>> = Vec::with_capacity(running.len());
    for (key, service) in &running {
        let mut to = Vec::new();
        for need in needs(service) {
            match positions.get(need.name) {
                Some(at) => to.push((*at, need.place)),
                None => {
                    let rests = declared.get(need.name).copied();
                    if (need.required || rests.is_none()) && !is_unread(&need, rests, unread) {
                        let names = running.iter().map(|(key, _)| key.text.as_str());
                        let hint = || match problems.nearest(need.name, names.clone()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => there_are("services", names.filter(|it| *it != key.text)),
                        };
                        let missing = missing(&need, rests, unread, hint);
                        problems.push(missing);
                    }
                }
            }
        }
        graph.push(to);
    }
    circle(&running, &graph, problems);
}

/// Everything that a service needs to have been started, by itself or by what it shares.
fn needs(service: &Node) -> Vec<Need<'_>> {
    let mut all: Vec<Need<'_>> = service
        .entries_of("depends_on")
        .iter()
        .map(|(key, node)| Need {
            name: &key.text,
            field: "depends_on",
            required: node.get("required").and_then(Node::as_bool) != Some(false),
            place: &key.place,
        })
        .collect();
    for link in service.items_of("links") {
        if let Some(text) = link.as_str() {
            let name = match text.split_once(':') {
                Some((name, rest)) if !rest.contains(':') => name,
                _ => text,
            };
            all.push(Need {
                name,
                field: "links",
                required: true,
                place: &link.place,
            });
        }
    }
    for field in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(node) = service.get(field)
            && let Some(name) = node.as_str().and_then(|text| text.strip_prefix("service:"))
        {
            all.push(Need {
                name,
                field,
                required: true,
                place: &node.place,
            });
        }
    }
    for from in service.items_of("volumes_from") {
        if let Some(text) = from.as_str()
            && !text.starts_with("container:")
        {
            all.push(Need {
                name: text.split(':').next().unwrap_or(text),
                field: "volumes_from",
                required: true,
                place: &from.place,
            });
        }
    }
    all
}

/// Whether what cannot be read may have the service, or the profile that it rests without.
fn is_unread(need: &Need<'_>, rests: Option<&Node>, unread: &mut Unread) -> bool {
    match rests {
        Some(_) if unread.settings => {
            unread.ask(vec![need.place.clone()]);
            true
        }
        Some(_) => false,
        None => unread.may_declare("services", need.name, need.place),
    }
}

fn missing(
    need: &Need<'_>,
    rests: Option<&Node>,
    unread: &Unread,
    hint: impl FnOnce() -> String,
) -> Problem {
    let what = format!(
        "`{}` names the service `{}`",
        need.field,
        shorten(need.name)
    );
    let problem = |why: &str| Problem::error(format!("{what}, {why}")).at(need.place.clone());
    match rests {
        Some(service) => {
            let profiles = service.items_of("profiles").iter().filter_map(Node::text);
            let profiles: Vec<String> = profiles.collect();
            problem("which runs only with its profile")
                .hint(format!("add --profile {}", profiles.join(" or --profile ")))
        }
        None => {
            let why = "which does not exist";
            let what = format!("{what}, {why}");
            let left = unread.left("services", need.name, &what, need.place);
            left.unwrap_or_else(|| problem(why).hint(hint()))
        }
    }
}

/// Reports the first circle found, by name and in order.
fn circle(running: &[&(Key, Node)], graph: &[Vec<(usize, &Place)>], problems: &mut Problems) {
    // 0 not seen, 1 on the way, 2 done; a stack of our own, for chains may be long.
    let mut state = vec![0_u8; graph.len()];
    let name = |at: usize| running.get(at).map_or("", |(key, _)| key.text.as_str());
    for start in 0..graph.len() {
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            let (at, step) = (*at, *next);
            *next += 1;
            if state.get(at) == Some(&2) {
                way.pop();
                continue;
            }
            if let Some(seen) = state.get_mut(at) {
                *seen = 1;
            }
            let Some((to, place)) = graph.get(at).and_then(|all| all.get(step)) else {
                if let Some(seen) = state.get_mut(at) {
                    *seen = 2;
                }
                way.pop();
                continue;
            };
            if state.get(*to) == Some(&1) {
                let from = way.iter().position(|(i, _)| i == to).unwrap_or_default();
                let circle = way.iter().skip(from).map(|(i, _)| *i).chain([*to]);
                let mut names: Vec<String> = circle.map(|i| shorten(name(i))).collect();
                leave_out_middle(&mut names);
                let what = format!(
                    "services wait for each other in a circle: {}",
                    names.join(" -> ")
                );
                let hint = format!(
                    "take one of these away, for example this one of `{}`",
                    name(at)
                );
                problems.push(Problem::error(what).at((*place).clone()).hint(hint));
                return;
            }
            way.push((*to, 0));
        }
    }
}
