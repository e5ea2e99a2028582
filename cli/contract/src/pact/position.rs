//! Where the elements of a list stand in a JSON text that is known to be well-formed.

/// Line and column, both from 1; the column counts characters.
pub(super) type Position = (u32, u32);

/// Where each element of the list under the top-level key `list` begins.
pub(super) fn elements(text: &str, list: &str) -> Vec<Position> {
    let mut found = Vec::new();
    let mut scan = Scan {
        depth: 0,
        key: String::new(),
        inside: false,
        awaited: false,
    };
    let (mut line, mut column) = (1, 0);
    let mut chars = text.chars();
    let mut in_text: Option<String> = None;
    while let Some(c) = chars.next() {
        if c == '\n' {
            (line, column) = (line + 1, 0);
            continue;
        }
        column += 1;
        if let Some(read) = &mut in_text {
            match c {
                // The escaped character cannot end the text.
                '\\' => {
                    chars.next();
                    column += 1;
                }
                '"' => {
                    if scan.depth == 1 {
                        scan.key.clone_from(read);
                    }
                    in_text = None;
                }
                other => read.push(other),
            }
            continue;
        }
        if scan.begins_element(c) {
            found.push((line, column));
        }
        match c {
            '"' => in_text = Some(String::new()),
            // The last of several equal keys is the one that counts.
            '[' | '{' if scan.opens(list, c) => found.clear(),
            ']' | '}' => scan.closes(),
            ',' if scan.inside && scan.depth == 2 => scan.awaited = true,
            _ => {}
        }
    }
    found
}

/// How deep the scan is, and whether it is in the list.
struct Scan {
    depth: usize,
    key: String,
    inside: bool,
    awaited: bool,
}

impl Scan {
    fn begins_element(&mut self, c: char) -> bool {
        let begins =
            self.inside && self.depth == 2 && self.awaited && !c.is_whitespace() && c != ']';
        if begins {
            self.awaited = false;
        }
        begins
    }

    /// Whether this opens the list itself.
    fn opens(&mut self, list: &str, c: char) -> bool {
        let is_list = self.depth == 1 && c == '[' && self.key == list;
        if is_list {
            self.inside = true;
            self.awaited = true;
        }
        self.depth += 1;
        is_list
    }

    fn closes(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 1 {
            self.inside = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_whatever_stands_in_texts_and_nested_lists() {
        let text =
            "{\"a\": [1, 2],\n \"list\": [{\"x\": \"\\\"],[\", \"list\": [7]},\n  {}, [\n]]}";
        assert_eq!(elements(text, "list"), [(2, 11), (3, 3), (3, 7)]);
        assert_eq!(elements("{\"list\": []}", "list"), []);
        assert_eq!(elements("[{\"list\": [1]}]", "list"), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_at_all_is_scanned_without_harm(text in ".*") {
            let _ = elements(&text, "list");
        }
    }
}
