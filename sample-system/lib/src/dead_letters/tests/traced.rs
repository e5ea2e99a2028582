//! The trace that a letter tells.

use super::*;

/// A record that came with these headers.
fn came_with(headers: &[(&str, &str)]) -> Delivery {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    delivery(
        1,
        Record {
            headers: headers.collect(),
            ..order("{}")
        },
    )
}

fn parents(record: &Record) -> Vec<&str> {
    let is_parent = |name: &str| name.eq_ignore_ascii_case(TRACEPARENT);
    let all = record.headers.iter().filter(|(name, _)| is_parent(name));
    all.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn the_letter_of_a_record_without_a_readable_trace_tells_the_one_that_was_begun() {
    let fresh = began().traceparent.unwrap();
    for headers in [
        &[][..],
        &[("baggage", "a=1")],
        &[("traceparent", "00-ab-cd-01")],
        &[("traceparent", CAME), ("traceparent", "nonsense")],
        &[("Traceparent", "nonsense")],
    ] {
        let letter = letter(&came_with(headers), "g", "why", &began());
        assert_eq!(parents(&letter), [&fresh], "{headers:?}");
        // So does what is given back of it, and what becomes of that.
        let listed = of_group(vec![delivery(0, letter)], "g").remove(0);
        assert_eq!(listed.shown()["traceparent"], fresh);
        assert_eq!(parents(&listed.original()), [&fresh]);
        let baggage = headers.iter().find(|(name, _)| *name == "baggage");
        let baggage = baggage.map(|(_, value)| *value);
        assert_eq!(listed.original().header("baggage"), baggage);
    }
    let kept = letter(&came_with(&[("traceparent", CAME)]), "g", "why", &began());
    assert_eq!(parents(&kept), [CAME]);
}
