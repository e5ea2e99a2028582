//! `!!binary`: a text that is written in base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::problem::{Place, Problem, Problems};

/// What Docker Compose reads it with: `=` at the end, and nobody asks for the bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The text that is written so; what is none stays as it is, and is told.
pub(super) fn text(mut written: String, place: &Place, problems: &mut Problems) -> String {
    written.retain(|c| !matches!(c, '\r' | '\n'));
    let why = match BASE64.decode(&written).map(String::from_utf8) {
        Ok(Ok(text)) => return text,
        Ok(Err(_)) => "what this `!!binary` holds is not UTF-8 text",
        Err(_) => "this `!!binary` is not base64",
    };
    let problem = Problem::error(why).at(place.clone());
    problems.push(problem.hint("write the text itself, without the tag"));
    written
}

#[cfg(test)]
mod tests {
    fn read(text: &str) -> Result<serde_json::Value, String> {
        let node = crate::yaml::parse("f".as_ref(), text.as_bytes());
        let node = node.map_err(|problems| problems.to_string())?;
        assert_eq!(node.get("a").unwrap().tag, None);
        Ok(node.get("a").unwrap().to_json())
    }

    #[test]
    fn a_binary_is_the_text_that_it_holds() {
        for (written, text) in [
            ("eA==", "x"),
            ("eB==", "x"),
            ("''", ""),
            ("|\n  aGVs\n  bG8=\n", "hello"),
            ("MTI=", "12"),
        ] {
            assert_eq!(read(&format!("a: !!binary {written}\n")), Ok(text.into()));
        }
        for (written, why) in [
            ("eA", "is not base64"),
            ("e A==", "is not base64"),
            ("/w==", "is not UTF-8"),
        ] {
            let told = read(&format!("a: !!binary \"{written}\"\n")).unwrap_err();
            assert!(told.starts_with("f:1:13: ") && told.contains(why), "{told}");
        }
    }
}
