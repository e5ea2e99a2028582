//! Numbers of single precision, printed as the shortest that reads back as the same.

use serde_json::Value;

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
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    if single.fract() == 0.0 && single.abs() < 1e15 {
        return Some(Value::from(single as i64));
    }
    single.to_string().parse::<f64>().ok().map(Value::from)
}
