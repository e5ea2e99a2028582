//! Numbers that JSON has no word for: infinite ones, and what is none.

use super::Resolved;
use crate::normal_form::yaml;
use crate::problem::{Problem, Problems};
use crate::yaml::{Node, NodeValue};

impl Resolved {
    /// Whether all that is printed can be said in JSON; `as_written` is of [`Self::written`], which has more.
    ///
    /// # Errors
    /// Each number that cannot, as Docker Compose ends in an error.
    pub fn can_be_json(&self, as_written: bool) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for (key, node) in self.tree.entries() {
            if as_written || key.text.starts_with("x-") {
                tell(node, &mut problems);
            }
        }
        problems.or(())
    }
}

fn tell(node: &Node, problems: &mut Problems) {
    match &node.value {
        NodeValue::Float(number) if !number.is_finite() => {
            let what = format!("JSON has no word for `{}`", yaml::endless(*number));
            let problem = Problem::error(what).at(node.place.clone());
            problems.push(problem.hint("put it in quotes, or print YAML"));
        }
        NodeValue::Seq(items) => items.iter().for_each(|it| tell(it, problems)),
        NodeValue::Map(entries) => entries.iter().for_each(|(_, it)| tell(it, problems)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::files::Files;
    use crate::load::resolve;
    use crate::load::testing::request;

    #[test]
    fn a_number_without_an_end_is_told_where_json_would_have_to_say_it() {
        let text = "services: {a: {image: a, x-a: .inf}}\nx-top: {b: [.nan, -.inf], c: \".inf\"}\n";
        let files = Files::in_memory([("/system/compose.yaml".into(), text.into())].into());
        let (resolved, _) = resolve(&request(), &files).unwrap();
        let told = |as_written| resolved.can_be_json(as_written).unwrap_err().to_string();
        let top = "compose.yaml:2:13: JSON has no word for `.nan` (put it in quotes, or print YAML)\n\
                   compose.yaml:2:19: JSON has no word for `-.inf` (put it in quotes, or print YAML)";
        assert_eq!(told(false), top);
        let service =
            "compose.yaml:1:31: JSON has no word for `.inf` (put it in quotes, or print YAML)";
        assert_eq!(told(true), format!("{service}\n{top}"));
    }
}
