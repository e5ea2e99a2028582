//! Every form of a variable, and what is none.

use super::*;

fn environment() -> BTreeMap<String, String> {
    [("SET", "value"), ("EMPTY", ""), ("_x1", "under")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

fn text(template: &str) -> Result<String, TemplateError> {
    Interpolation::new(&environment()).text(template, &mut Vec::new())
}

#[test]
fn every_form_takes_the_value_that_compose_takes() {
    for (template, wanted) in [
        ("plain", "plain"),
        ("$SET/${SET}/$_x1", "value/value/under"),
        ("$$SET $$$SET", "$SET $value"),
        (
            "${NO:-d} ${NO-d} ${EMPTY:-d} ${EMPTY-d} ${SET:-d}",
            "d d d  value",
        ),
        (
            "${NO:+r}|${NO+r}|${EMPTY:+r}|${EMPTY+r}|${SET:+r}",
            "|||r|r",
        ),
        ("${SET:?e} ${SET?e} ${EMPTY?e}", "value value "),
        ("${NO:-${EMPTY:-${SET}}}x", "valuex"),
        ("${NO:-a$SET-${NO-b}}c", "avalue-bc"),
        ("${NO:-{\"a\": {}}}!", "{\"a\": {}}!"),
        ("${NO-:-}", ":-"),
        ("${NO:-http://x?y=1}", "http://x?y=1"),
        ("$NO|${NO}|", "||"),
        ("cost: 5$ $1 $. $(pwd)", "cost: 5$ $1 $. $(pwd)"),
        ("${NO:-$$x}", "$x"),
        ("é$SET→", "évalue→"),
        ("${NO:-a}\n{${SET}}\n}", "a\n{value}\n}"),
    ] {
        assert_eq!(text(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn unknown_forms_are_refused() {
    for template in [
        "${",
        "${}",
        "${SET",
        "${1}",
        "${SET!}",
        "${SET:}",
        "${-a}",
        "${SET:=x}",
        "${a b}",
    ] {
        assert!(
            matches!(text(template), Err(TemplateError::Form(_))),
            "{template}"
        );
    }
}

#[test]
fn a_form_that_is_no_variable_is_told_with_the_one_that_is_meant() {
    const ANY: &str = "write `${NAME}`, `${NAME:-default}`";
    for (template, hint) in [
        ("${", ANY),
        ("${}", ANY),
        ("${1}", ANY),
        ("${-a}", ANY),
        ("${SET", "write `${SET}`"),
        ("${SET!}", "write `${SET}`"),
        ("${SET:}", "write `${SET}`"),
        ("${SET:8080}", "write `${SET:-8080}`"),
        ("${SET:=x}", "write `${SET:-x}`"),
        ("${a b}", "write `${a}`"),
    ] {
        let hint = format!("{hint}, or `$$` for a dollar sign");
        let told = text(template).unwrap_err().problem("in .env").hint;
        assert_eq!(told.as_deref(), Some(hint.as_str()), "{template}");
    }
}

#[test]
fn braces_close_in_the_line_where_they_open() {
    for (template, line) in [
        ("${NO:-a\nb}", "${NO:-a"),
        ("x ${NO:-{\n}}", "${NO:-{"),
        ("${SET\n}", "${SET"),
    ] {
        assert_eq!(text(template), Err(TemplateError::Line(line.to_owned())));
    }
}

#[test]
fn all_that_is_wrong_with_a_text_is_told_with_the_dollar_signs_before_it() {
    let text = "$$ ${A:?a${B?b}}\n${C ${}\n$SET ${D!} ${A:?again} $E";
    let (environment, mut told) = (environment(), Problems::default());
    let place = crate::yaml::parse("f".as_ref(), b"x").unwrap().place;
    let mut all = Interpolation::new(&environment);
    assert_eq!(all.told(text, &place, |part| part, &mut told), None);
    let told = told.0.iter().map(|it| match it.part {
        Part::Variable { signs, characters } => format!("{signs} {characters} {}", it.what),
        _ => it.what.clone(),
    });
    let form = "is no variable";
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "2 13 the variable `A` must be set: a".to_owned(),
            "3 6 the variable `B` must be set: b".to_owned(),
            format!("4 7 `${{C ${{}}` {form}"),
            format!("7 5 `${{D!}}` {form}"),
            "9 2 the variable `E` is not set; it is taken as empty".to_owned(),
        ]
    );
}

#[test]
fn of_all_that_must_be_set_no_more_is_told_than_anybody_reads() {
    let text: String = (0..100_000).map(|i| format!("${{A{i}?}}")).collect();
    let (environment, mut told) = (environment(), Problems::default());
    let place = crate::yaml::parse("f".as_ref(), b"x").unwrap().place;
    let mut all = Interpolation::new(&environment);
    for _ in 0..9 {
        all.told(&text, &place, |part| part, &mut told);
    }
    assert!(told.0.len() < 2 * MOST_SHOWN, "{}", told.0.len());
}

#[test]
fn a_required_variable_says_what_the_file_says() {
    assert_eq!(
        text("${NO:?please set $SET}").unwrap_err().to_string(),
        "the variable `NO` must be set: please set value"
    );
    assert_eq!(
        text("${EMPTY:?}").unwrap_err().to_string(),
        "the variable `EMPTY` must be set"
    );
}

#[test]
fn a_variable_that_nothing_sets_is_warned_of_once() {
    let mut node = crate::yaml::parse("f".as_ref(), b"a: $NO\nb: ${NO} $SET\n").unwrap();
    let (environment, mut problems) = (environment(), Problems::default());
    Interpolation::new(&environment).tree(&mut node, &crate::canonical::WHOLE_FILE, &mut problems);
    assert_eq!(node.to_json(), serde_json::json!({"a": "", "b": " value"}));
    assert_eq!(problems.0.len(), 1);
    assert!(
        problems
            .to_string()
            .starts_with("f:1:4: the variable `NO` is not set")
    );
    assert!(!problems.has_errors());
}

#[test]
fn what_would_grow_without_bound_is_refused() {
    let big = BTreeMap::from([("A".to_owned(), "x".repeat(100_000))]);
    let template = "$A".repeat(1000);
    assert_eq!(
        Interpolation::new(&big).text(&template, &mut Vec::new()),
        Err(TemplateError::Size)
    );
    let mut all = Interpolation::new(&big);
    let once = "$A".repeat(9);
    let results: Vec<_> = (0..40)
        .map(|_| all.text(&once, &mut Vec::new()).is_ok())
        .collect();
    assert!(results.first() == Some(&true) && results.last() == Some(&false));
    let nested = format!("{}{}", "${NO:-".repeat(1000), "}".repeat(1000));
    assert_eq!(text(&nested), Err(TemplateError::Nesting));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(template in "[${}:?+a-zA-Z0-9_ é\\-]{0,60}") {
        let _ = text(&template);
    }

    #[test]
    fn escaped_text_comes_back_as_it_was(original in "\\PC{0,60}") {
        let escaped = original.replace('$', "$$");
        proptest::prop_assert_eq!(text(&escaped), Ok(original));
    }

    #[test]
    fn a_value_comes_through_any_surrounding(before in "[a-z ]{0,9}", value in "\\PC{0,20}", after in "[a-z ]{0,9}") {
        let environment = BTreeMap::from([("V".to_owned(), value.clone())]);
        let out = Interpolation::new(&environment).text(&format!("{before}${{V}}{after}"), &mut Vec::new());
        proptest::prop_assert_eq!(out, Ok(format!("{before}{value}{after}")));
    }
}
