//! Which signs a walk takes another way, and where.

use std::path::Path;

use super::*;

fn start() -> Place {
    Place {
        file: Path::new("f").into(),
        line: 1,
        column: 1,
    }
}

#[test]
fn signs_are_taken_another_way_only_where_they_are_tokens() {
    // Nothing of these is changed: in quotes, in lines of text, in comments and without brackets.
    for text in [
        "a: 'b:, [-]\\'' ?c'\n",
        "a: \"b:, [-] ?c\"\n",
        "a: |\n  [b:, -, ?c\td]\n  \"\\'\n",
        "a: >2-\n  \t[b:,\n\n   c\"\\/\n",
        "a: b:, -,? [c\n  \"\\' d:]\n",
        "a: b:,\n  - \"\\'\"\n",
        "a?: b?\n",
    ] {
        let walked = walk(&start(), text).unwrap();
        assert_eq!(
            (walked.first.as_str(), walked.second.as_str()),
            (text, text)
        );
    }
    let walked = walk(&start(), "a: |\n  [b:,\nc: [b:,\t-,\"\\'\"]#d\n").unwrap();
    let Walked { first, second, .. } = walked;
    assert_eq!(first, "a: |\n  [b:,\nc: [bx, x,\"\\a\"]  \n");
    assert_eq!(second, "a: |\n  [b:,\nc: ['b:',\t-,\"\\x27\"]#d\n");
    assert!(
        walk_where_needed(&start(), "a: [b, {c: 'd'}] # e\n")
            .unwrap()
            .is_none()
    );
}

#[test]
fn what_docker_composes_parser_does_not_take_is_told_where_it_stands() {
    for (text, wanted) in [
        (
            "a:\n  - [é, b?c]\n",
            "f:2:10: `?` begins a key here, where a text without quotes in brackets stands (put \
             the text in quotes)",
        ),
        (
            "a: ['b', \"c\\/\"]\n",
            "f:1:10: `\\/` stands for nothing in YAML 1.1 (write `/`)",
        ),
    ] {
        let told = walk(&start(), text).map(drop).unwrap_err();
        assert_eq!(told.to_string(), wanted);
    }
}

/// The characters of a text, each with where it stands.
fn spots(text: &str) -> impl Iterator<Item = (char, (usize, usize))> {
    let lines = text.split('\n').zip(1..);
    lines.flat_map(|(line, number)| line.chars().zip((0..).map(move |column| (number, column))))
}

proptest::proptest! {
    #[test]
    fn what_the_first_pass_finds_is_told_where_it_stands(
        text in "[a:?,#&!|>\\\\ \t\n\\[\\]{}é-]{0,80}",
    ) {
        if let Ok(walked) = walk(&start(), &text) {
            let stands: std::collections::HashMap<_, _> =
                spots(&text).map(|(sign, spot)| (spot, sign)).collect();
            // Comments are spaces to it, a byte each: what follows in their line is nothing.
            for (sign, spot) in spots(&walked.first).filter(|(sign, _)| !" x".contains(*sign)) {
                let stood = stands.get(&walked.moved.back(spot));
                assert_eq!(stood, Some(&sign), "{}", walked.first);
            }
            assert!(walked.second.len() >= text.len());
        }
    }

    #[test]
    fn what_follows_lines_in_quotes_is_told_where_it_stands(
        lines in "([a\\\\'é\\[:] ?|\t|\r?\n ?){0,40}", indent in 0..3_usize, end in "[\n #]{0,5}",
    ) {
        let lines = lines.replace('\\', "\\\\");
        let text = format!("{:indent$}- \"{lines}\"{end}\n{:indent$}- !z [?Z]\n", "", "");
        let walked = walk(&start(), &text).unwrap();
        let last = |text: &str| spots(text).filter(|(sign, _)| *sign == 'Z').last().unwrap().1;
        assert_eq!(walked.moved.back(last(&walked.first)), last(&text));
        let marks = crate::yaml::marks::read_of(&start(), &walked.first, &walked.moved, &text);
        let [one] = marks.unwrap_or_else(|why| panic!("{why}: {}", walked.first)).try_into().ok().unwrap();
        let is_last = |mark: &&crate::yaml::marks::Mark| {
            matches!(&mark.shape, crate::yaml::marks::Shape::Scalar(text) if text.as_ref() == "Z")
        };
        let found = (0..9).filter_map(|at| one.written(at)).find(is_last).unwrap();
        let last = last(&text);
        assert_eq!((found.line as usize, found.column as usize - 1), last);
    }
}
