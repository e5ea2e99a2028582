//! A file whose services are extended: each is found by its name, and resolved in its place.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::problem::{FileName, Place};
use crate::yaml::{Key, Node, NodeValue};

/// A service of a source, both by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) source: usize,
    pub(super) service: usize,
}

/// How far a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it is written.
    Written,
    /// What it extends is being looked for.
    Open,
    /// It extends nothing any more.
    Resolved,
    /// What it extends cannot be had.
    Wrong,
}

/// The services of a file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The folder that relative paths count from.
    pub(super) folder: PathBuf,
    /// What the file is called.
    pub(super) shown: FileName,
    services: Vec<(Key, Node)>,
    states: Vec<State>,
    positions: HashMap<String, usize>,
}

impl Source {
    /// The services of a tree, taken out of it.
    pub(super) fn of(tree: &mut Node, folder: PathBuf) -> Self {
        let services = match tree.get_mut("services").map(|node| &mut node.value) {
            Some(NodeValue::Map(services)) => std::mem::take(services),
            _ => Vec::new(),
        };
        let names = services.iter().map(|(key, _)| key.text.clone());
        Self {
            folder,
            shown: tree.place.file.clone(),
            positions: names.zip(0..).collect(),
            states: vec![State::Written; services.len()],
            services,
        }
    }

    /// A file that says nothing.
    pub(super) fn empty(shown: PathBuf, folder: PathBuf) -> Self {
        Self {
            folder,
            shown: shown.into(),
            ..Self::default()
        }
    }

    /// Puts the services back into their tree.
    pub(super) fn put_back(self, tree: &mut Node) {
        if let Some(NodeValue::Map(services)) = tree.get_mut("services").map(|node| &mut node.value)
        {
            *services = self.services;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.services.len()
    }

    /// Where a service stands; one that is taken back is none.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let at = self.positions.get(name).copied()?;
        let is_reset = self.service(at).is_some_and(Node::is_reset);
        (!is_reset).then_some(at)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|(key, _)| key.text.as_str())
    }

    pub(super) fn name(&self, at: usize) -> Option<&str> {
        self.services.get(at).map(|(key, _)| key.text.as_str())
    }

    pub(super) fn service(&self, at: usize) -> Option<&Node> {
        self.services.get(at).map(|(_, service)| service)
    }

    pub(super) fn state(&self, at: usize) -> State {
        self.states.get(at).copied().unwrap_or(State::Wrong)
    }

    fn becomes(&mut self, at: usize, state: State) {
        if let Some(slot) = self.states.get_mut(at) {
            *slot = state;
        }
    }

    /// Takes a service's `extends` out of it; where there is none, it is resolved.
    pub(super) fn open(&mut self, at: usize) -> Option<Node> {
        let extends = self.services.get_mut(at)?.1.remove("extends");
        let extends = extends.filter(|extends| !extends.is_reset());
        let state = match extends {
            Some(_) => State::Open,
            None => State::Resolved,
        };
        self.becomes(at, state);
        extends
    }

    /// A service's name, and what it says itself, which is taken away.
    pub(super) fn take(&mut self, at: usize) -> Option<(String, Node)> {
        let (key, service) = self.services.get_mut(at)?;
        let nothing = Node::new(service.place.clone(), NodeValue::Null);
        Some((key.text.clone(), std::mem::replace(service, nothing)))
    }

    /// Puts a service there that is whole.
    pub(super) fn resolved(&mut self, at: usize, service: Node) {
        if let Some((_, slot)) = self.services.get_mut(at) {
            *slot = service;
        }
        self.becomes(at, State::Resolved);
    }

    /// Leaves of a wrong `extends` only that there is one, so that nobody misses what it would have
    /// given.
    pub(super) fn give_up(&mut self, at: usize, place: Place) {
        if let Some((_, service)) = self.services.get_mut(at)
            && let NodeValue::Map(fields) = &mut service.value
        {
            let key = Key {
                text: "extends".to_owned(),
                place: place.clone(),
            };
            let nothing = Node::new(place, NodeValue::String(String::new()));
            fields.push((key, nothing));
        }
        self.becomes(at, State::Wrong);
    }
}
