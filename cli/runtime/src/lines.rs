//! Bytes become lines, however the bytes arrive: whole characters, and no line without end.

use msvc_machine::pipe::line_text;

/// A longer line is cut into several: what a service writes without line ends must not fill the
/// memory.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// The most bytes of a character of UTF-8 after its first.
const FURTHER: usize = 3;

/// Cuts bytes into lines, at the same places whatever pieces they come in.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// The lines that these bytes complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.begun.extend_from_slice(piece);
            while without_end(&self.begun).len() > LONGEST_LINE {
                let more = self.begun.split_off(place_to_cut(&self.begun));
                whole.push(line_text(&std::mem::replace(&mut self.begun, more)));
            }
            if piece.ends_with(b"\n") {
                whole.extend(self.rest());
            }
        }
        whole
    }

    /// What was begun and not ended.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.is_empty()).then(|| line_text(&begun))
    }
}

/// A line without its end; a return may be the first half of one.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where a line that is too long is cut: not within a character.
fn place_to_cut(line: &[u8]) -> usize {
    let goes_on = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let mut places = (LONGEST_LINE - FURTHER..=LONGEST_LINE).rev();
    // What goes on for longer is no UTF-8.
    places.find(|at| !goes_on(at)).unwrap_or(LONGEST_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `bytes` that come in pieces of `size`.
    fn in_pieces(bytes: &[u8], size: usize) -> Vec<String> {
        let mut lines = Lines::default();
        let pieces = bytes.chunks(size);
        let mut all: Vec<String> = pieces.flat_map(|piece| lines.take(piece)).collect();
        all.extend(lines.rest());
        all
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"a\r\nb"), ["a"]);
        assert_eq!(lines.take(b"c\n\n"), ["bc", ""]);
        assert_eq!(lines.take(b"\xff\n"), ["\u{fffd}"]);
        assert_eq!(lines.rest(), None);
        for size in 1..12 {
            assert_eq!(in_pieces("a…\r\n…\n…b".as_bytes(), size), ["a…", "…", "…b"]);
        }
    }

    #[test]
    fn a_line_of_just_the_longest_is_one_whichever_way_it_ends() {
        let line = "x".repeat(LONGEST_LINE);
        for end in ["", "\n", "\r\n"] {
            let bytes = format!("{line}{end}").into_bytes();
            for size in [1, LONGEST_LINE, LONGEST_LINE + 1, bytes.len()] {
                assert!(
                    in_pieces(&bytes, size) == [line.as_str()],
                    "{end:?}, {size}"
                );
            }
        }
    }

    #[test]
    fn a_longer_line_is_cut_between_characters_wherever_the_pieces_end() {
        for (before, sign) in [
            ("", "…"),
            ("x", "…"),
            ("xx", "…"),
            ("xxx", "🦀"),
            ("x", "é"),
        ] {
            let line = before.to_owned() + &sign.repeat(3 * LONGEST_LINE / sign.len());
            let bytes = format!("{line}\nend\n").into_bytes();
            let once = in_pieces(&bytes, bytes.len());
            assert!(once.iter().all(|it| it.len() <= LONGEST_LINE));
            assert!(once.concat() == line.clone() + "end", "{before}, {sign}");
            for size in [1, 4096, 16 * 1024, LONGEST_LINE] {
                assert!(in_pieces(&bytes, size) == once, "{before}, {sign}, {size}");
            }
        }
    }

    #[test]
    fn what_has_no_line_end_and_no_characters_is_bounded_too() {
        for byte in [b'x', b'\r', 0x80, 0xff] {
            let mut lines = Lines::default();
            for _ in 0..64 {
                lines.take(&[byte; 16 * 1024]);
                assert!(lines.begun.len() <= LONGEST_LINE + 1, "{byte}");
            }
        }
    }
}
