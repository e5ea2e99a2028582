//! The routing table: `routes.toml`, which is packed with the gateway, read and checked at start.
//! All its mistakes are told together, each with its line. Nothing is routed in here.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use toml::Spanned;

use crate::upstreams::Service;

/// The table that the gateway is packed with.
pub(crate) const PACKED: &str = include_str!("../routes.toml");

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// No token is needed.
    Anyone,
    /// A token of any account.
    SignedIn,
    /// A token of an operator.
    Operator,
}

/// What is answered when the service behind is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// That it is away.
    None,
    /// What it last answered to the same question.
    Stale,
    /// An empty list.
    Empty,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Does {
    /// It is passed on to a service, at this path.
    Forward {
        to: Service,
        path: String,
        fallback: Fallback,
    },
    /// The home page is put together.
    Home,
    /// Inventory is asked for a level.
    ShowStock,
    /// Inventory is told a level.
    SetStock,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) who: Who,
    pub(crate) does: Does,
}

impl Route {
    /// The names of its parameters, in their order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        parameters(&self.path)
    }
}

/// Every mistake of a table, one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the routing table cannot be used:\n{}", .0.join("\n"))]
pub(crate) struct TableError(Vec<String>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    routes: Vec<Spanned<toml::Table>>,
}

/// One entry while it is read.
struct Entry<'f> {
    fields: toml::Table,
    problems: &'f mut Vec<String>,
}

/// Reads the table in `text`, whose file is called `name`.
///
/// # Errors
/// With everything that is wrong with it.
pub(crate) fn read(name: &str, text: &str) -> Result<Vec<Route>, TableError> {
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        TableError(vec![format!("  {name}:{line} {}", error.message())])
    })?;
    let mut problems = Vec::new();
    let mut routes: Vec<Route> = Vec::new();
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in file.routes {
        let line = line_of(entry.span().start);
        let mut told = Vec::new();
        let route = Entry {
            fields: entry.into_inner(),
            problems: &mut told,
        }
        .route();
        if let Some(route) = route {
            if let Some((other, at)) = routes.iter().find_map(|other| clash(other, &route)) {
                told.push(format!(
                    "{other} has {at} in the same place: one place has one name"
                ));
                problems.extend(told.iter().map(|told| format!("  {name}:{line} {told}")));
                continue;
            }
            let shape = (route.method.to_string(), shape(&route.path));
            match taken.insert(shape, line) {
                None => routes.push(route),
                Some(other) => told.push(format!(
                    "{} {} stands on line {other} too",
                    route.method, route.path
                )),
            }
        }
        problems.extend(told.iter().map(|told| format!("  {name}:{line} {told}")));
    }
    if routes.is_empty() && problems.is_empty() {
        problems.push(format!("  {name}:1 there is no route"));
    }
    if problems.is_empty() {
        Ok(routes)
    } else {
        Err(TableError(problems))
    }
}

impl Entry<'_> {
    fn route(mut self) -> Option<Route> {
        let on = self.text("on");
        let who = self.text("who");
        let to = self.optional("to");
        let does = self.optional("does");
        let path = self.optional("path");
        let fallback = self.optional("fallback");
        for unknown in std::mem::take(&mut self.fields).keys() {
            self.refuse(&format!(
                "`{unknown}` is none of on, who, to, path, does, fallback"
            ));
        }
        let on = on.and_then(|on| self.on(&on));
        let who = who.and_then(|who| self.who(&who));
        let fallback = self.fallback(fallback.as_deref());
        let does = match (to, does) {
            (Some(to), None) => self.forward(&to, path, on.as_ref(), fallback),
            (None, Some(does)) => {
                if path.is_some() || fallback != Some(Fallback::None) {
                    self.refuse("`path` and `fallback` belong to `to`, not to `does`");
                }
                self.own(&does)
            }
            _ => {
                self.refuse("say either `to` or `does`");
                None
            }
        };
        let (method, path) = on?;
        if let Some(Does::Forward { fallback, .. }) = &does {
            if *fallback != Fallback::None && method != Method::GET {
                self.refuse("`fallback` is for GET alone");
            }
            if *fallback == Fallback::Stale && who.is_some_and(|who| who != Who::Anyone) {
                self.refuse("what one caller was answered is never shown to another: `stale` is for anyone's routes");
            }
        }
        let route = Route {
            method,
            path,
            who: who?,
            does: does?,
        };
        self.problems.is_empty().then_some(route)
    }

    fn on(&mut self, on: &str) -> Option<(Method, String)> {
        let (method, path) = on.split_once(' ').unwrap_or((on, ""));
        let method = match method {
            "GET" => Method::GET,
            "PUT" => Method::PUT,
            "POST" => Method::POST,
            _ => {
                self.refuse(&format!("on = {on:?}: begin with GET, PUT or POST"));
                return None;
            }
        };
        if !is_path(path) || path.contains('?') {
            self.refuse(&format!("on = {on:?}: {path:?} is no path"));
            return None;
        }
        for reserved in ["/healthz", "/readyz", "/metrics"] {
            if path == reserved {
                self.refuse(&format!("{reserved} is the gateway's own"));
                return None;
            }
        }
        for parameter in parameters(path) {
            if !PARAMETERS.contains(&parameter) {
                self.refuse(&format!("{{{parameter}}} is none of {{sku}}, {{id}}"));
                return None;
            }
        }
        Some((method, path.to_owned()))
    }

    fn who(&mut self, who: &str) -> Option<Who> {
        match who {
            "anyone" => Some(Who::Anyone),
            "signed-in" => Some(Who::SignedIn),
            "operator" => Some(Who::Operator),
            _ => {
                self.refuse(&format!("who = {who:?}: say anyone, signed-in or operator"));
                None
            }
        }
    }

    fn fallback(&mut self, fallback: Option<&str>) -> Option<Fallback> {
        match fallback {
            None => Some(Fallback::None),
            Some("stale") => Some(Fallback::Stale),
            Some("empty") => Some(Fallback::Empty),
            Some(other) => {
                self.refuse(&format!("fallback = {other:?}: say stale or empty"));
                None
            }
        }
    }

    fn forward(
        &mut self,
        to: &str,
        path: Option<String>,
        on: Option<&(Method, String)>,
        fallback: Option<Fallback>,
    ) -> Option<Does> {
        let service = Service::named(to);
        if service.is_none() {
            let names = Service::ALL.map(Service::name).join(", ");
            self.refuse(&format!("to = {to:?} is none of {names}"));
        }
        let (_, asked) = on?;
        let path = path.unwrap_or_else(|| asked.clone());
        if !is_path(&path) {
            self.refuse(&format!("path = {path:?} is no path"));
            return None;
        }
        for parameter in parameters(&path) {
            if !parameters(asked).any(|given| given == parameter) {
                self.refuse(&format!("path has {{{parameter}}}, which `on` has not"));
                return None;
            }
        }
        Some(Does::Forward {
            to: service?,
            path,
            fallback: fallback?,
        })
    }

    fn own(&mut self, does: &str) -> Option<Does> {
        match does {
            "home" => Some(Does::Home),
            "show-stock" => Some(Does::ShowStock),
            "set-stock" => Some(Does::SetStock),
            _ => {
                self.refuse(&format!(
                    "does = {does:?}: say home, show-stock or set-stock"
                ));
                None
            }
        }
    }

    /// The text of a field that must be there.
    fn text(&mut self, name: &str) -> Option<String> {
        if !self.fields.contains_key(name) {
            self.refuse(&format!("`{name}` is missing"));
        }
        self.optional(name)
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name)? {
            toml::Value::String(text) => Some(text),
            _ => {
                self.refuse(&format!("`{name}` is no text"));
                None
            }
        }
    }

    fn refuse(&mut self, problem: &str) {
        self.problems.push(problem.to_owned());
    }
}

/// Parameters that are known, and checked before anything leaves.
const PARAMETERS: [&str; 2] = ["sku", "id"];

/// A path of segments that are plain or one parameter, perhaps with a query.
fn is_path(path: &str) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._".contains(&c);
    let segment = |segment: &str| {
        let inner = segment
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'));
        let text = inner.unwrap_or(segment);
        !text.is_empty() && text.bytes().all(plain) && text != "." && text != ".."
    };
    let pair = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(name, value)| segment(name) && segment(value))
    };
    path.strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(segment))
        && (query.is_empty() || query.split('&').all(pair))
}

/// The names between braces.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// Whether the two have a parameter of different names in the same place, which no router can
/// tell apart; answers the other's path and its parameter.
fn clash<'r>(other: &'r Route, route: &Route) -> Option<(&'r str, &'r str)> {
    let pairs = other.path.split('/').zip(route.path.split('/'));
    for (one, two) in pairs {
        if one.starts_with('{') && two.starts_with('{') && one != two {
            return Some((&other.path, one));
        }
        if one != two {
            return None;
        }
    }
    None
}

/// `path` with its parameters unnamed: two paths of one shape match the same requests.
fn shape(path: &str) -> String {
    path.split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests;
