//! Where one service names others: its calls, settings, configs, commands, healthcheck, and whom it
//! depends on.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;

use crate::address::{Address, addresses};
use crate::id::{Party, ServiceName};
use crate::model::{Call, Condition, EdgeReason, HealthTest, Placed, Service};
use crate::setting_key::{
    Beside, is_no_address, names_visitors, port_key, ports_beside, says_host,
};
use crate::yaml::Node;

use super::command::{self, Spoken};
use super::names::Seen;
use super::pairs;
use super::{MAX_REASONS, Mention};

/// Nobody listens below it, but image versions and counts look like ports there: `redis:7`,
/// `orders:3`. (The first port of IANA's list that a container is likely to open is 21.)
const LEAST_LIKELY_PORT: u16 = 20;

/// Settings among which the further ports beside a host are looked for; a person writes fewer.
const MOST_SETTINGS: usize = 500;

/// Finds what one service names.
pub(super) struct Finder<'a> {
    pub(super) names: Seen<'a>,
    pub(super) service: &'a Service,
    /// The service in the tree, for the places of its commands.
    pub(super) node: Option<&'a Node>,
    /// The declared configs in the tree, for the places of their texts.
    pub(super) configs: Option<&'a Node>,
    /// The calls that name a setting, by its key and whom they call.
    pub(super) keyed: HashMap<&'a str, HashMap<&'a str, &'a Call>>,
    pub(super) all: &'a mut Vec<Mention>,
}

impl<'a> Finder<'a> {
    /// Adds every mention.
    pub(super) fn find(&mut self) {
        let service = self.service;
        for call in &service.x_msvc.calls {
            let reason = EdgeReason::Calls {
                place: call.place.clone(),
            };
            self.mention(call.service.as_str(), call.port, &reason);
        }
        for (key, value) in service
            .environment
            .iter()
            .chain(&service.x_msvc.process.environment)
        {
            self.setting(key, value);
        }
        self.configs();
        let commands = [
            (&service.entrypoint, "/entrypoint"),
            (&service.command, "/command"),
            (&service.x_msvc.process.command, "/x-msvc/process/command"),
        ];
        for (words, pointer) in commands {
            let node = self.node.and_then(|node| node.at(pointer));
            let place = node.map_or(&service.place, |node| &node.place).clone();
            let words = words.as_deref().unwrap_or_default();
            self.words(words, &EdgeReason::Command { place });
        }
        if let Some(check) = &service.healthcheck {
            let words = match &check.test {
                HealthTest::Command(words) => words.as_slice(),
                HealthTest::Shell(script) => std::slice::from_ref(script),
            };
            let place = check.place.clone();
            self.words(words, &EdgeReason::Healthcheck { place });
        }
        for hook in service.post_start.iter().chain(&service.pre_stop) {
            let place = hook.place.clone();
            let reason = EdgeReason::Command { place };
            self.words(&hook.command, &reason);
            for (key, value) in &hook.environment {
                let place = hook.place.clone();
                let value = value.clone();
                self.setting(key, &Placed { value, place });
            }
        }
        self.dependencies();
    }

    fn mention(&mut self, callee: &str, port: Option<u16>, reason: &EdgeReason) {
        let room = MAX_REASONS.saturating_sub(self.all.len());
        let callees = self.names.meant(callee).take(room);
        self.all.extend(callees.map(|callee| Mention {
            caller: Party::Service(self.service.name.clone()),
            callee: callee.name.clone(),
            port,
            reason: reason.clone(),
        }));
    }

    fn setting(&mut self, key: &str, value: &Placed<String>) {
        // A call that names the key says that it is an address, whatever the key is called.
        let calls = self.keyed.get(key).cloned().unwrap_or_default();
        let said = !calls.is_empty();
        if names_visitors(key) && !said {
            return;
        }
        let reason = EdgeReason::Environment {
            key: key.to_owned(),
            place: value.place.clone(),
        };
        for host in pairs::hosts(&value.value) {
            self.mention(host.name, host.port, &reason);
        }
        if is_no_address(key) && !said && !value.value.contains("://") {
            return;
        }
        self.addresses(&value.value, &reason);
        if !said && !says_host(key) {
            return;
        }
        let beside = self.beside(key);
        let names: IndexSet<&str> = value.value.split(',').map(str::trim).collect();
        for name in names {
            let called = calls.get(name);
            if let Some(port) = called.and_then(|call| call.port) {
                self.mention(name, Some(port), &reason);
            } else if called.is_some() || says_host(key) {
                self.host(name, &beside, &reason);
            }
        }
    }

    fn beside(&self, key: &str) -> Beside {
        let settings = &self.service.environment;
        let pair =
            |(key, value): (&'a String, &'a Placed<String>)| (key.as_str(), value.value.as_str());
        if settings.len() <= MOST_SETTINGS {
            return ports_beside(key, settings.iter().map(pair));
        }
        let own = port_key(key).and_then(|key| settings.get_key_value(&key));
        ports_beside(key, own.map(pair).into_iter())
    }

    /// A bare name that is a host: its port stands beside it, or nowhere.
    fn host(&mut self, name: &str, beside: &Beside, reason: &EdgeReason) {
        let mut ports = beside.further.clone();
        ports.retain(|port| self.is_open(name, *port));
        ports.extend(beside.own);
        if ports.is_empty() {
            self.mention(name, None, reason);
        }
        for port in ports {
            self.mention(name, Some(port), reason);
        }
    }

    /// The texts that the Compose file itself has for it.
    fn configs(&mut self) {
        let given = self.node.and_then(|node| node.get("configs"));
        for item in given.map(Node::items).unwrap_or_default() {
            let source = item.as_str().or_else(|| item.get("source")?.as_str());
            let declared = source.and_then(|name| self.configs?.get(name));
            let content = declared.and_then(|config| config.get("content"));
            if let (Some(name), Some(content)) = (source, content) {
                let reason = EdgeReason::Config {
                    name: name.to_owned(),
                    place: content.place.clone(),
                };
                self.addresses(content.as_str().unwrap_or_default(), &reason);
            }
        }
    }

    fn addresses(&mut self, text: &str, reason: &EdgeReason) {
        let mut seen = HashSet::new();
        for address in addresses(text, |name| self.names.is_known(name)) {
            let port = address.meant_port();
            if self.is_likely(&address) && seen.insert((address.service, port)) {
                self.mention(address.service, port, reason);
            }
        }
    }

    /// Not `redis:7`, unless the file opens that port.
    fn is_likely(&self, address: &Address<'_>) -> bool {
        let few = address.port.filter(|port| *port < LEAST_LIKELY_PORT);
        address.scheme.is_some() || few.is_none_or(|port| self.is_open(address.service, port))
    }

    /// Whether the file says that whom `name` means listens there.
    fn is_open(&self, name: &str, port: u16) -> bool {
        let mut meant = self.names.meant(name);
        meant.any(|it| self.names.is_open(&it.name, port))
    }

    fn words(&mut self, words: &[String], reason: &EdgeReason) {
        for word in words {
            let key = word.split_once('=').map_or("", |(key, _)| key);
            if !is_no_address(key) || word.contains("://") {
                self.addresses(word, reason);
            }
        }
        for Spoken { name, port, sure } in command::spoken(words) {
            let port = match port {
                Some(port) if sure || self.is_open(name, port) => Some(port),
                Some(_) => continue,
                None => None,
            };
            self.mention(name, port, reason);
        }
    }

    /// What shares a namespace or volumes with another waits for it too, and calls nobody by that;
    /// what has ended before the caller starts cannot be called.
    fn dependencies(&mut self) {
        let service = self.service;
        let listed = self.node.and_then(|node| node.get("depends_on"));
        let listed = listed.map(Node::entries).unwrap_or_default();
        let listed: HashSet<&str> = listed.iter().map(|(key, _)| key.text.as_str()).collect();
        for dependency in &service.depends_on {
            let name = dependency.service.as_str();
            let ended = dependency.condition == Condition::ServiceCompletedSuccessfully;
            if listed.contains(name) && !ended {
                let place = dependency.place.clone();
                self.mention(name, None, &EdgeReason::DependsOn { place });
            }
        }
        let links = self.node.and_then(|node| node.get("links"));
        for item in links.map(Node::items).unwrap_or_default() {
            let text = item.text().unwrap_or_default();
            let name = text.split(':').next().unwrap_or_default();
            if ServiceName::new(name).is_ok() {
                let place = item.place.clone();
                self.mention(name, None, &EdgeReason::Links { place });
            }
        }
    }
}
