//! `labels` over the files of `label_file`.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::Context;
use crate::dotenv;
use crate::forms::scalar_text;
use crate::problem::{Problem, Problems};
use crate::yaml::Node;

pub(crate) fn labels(
    name: &str,
    service: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> IndexMap<String, String> {
    let mut all = match context.given.labels.get(name) {
        Some(given) => given.clone(),
        None => from_files(service, context, problems),
    };
    let labels = service.entries_of("labels");
    let labels = labels.iter();
    all.extend(labels.filter_map(|(key, value)| Some((key.text.clone(), scalar_text(value)?))));
    all
}

/// What the files of `label_file` say; variables in them look at what stands earlier in them.
pub(crate) fn from_files(
    service: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> IndexMap<String, String> {
    let mut all = IndexMap::new();
    let files = service.get("label_file").map(Node::items);
    for item in files.unwrap_or_default() {
        match from_file(item, &all, context, problems) {
            Ok(labels) => all.extend(labels),
            Err(found) => problems.0.extend(found.0),
        }
    }
    all
}

fn from_file(
    item: &Node,
    earlier: &IndexMap<String, String>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<Vec<(String, String)>, Problems> {
    let earlier = earlier.iter().map(|(k, v)| (k.clone(), v.clone()));
    let path = scalar_text(item).filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| {
        item.expected("an entry of `label_file`", "a path")
            .hint("write `label_file: [labels.env]`")
    })?;
    let file = context.path(&path);
    context.settings.may_read(&item.place)?;
    let bytes = context.files.read(&file).map_err(|error| {
        let what = format!(
            "the `label_file` {} cannot be read: {error}",
            context.files.named(&file).display()
        );
        let problem = Problem::error(what).at(item.place.clone());
        problem.hint("create it, or take it out of `label_file`")
    })?;
    let earlier: BTreeMap<String, String> = earlier.collect();
    context.settings.read(bytes.len(), earlier.len());
    let settings = dotenv::parse(&context.shown(&file), &bytes, &earlier);
    let settings = settings.inspect_err(|wrong| context.settings.told(wrong))?;
    let values = settings.values.values().map(|it| it.value.as_str());
    context.settings.gave(values);
    problems.0.extend(settings.warnings);
    let labels = settings.values.into_iter();
    Ok(labels.map(|(key, label)| (key, label.value)).collect())
}
