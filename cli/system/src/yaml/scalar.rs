//! What a scalar of a Compose file is: a text, a number, a switch, a moment or nothing, as Docker Compose's
//! reader of YAML 1.1 takes it, and as its tag says.
//!
//! What comes in: the text as it is between its quotes, and what was said of it. What leaves: its value, or
//! that it is not what its tag says. What must not enter: what a field means.

use super::{NodeValue, date};

/// What is said of a scalar beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing: it has neither quotes nor a tag.
    Nothing,
    /// That it is text, by quotes or a tag.
    Text,
    /// By its tag what it is.
    Is(Kind),
}

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `!!null`.
    Null,
    /// `!!bool`.
    Bool,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!timestamp`.
    Date,
}

/// The value of a scalar; `None` where it is not what is said.
pub(super) fn read(text: &str, said: Said) -> Option<NodeValue> {
    let wanted = match said {
        Said::Text => return Some(NodeValue::String(text.to_owned())),
        Said::Nothing => None,
        Said::Is(kind) => Some(kind),
    };
    let is_date = wanted.is_none_or(|kind| kind == Kind::Date);
    let moment = is_date.then(|| date::read(text)).flatten();
    let value = match moment {
        Some(moment) => Some(NodeValue::Date(moment)),
        None => plain(text),
    };
    match (wanted, value) {
        (None, None) => Some(NodeValue::String(text.to_owned())),
        (None, value) => value,
        #[expect(clippy::cast_precision_loss, reason = "the nearest number is meant")]
        (Some(Kind::Float), Some(NodeValue::Int(number))) => Some(NodeValue::Float(number as f64)),
        (Some(Kind::Null), value @ Some(NodeValue::Null))
        | (Some(Kind::Bool), value @ Some(NodeValue::Bool(_)))
        | (Some(Kind::Int), value @ Some(NodeValue::Int(_) | NodeValue::Large(_)))
        | (Some(Kind::Float), value @ Some(NodeValue::Float(_)))
        | (Some(Kind::Date), value @ Some(NodeValue::Date(_))) => value,
        _ => None,
    }
}

/// Whether a text without quotes is that text and nothing else, to Docker Compose and to YAML 1.1, which
/// has more words for switches.
pub(crate) fn is_text(text: &str) -> bool {
    const SWITCHES: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
    let lower = text.to_lowercase();
    plain(text).is_none()
        && date::read(text).is_none()
        && !SWITCHES.contains(&lower.as_str())
        && !matches!(text, "<<" | "=")
}

/// What a text without quotes is, where it is no text and no moment.
fn plain(text: &str) -> Option<NodeValue> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        ".nan" | ".NaN" | ".NAN" => NodeValue::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => NodeValue::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => NodeValue::Float(f64::NEG_INFINITY),
        _ => return number(text),
    };
    Some(value)
}

/// The number that a text without quotes is.
fn number(text: &str) -> Option<NodeValue> {
    if let Some(digits) = text.strip_prefix('.') {
        return is_divided(digits).then(|| float(&text.replace('_', "")))?;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        return None;
    }
    let plain = text.replace('_', "");
    whole(&plain)
        .or_else(|| float(&plain))
        .or_else(|| signed_within(&plain))
}

/// A whole number: binary, octal, hexadecimal or in tens.
fn whole(plain: &str) -> Option<NodeValue> {
    let (sign, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) => (plain.get(..1)?, digits),
        None => ("", plain),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        (digits, 8)
    } else {
        (lower.as_str(), 10)
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let int = i64::from_str_radix(&format!("{sign}{digits}"), radix);
    match int {
        Ok(number) => Some(NodeValue::Int(number)),
        Err(_) if sign.is_empty() => {
            let number = u64::from_str_radix(digits, radix);
            number.ok().map(NodeValue::Large)
        }
        Err(_) => None,
    }
}

/// Any other number; one beyond all is a text.
fn float(plain: &str) -> Option<NodeValue> {
    let fits = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let number = plain
        .chars()
        .all(fits)
        .then(|| plain.parse::<f64>().ok())??;
    number.is_finite().then_some(NodeValue::Float(number))
}

/// `0b-1`, as nobody writes it.
fn signed_within(plain: &str) -> Option<NodeValue> {
    let (digits, radix) = match plain.strip_prefix("0b") {
        Some(digits) => (digits, 2),
        None => (plain.strip_prefix("0o")?, 8),
    };
    let number = i64::from_str_radix(digits, radix).ok()?;
    Some(NodeValue::Int(number))
}

/// Whether each `_` stands between two digits.
fn is_divided(digits: &str) -> bool {
    let parts: Vec<&str> = digits.split('_').collect();
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    parts.windows(2).all(|two| match two {
        [before, after] => is_digit(before.chars().last()) && is_digit(after.chars().next()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_without_quotes_is_what_docker_compose_takes_it_for() {
        use NodeValue::{Bool, Float, Int, Large, Null};
        let texts = |text: &str| NodeValue::String(text.to_owned());
        for (text, value) in [
            ("~", Null),
            ("", Null),
            ("NULL", Null),
            ("nULL", texts("nULL")),
            ("True", Bool(true)),
            ("tRUE", texts("tRUE")),
            ("yes", texts("yes")),
            ("off", texts("off")),
            (".5", Float(0.5)),
            (".5_0", Float(0.5)),
            ("._5", texts("._5")),
            (".5_", texts(".5_")),
            (".", texts(".")),
            ("+.5", Float(0.5)),
            ("1.", Float(1.0)),
            ("1.e3", Float(1000.0)),
            ("1e3", Float(1000.0)),
            ("12e03", Float(12_000.0)),
            ("-1_000.5", Float(-1000.5)),
            ("1e400", texts("1e400")),
            ("0b11", Int(3)),
            ("+0B1", Int(1)),
            ("0o17", Int(15)),
            ("-0O7", Int(-7)),
            ("017", Int(15)),
            ("08", Float(8.0)),
            ("0_7", Int(7)),
            ("0x_f", Int(15)),
            ("-0x1F", Int(-31)),
            ("0x", texts("0x")),
            ("0x1g", texts("0x1g")),
            ("0b-1", Int(-1)),
            ("0x-1", texts("0x-1")),
            ("--1", texts("--1")),
            ("+", texts("+")),
            ("1_0", Int(10)),
            ("1__0_", Int(10)),
            ("_1", texts("_1")),
            ("22:22", texts("22:22")),
            ("1e3e", texts("1e3e")),
            ("9223372036854775808", Large(9_223_372_036_854_775_808)),
            ("+9223372036854775808", Float(9_223_372_036_854_775_808.0)),
            ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
            ("0xffffffffffffffffff", texts("0xffffffffffffffffff")),
            ("-.INF", Float(f64::NEG_INFINITY)),
            (".iNF", texts(".iNF")),
            (
                "2001-12-14",
                NodeValue::Date("2001-12-14T00:00:00Z".to_owned()),
            ),
            ("2001-12-14T21:59:43", texts("2001-12-14T21:59:43")),
        ] {
            assert_eq!(read(text, Said::Nothing), Some(value), "{text}");
            assert_eq!(read(text, Said::Text), Some(texts(text)), "{text}");
        }
    }

    #[test]
    fn a_scalar_is_what_its_tag_says_or_it_is_wrong() {
        use NodeValue::{Bool, Float, Int, Null};
        for (kind, text, value) in [
            (Kind::Null, "", Some(Null)),
            (Kind::Null, "x", None),
            (Kind::Int, "1_000", Some(Int(1000))),
            (Kind::Int, "1.5", None),
            (Kind::Int, "", None),
            (Kind::Int, "2001-12-14", None),
            (Kind::Float, "1", Some(Float(1.0))),
            (Kind::Float, "x", None),
            (Kind::Bool, "true", Some(Bool(true))),
            (Kind::Bool, "yes", None),
            (
                Kind::Date,
                "2001-12-14",
                Some(NodeValue::Date("2001-12-14T00:00:00Z".to_owned())),
            ),
            (Kind::Date, "1", None),
        ] {
            assert_eq!(read(text, Said::Is(kind)), value, "{kind:?} {text}");
        }
    }

    #[test]
    fn what_is_no_text_without_quotes_is_known() {
        for text in [
            "yes",
            "No",
            "on",
            "y",
            "null",
            "~",
            "1e3",
            "0x1f",
            "1_0",
            "2001-12-14",
            "<<",
            "=",
            "",
        ] {
            assert!(!is_text(text), "{text}");
        }
        for text in ["a", "yess", "22:22x", "1.2.3", "<", "é"] {
            assert!(is_text(text), "{text}");
        }
    }
}
