//! Every form of a setting, and what is none.

use super::*;
use crate::problem::MOST_SHOWN;

fn read(text: &str) -> Vec<(String, String)> {
    let set = BTreeMap::from([("OUT".to_owned(), "outer".to_owned())]);
    let settings =
        parse(Path::new(".env"), text.as_bytes(), &set).unwrap_or_else(|p| panic!("{p}"));
    settings
        .values
        .into_iter()
        .map(|(k, v)| (k, v.value))
        .collect()
}

#[test]
fn every_form_of_a_setting_is_read() {
    for (text, wanted) in [
        ("A=1\n", "1"),
        ("export A=1", "1"),
        ("A = spaced out  \n", "spaced out"),
        ("A: yaml", "yaml"),
        ("A=\n", ""),
        ("A=x # comment", "x"),
        ("A=x#y", "x#y"),
        ("A='single $OUT \\n' # c", "single $OUT \\n"),
        ("A=\"double $OUT \\n\\\"q\\\"\"", "double outer \n\"q\""),
        ("A=\"two\nlines\"", "two\nlines"),
        ("A=$OUT/${NO:-d}", "outer/d"),
        ("A=a=b", "a=b"),
        ("# c\n\n  \nA=1\r\n", "1"),
        ("A=\"\\$OUT\"", "$OUT"),
        ("A=http://x:1/y", "http://x:1/y"),
    ] {
        assert_eq!(
            read(text),
            [("A".to_owned(), wanted.to_owned())],
            "{text:?}"
        );
    }
}

#[test]
fn a_name_alone_takes_what_is_set_or_is_left_out() {
    assert_eq!(
        read("OUT\nNO\nB=2"),
        [("OUT".into(), "outer".into()), ("B".into(), "2".into())]
    );
}

#[test]
fn what_stands_before_the_sign_may_be_nothing() {
    for text in ["=x", "export =x # c", " : x", "=1\n=x"] {
        assert_eq!(read(text), [(String::new(), "x".to_owned())], "{text:?}");
    }
}

#[test]
fn later_lines_see_earlier_ones_and_the_outside_wins() {
    assert_eq!(
        read("A=1\nOUT=inner\nB=$A-$OUT").last(),
        Some(&("B".to_owned(), "1-outer".to_owned()))
    );
}

#[test]
fn what_earlier_files_set_stands_below_what_this_one_does_and_above_nothing() {
    let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let (set, mut before) = (one("OUT", "outer"), one("X", "earlier"));
    before.insert("W".to_owned(), "earlier".to_owned());
    let earlier = Earlier {
        set: before,
        lacks_some: false,
    };
    let text = b"A=$X\nX=here\nOUT=here\nB=$X-$W-$OUT\nW\n";
    let settings = parse_after(Path::new("b.env"), text, &set, &earlier).unwrap();
    let value = |name: &str| settings.values[name].value.as_str();
    assert_eq!(
        [value("A"), value("B"), value("W")],
        ["earlier", "here-earlier-outer", "earlier"]
    );
}

#[test]
fn what_is_no_setting_is_refused_with_its_line() {
    for (text, wanted) in [
        (
            "A=1\nB C=2",
            ".env:2:1: `B C` cannot be the name of a setting: it has ` `",
        ),
        (
            "A=\"${X:-\n}\"",
            ".env:1:1: no brace closes `${X:-` in its line",
        ),
        (
            "\n\nA='x",
            ".env:3:1: the text that begins with ' here has no end",
        ),
        ("A=${", ".env:1:1: `${` is no variable"),
        (
            "A=${X:?need}",
            ".env:1:1: the variable `X` must be set: need",
        ),
    ] {
        let problems = parse(Path::new(".env"), text.as_bytes(), &BTreeMap::new()).expect_err(text);
        assert!(
            problems.to_string().starts_with(wanted),
            "{text:?}: {problems}"
        );
    }
}

#[test]
fn all_lines_that_are_no_setting_are_told_up_to_a_quote_without_end() {
    let none = BTreeMap::new();
    let lines = |problems: Problems| {
        let lines = problems.0.iter().map(|it| it.place.as_ref().unwrap().line);
        lines.collect::<Vec<_>>()
    };
    // What a wrong line should have set is not missed in another.
    let text = b"A B=1\nA=${C?}${D?}\nE=$A${A:?a}\nF\xe9=1\nG='x\ny'\nH I=1\nJ=\"open\nK L=1\n";
    let problems = parse(Path::new("e"), text, &none).unwrap_err();
    assert_eq!(lines(problems), [1, 2, 2, 4, 7, 8]);
    let problems = raw(Path::new("e"), b"A B=1\nC=1\n=\n\xe9=1\n", &none).unwrap_err();
    assert_eq!(lines(problems), [1, 3, 4]);
    let many = "A B=1\n".repeat(10_000);
    for problems in [
        parse(Path::new("e"), many.as_bytes(), &none).unwrap_err(),
        raw(Path::new("e"), many.as_bytes(), &none).unwrap_err(),
    ] {
        assert_eq!(problems.0.len(), MOST_SHOWN);
        assert_eq!(problems.0.last().unwrap().more, 10_000 - MOST_SHOWN);
    }
    // A line that sets nothing is none of the settings that a file may have.
    let more = "A B=1\n".repeat(2 * MAX_SETTINGS);
    let problems = parse(Path::new("e"), more.as_bytes(), &none).unwrap_err();
    assert_eq!(
        problems.0.last().unwrap().more,
        2 * MAX_SETTINGS - MOST_SHOWN
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in "[A-C=:'\"#\\\\$ {}\\né]{0,60}") {
        let _ = parse(Path::new(".env"), text.as_bytes(), &BTreeMap::new());
    }
}

#[test]
fn a_comment_may_be_in_any_encoding_and_a_setting_is_told_with_its_line() {
    let none = BTreeMap::new();
    let (latin, bad) = (b"# caf\xe9\nA=1 # t\xe9\n", b"A=1\nB='caf\xe9'\n");
    let values = |settings: IndexMap<String, Placed<String>>| {
        let values = settings.into_values().map(|it| it.value);
        values.collect::<Vec<_>>()
    };
    let settings = parse(Path::new(".env"), latin, &none).unwrap();
    assert_eq!(values(settings.values), ["1"]);
    let problem = parse(Path::new(".env"), bad, &none)
        .unwrap_err()
        .to_string();
    assert!(
        problem.starts_with(".env:2:1: the setting is not UTF-8"),
        "{problem}"
    );
    assert!(!problem.contains("caf"), "{problem}");

    let settings = raw(Path::new("e"), b"# caf\xe9\nA=1\n", &none).unwrap();
    assert_eq!(values(settings), ["1"]);
    let problem = raw(Path::new("e"), bad, &none).unwrap_err();
    assert_eq!(problem.0[0].place.as_ref().unwrap().line, 2);
}

#[test]
fn what_is_a_space_to_docker_compose_before_a_value_is_none_of_it() {
    let text = "A=\u{a0}x\nB=\u{85}\u{b}\t\"y\"\nC=y\u{a0}\nD=\u{a0}\nE='\u{a0}z'\n";
    let settings = parse(Path::new("e"), text.as_bytes(), &BTreeMap::new()).unwrap();
    let values: Vec<&str> = settings
        .values
        .values()
        .map(|it| it.value.as_str())
        .collect();
    assert_eq!(values, ["x", "y", "y", "", "\u{a0}z"]);
}

#[test]
fn nothing_of_a_key_that_goes_over_several_lines_is_told() {
    let key = "KEY=-----BEGIN KEY-----\nMIIEvQ/AD+x\nAB+cd==\n-----END KEY-----\n";
    let file = Path::new(".env");
    let told = parse(file, key.as_bytes(), &BTreeMap::new()).unwrap_err();
    assert_eq!(told.0.len(), 3, "{told}");
    let raw = raw(file, b"KEY=a\nMII EvQ/\n", &BTreeMap::new()).unwrap_err();
    for part in ["MII", "AB", "END"] {
        assert!(!told.to_string().contains(part), "{told}");
        assert!(!raw.to_string().contains(part), "{raw}");
    }
}

#[test]
fn a_name_may_have_every_space_but_the_plain_one() {
    let text = "A\tB=1\nA\u{a0}C=2\nA\u{b}D: 3\nE \t=4\n";
    let wanted = [
        ("A\tB", "1"),
        ("A\u{a0}C", "2"),
        ("A\u{b}D", "3"),
        ("E", "4"),
    ];
    assert_eq!(
        read(text),
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let told = parse(Path::new("e"), b"A\t B=1\n", &BTreeMap::new()).unwrap_err();
    assert!(told.to_string().starts_with("e:1:1: `A  B`"), "{told}");
}

#[test]
fn a_file_of_another_encoding_is_told_once_where_docker_compose_refuses_it() {
    let none = BTreeMap::new();
    let utf16 = |text: &str, mark: &[u8]| {
        let bytes = text.encode_utf16().flat_map(u16::to_le_bytes);
        mark.iter().copied().chain(bytes).collect::<Vec<u8>>()
    };
    let text = "A=1\r\n# c d\r\nB=2 3\r\n";
    let told = |read: Result<(), Problems>| read.map_err(|it| it.to_string());
    for (bytes, wanted) in [
        (utf16(text, b"\xff\xfe"), "e:1:1: the file is UTF-16 text"),
        (utf16(text, b""), "e:1:1: the file has NUL bytes here"),
        (
            b"A=1\n\0\0\nB C=1".to_vec(),
            "e:2:1: the file has NUL bytes here",
        ),
    ] {
        let told = told(parse(Path::new("e"), &bytes, &none).map(drop)).unwrap_err();
        assert!(told.starts_with(wanted) && !told.contains('\n'), "{told}");
    }
    let told = told(raw(Path::new("e"), &utf16(text, b"\xff\xfe"), &none).map(drop)).unwrap_err();
    assert!(
        told.starts_with("e:1:1: the file is UTF-16") && !told.contains('\n'),
        "{told}"
    );
    // A value may have what a name may not, and nobody reads a comment.
    assert_eq!(read("A=x\0"), [("A".to_owned(), "x\0".to_owned())]);
    assert!(parse(Path::new("e"), &utf16("# c", b""), &none).is_ok());
    assert!(raw(Path::new("e"), &utf16("A=1\r\nB=2\r\n", b""), &none).is_ok());
}

#[test]
fn what_a_file_that_cannot_be_read_may_set_is_not_missed() {
    let earlier = Earlier {
        lacks_some: true,
        ..Earlier::default()
    };
    let text = b"A=${X:?needed}\nB=$Y\nC=1\n";
    let settings = parse_after(Path::new("e"), text, &BTreeMap::new(), &earlier).unwrap();
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let names: Vec<&String> = settings.values.keys().collect();
    assert_eq!(names, ["B", "C"]);
}

#[test]
fn a_name_alone_that_the_file_ends_in_is_a_value_without_a_name() {
    for (text, name, value) in [
        ("OUT\n", "OUT", "outer"),
        ("OUT", "", "OUT"),
        ("A=1\n export OUT of \t", "", "OUT of"),
    ] {
        let all = read(text);
        let last = all
            .last()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(last, Some((name, value)), "{text:?}");
    }
    let told = parse(Path::new("e"), b"A=1\nexport ", &BTreeMap::new()).unwrap_err();
    assert!(
        told.to_string()
            .starts_with("e:2:1: `export` names no setting"),
        "{told}"
    );
    assert_eq!(read("export \n"), []);
}
