//! Numbers of single precision, printed as the shortest that reads back as the same.

use serde_json::Value;

/// Whether a number has no place in single precision.
pub(super) fn is_too_much(number: f64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "single precision is what Docker Compose keeps"
    )]
    let single = number as f32;
    single.is_infinite()
}

/// A number in single precision; `None` for zero, which is left out, and what is no number.
pub(super) fn single(number: f64) -> Option<Value> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "single precision is what Docker Compose keeps"
    )]
    let single = number as f32;
    if single == 0.0 || !single.is_finite() {
        return None;
    }
    // Of a whole one too only the digits that tell it from others: the rest is noughts.
    let text = single.to_string();
    let whole = text.parse::<i64>().map(Value::from).ok();
    let whole = whole.or_else(|| text.parse::<u64>().map(Value::from).ok());
    whole.or_else(|| text.parse::<f64>().ok().map(Value::from))
}

/// Makes whole numbers of those in a value that are written as others (`1.0`, `1e3`), as Docker Compose's
/// JSON has them.
pub(crate) fn without_noughts(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().map(|number| number.to_string());
            if let Some(Ok(whole)) = whole.map(|text| text.parse::<i64>()) {
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_noughts),
        Value::Object(fields) => fields.values_mut().for_each(without_noughts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_no_noughts_behind_it() {
        let mut value = serde_json::json!([1.0, {"a": 1e3, "b": 1.5}, "1.0", -2.0, 1e20]);
        without_noughts(&mut value);
        let text = value.to_string();
        assert_eq!(text, r#"[1,{"a":1000,"b":1.5},"1.0",-2,1e+20]"#);
    }

    #[test]
    fn a_number_has_the_digits_that_single_precision_has() {
        for (number, wanted) in [
            (1.5, "1.5"),
            (2.0, "2"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (16_777_217.0, "16777216"),
            (4_294_967_296.0, "4294967300"),
            (9_223_372_036_854_775_807.0, "9223372000000000000"),
            (18_446_744_073_709_551_615.0, "18446744000000000000"),
        ] {
            let printed = single(number).map(|it| it.to_string());
            assert_eq!(printed.as_deref(), Some(wanted));
        }
        assert_eq!(single(0.0), None);
        assert_eq!(single(f64::NAN), None);
    }
}
