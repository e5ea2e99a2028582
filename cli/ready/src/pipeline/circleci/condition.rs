//! Conditions of CircleCI's, as far as they are known from the parameters of a pipeline.

use std::collections::BTreeMap;
use std::rc::Rc;

use msvc_system::yaml::{Node, NodeValue};

/// The parameters of a pipeline whose values are known, as texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    all: Rc<BTreeMap<String, String>>,
    /// One that is set, whatever the others say of it.
    set: Option<(String, String)>,
}

impl Parameters {
    /// What a file declares them to be where nobody says otherwise.
    pub(super) fn declared(root: &Node) -> Self {
        let all = root.get("parameters").map(Node::entries);
        let known = all.unwrap_or_default().iter().filter_map(|(key, it)| {
            let default = it.get("default")?.text()?;
            Some((key.text.clone(), default))
        });
        Self {
            all: Rc::new(known.collect()),
            set: None,
        }
    }

    /// The same, one of them set.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        Self {
            all: Rc::clone(&self.all),
            set: Some((name.to_owned(), value.to_owned())),
        }
    }

    /// The same without some.
    pub(super) fn without<'a>(&self, names: impl Iterator<Item = &'a String>) -> Self {
        let mut all = (*self.all).clone();
        for name in names {
            all.remove(name);
        }
        Self {
            all: Rc::new(all),
            set: None,
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        match &self.set {
            Some((set, value)) if set == name => Some(value),
            _ => self.all.get(name).map(String::as_str),
        }
    }

    /// What stands at a value of a condition; `None` when that cannot be known.
    fn value(&self, text: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("<<") {
            let (name, after) = after.split_once(">>")?;
            value.push_str(before);
            let name = name.trim().strip_prefix("pipeline.parameters.")?;
            value.push_str(self.get(name)?);
            rest = after;
        }
        // Expressions without signs around them.
        (!rest.contains("pipeline.")).then(|| value + rest)
    }
}

/// Whether a condition holds; `None` when that cannot be known.
pub(super) fn holds(node: &Node, parameters: &Parameters) -> Option<bool> {
    if let NodeValue::Null = node.value {
        return Some(false);
    }
    if let Some(text) = node.text() {
        let value = parameters.value(&text)?;
        return Some(!["", "false", "0", "null"].contains(&value.as_str()));
    }
    let [(operator, given)] = node.entries() else {
        return None;
    };
    let truths = || given.items().iter().map(|it| holds(it, parameters));
    match operator.text.as_str() {
        "not" => holds(given, parameters).map(|is| !is),
        "and" | "or" if given.items().is_empty() => Some(false),
        "and" if truths().any(|is| is == Some(false)) => Some(false),
        "and" if truths().all(|is| is == Some(true)) => Some(true),
        "or" if truths().any(|is| is == Some(true)) => Some(true),
        "or" if truths().all(|is| is == Some(false)) => Some(false),
        "equal" => {
            let values = given.items().iter().map(|it| parameters.value(&it.text()?));
            let values: Vec<String> = values.collect::<Option<_>>()?;
            let first = values.first()?;
            Some(values.iter().all(|it| it == first))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use msvc_system::yaml;

    use super::*;

    #[test]
    fn a_condition_comes_to_what_its_parameters_say() {
        let known = [("on", "true"), ("off", "false"), ("name", "x")];
        let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let parameters = Parameters {
            all: Rc::new(BTreeMap::from(known)),
            set: None,
        };
        for (condition, wanted) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("''", Some(false)),
            ("<< pipeline.parameters.on >>", Some(true)),
            ("<<pipeline.parameters.off>>", Some(false)),
            ("<< pipeline.parameters.unknown >>", None),
            ("{not: << pipeline.parameters.on >>}", Some(false)),
            ("{and: [<< pipeline.parameters.on >>, false]}", Some(false)),
            ("{and: [<< pipeline.parameters.on >>, true]}", Some(true)),
            ("{and: [<< pipeline.git.branch >>, true]}", None),
            ("{and: [<< pipeline.git.branch >>, false]}", Some(false)),
            ("{or: [<< pipeline.git.branch >>, true]}", Some(true)),
            ("{or: [{not: true}, false]}", Some(false)),
            ("{or: []}", Some(false)),
            ("{equal: [x, << pipeline.parameters.name >>]}", Some(true)),
            (
                "{equal: [true, << pipeline.parameters.off >>]}",
                Some(false),
            ),
            ("{equal: [main, << pipeline.git.branch >>]}", None),
            (
                "{matches: {pattern: x, value: << pipeline.parameters.name >>}}",
                None,
            ),
            ("pipeline.parameters.on", None),
            ("{and: [true], or: [true]}", None),
        ] {
            let text = format!("when: {condition}\n");
            let node = yaml::parse(Path::new("/r/x.yml"), text.as_bytes()).unwrap();
            let found = holds(node.get("when").unwrap(), &parameters);
            assert_eq!(found, wanted, "{condition}");
        }
    }
}
