//! Where what stands in the first pass's copy of a text stands in the text: that copy has spaces more, and
//! lines of texts in quotes that are one.
//!
//! What comes in: both, byte for byte but for the spaces. What leaves: the copy, and the places that moved.
//! What must not enter: why they moved.

/// A line from 1 and a column from 0.
pub(in crate::yaml) type Spot = (usize, usize);

/// Places that moved.
#[derive(Default)]
pub(in crate::yaml) struct Moved {
    /// Where in the copy another count begins, in order, and what stands there in the text.
    counts: Vec<(Spot, Spot)>,
}

impl Moved {
    /// Where something of the copy stands in the text.
    pub(in crate::yaml) fn back(&self, (line, column): Spot) -> Spot {
        let next = self.counts.partition_point(|it| it.0 <= (line, column));
        let count = next.checked_sub(1).and_then(|last| self.counts.get(last));
        match count {
            Some((there, here)) if there.0 == line => (here.0, here.1 + column - there.1),
            Some((there, here)) => (here.0 + line - there.0, column),
            None => (line, column),
        }
    }
}

/// A copy that is written.
pub(super) struct Moving<'t> {
    text: &'t [u8],
    copy: &'t [u8],
    written: Vec<u8>,
    here: Spot,
    there: Spot,
    moved: Moved,
}

impl<'t> Moving<'t> {
    /// Of a text and the copy, which is as long.
    pub(super) fn of(text: &'t str, copy: &'t [u8]) -> Self {
        Self {
            text: text.as_bytes(),
            copy,
            written: Vec::with_capacity(copy.len()),
            here: (1, 0),
            there: (1, 0),
            moved: Moved::default(),
        }
    }

    /// The copy with a space more before each of these bytes, which stand in order, and what moved.
    pub(super) fn with(mut self, spaces: &[usize]) -> (Vec<u8>, Moved) {
        let mut spaces = spaces.iter().peekable();
        for (at, byte) in self.copy.iter().enumerate() {
            while spaces.next_if(|it| **it == at).is_some() {
                self.written.push(b' ');
                self.there.1 += 1;
                self.moved.counts.push((self.there, self.here));
            }
            self.written.push(*byte);
            let (was, is) = (is_end(self.text, at), is_end(self.copy, at));
            step(&mut self.here, *byte, was);
            step(&mut self.there, *byte, is);
            if was && !is {
                // Of a text in quotes nobody asks where its lines stand: what follows it is meant.
                let counts = &mut self.moved.counts;
                counts.pop_if(|last| last.0.0 == self.there.0 && last.1.1 == 0);
                counts.push((self.there, self.here));
            }
        }
        (self.written, self.moved)
    }
}

/// Whether a line ends with the byte that stands there.
fn is_end(text: &[u8], at: usize) -> bool {
    match text.get(at) {
        Some(b'\n') => true,
        Some(b'\r') => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    }
}

fn step(spot: &mut Spot, byte: u8, is_end: bool) {
    // A character counts once, with its first byte.
    match is_end {
        true => *spot = (spot.0 + 1, 0),
        false if byte & 0xc0 != 0x80 => spot.1 += 1,
        false => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_found_where_it_stood() {
        let text = "a: [?b, é?c]\nd: \"x\r\ny\nz\" #e\nf: ?g \"i\nh\"\n";
        let mut copy = text.replace("\r\ny", "  y").into_bytes();
        let joined = copy.iter().rposition(|it| *it == b'z').unwrap() - 1;
        copy[joined] = b' ';
        let joined = copy.iter().rposition(|it| *it == b'h').unwrap() - 1;
        copy[joined] = b' ';
        let spaces: Vec<usize> = text.match_indices('?').map(|(at, _)| at + 1).collect();
        let (copy, moved) = Moving::of(text, &copy).with(&spaces);
        let copy = String::from_utf8(copy).unwrap();
        assert_eq!(copy, "a: [? b, é? c]\nd: \"x  y z\" #e\nf: ? g \"i h\"\n");
        let spot = |text: &str, sign: char| {
            let (before, _) = text.split_once(sign).unwrap();
            let line = before.rsplit('\n').next().unwrap();
            (before.matches('\n').count() + 1, line.chars().count())
        };
        for sign in "abécdz#efgih".chars() {
            let wanted = spot(text, sign);
            assert_eq!(moved.back(spot(&copy, sign)), wanted, "{sign}");
        }
    }
}
