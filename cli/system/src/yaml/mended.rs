//! Where Docker Compose's parser of YAML goes another way than the two that read here: `"\'"`, `[-]` and
//! `[a:]` are YAML to it, tabs too where they stand between tokens, and `"\/"` and `[a?b]` are none.
//!
//! What comes in: the text of a Compose file. What leaves: its marks, and the text that the second pass
//! reads the same of. What must not enter: what a document means; where a sign stands ([`super::walk`]).

use std::borrow::Cow;

use super::marks::{self, Marks};
use super::walk::{self, Walked};
use crate::problem::{Place, Problems};

/// The marks of every document, and the text for the second pass.
pub(super) fn read<'t>(
    start: &Place,
    text: &'t str,
) -> Result<(Vec<Marks>, Cow<'t, str>), Problems> {
    let as_walked = |walked: Walked| {
        let marks = marks::read_of(start, &walked.first, &walked.moved, text)?;
        Ok((marks, Cow::Owned(walked.second)))
    };
    if let Some(walked) = walk::walk_where_needed(start, text)? {
        return as_walked(walked);
    }
    let why = match marks::read(start, text) {
        Ok(marks) => return Ok((marks, Cow::Borrowed(text))),
        Err(why) => why,
    };
    // What has no such sign, as the lines of a text in quotes that begin too far to the left, shows only now;
    // what is wrong with it then is what is wrong.
    match walk::walk(start, text) {
        Ok(walked) if walked.first != text => as_walked(walked),
        _ => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn read(text: &str) -> Result<serde_json::Value, String> {
        let trees = crate::yaml::parse_documents("f".as_ref(), text.as_bytes());
        let mut trees = trees.map_err(|problems| problems.to_string())?;
        Ok(trees.pop().unwrap().to_json())
    }

    #[test]
    fn signs_are_taken_as_docker_composes_parser_takes_them() {
        for (text, wanted) in [
            (
                r#"{a: "it\'s", "\'": "\\'\"\'"}"#,
                json!({"a": "it's", "'": "\\'\"'"}),
            ),
            (
                r#"[-, "\'", [-], {c: -, d: e}]"#,
                json!(["-", "'", ["-"], {"c": "-", "d": "e"}]),
            ),
            (
                "a: &x '\\'\n---\n{b: *x, c: \"\\'\"}",
                json!({"b": "\\", "c": "'"}),
            ),
            ("[a:, 'b', c::]", json!(["a:", "b", "c::"])),
            (
                "{a:, it's:, b c:: d}",
                json!({"a:": null, "it's:": null, "b c:": "d"}),
            ),
            ("[it's\n\n one:,a]", json!(["it's\none:", "a"])),
            ("{?a: b, ?c}", json!({"a": "b", "c": null})),
            ("[?a: b, '?']", json!([{"a": "b"}, "?"])),
            (
                "[?b, ?c d, [?\"e\"], ?'f' # g\n, ?h:, ?&i j, *i, ?!!str k,]",
                json!([
                    {"b": null}, {"c d": null}, [{"e": null}], {"f": null}, {"h:": null},
                    {"j": null}, "j", {"k": null}
                ]),
            ),
            (
                "{?b, ?c: [?d: e], ?\n f}",
                json!({"b": null, "c": [{"d": "e"}], "f": null}),
            ),
            (
                "a:\n  b: \"x\ny\n\n z\"\n  c: 'x\n  y'\nd: e",
                json!({"a": {"b": "x y\nz", "c": "x y"}, "d": "e"}),
            ),
            (
                "- \"x\\\ny\"\n- |#c\n  z\n- >-#c\n  z",
                json!(["xy", "z\n", "z"]),
            ),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        let slash = "f:1:5: `\\/` stands for nothing in YAML 1.1 (write `/`)";
        assert_eq!(read(r#"{a: "b\/"}"#).unwrap_err(), slash);
        assert!(read(r#"{a: "b\\/", c: 'd\/'}"#).is_ok());
        for text in [
            r#"["\q"]"#,
            "[:]",
            "[- , a]",
            r#"["\'"#,
            "[?]",
            "[?,a]",
            "[??b]",
        ] {
            assert!(
                read(text).unwrap_err().contains("this is not YAML"),
                "{text}"
            );
        }
        for (text, wanted) in [
            ("a: \"x\ny\"\nb: [c\nd: e", "f:4:2"),
            (
                "a: 'x\ny'\nb: *c",
                "f:3:4: the anchor `c` is not defined above",
            ),
            (
                "a: [?b, ?é, *c]",
                "f:1:13: the anchor `c` is not defined above",
            ),
            (
                "a: |#c\n  x\nb: *c",
                "f:3:4: the anchor `c` is not defined above",
            ),
            ("a:\n  b: \"x\n---\ny\"", "f:3:1: this is not YAML"),
            (
                "a: &b c\n---\nd: \"x\n---\ny\"\ne: *b",
                "f:4:1: this is not YAML",
            ),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.starts_with(wanted), "{text}: {told}");
        }
        let many = 100_000;
        let text = format!("[{}]", "-, \"\\'\", ".repeat(many / 2));
        let read = read(&text).unwrap();
        assert_eq!(read.as_array().unwrap().len(), many);
    }
}
