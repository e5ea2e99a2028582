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
    let Walked { first, second } = walked;
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
            "a: [b, ?c]\n",
            "f:1:8: `?` makes a key here, and it has no value (write `{KEY: }`, or put it in \
             quotes where it is a text)",
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

proptest::proptest! {
    #[test]
    fn the_first_pass_finds_every_character_where_it_stood(
        text in "[a:?,#&!|>'\"\\\\ \t\n\\[\\]{}é\u{2028}-]{0,80}",
    ) {
        if let Ok(walked) = walk(&start(), &text) {
            let lines = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
            let (first, whole) = (lines(&walked.first), lines(&text));
            assert_eq!(first.len(), whole.len());
            // Only lines in quotes are moved, all of each to the right.
            let is_moved = |(first, whole): (&usize, &usize)| first > whole;
            let has_quotes = text.contains(['\'', '"']);
            assert!(first.iter().zip(&whole).all(|it| it.0 == it.1 || has_quotes && is_moved(it)));
            assert!(walked.second.len() >= text.len());
        }
    }
}
