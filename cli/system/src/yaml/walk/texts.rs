//! The texts that a walk comes by: in quotes, without them, and over several lines.

use super::{ENDS, NO_BEGINNING, Step, Walk};

impl Walk<'_> {
    /// Lines of text behind `|` or `>`.
    pub(super) fn lines(&mut self) -> Step {
        self.forget_key();
        self.is_key_allowed = true;
        self.cursor.step();
        let mut more = None;
        for _ in 0..2 {
            match self.cursor.ahead(0) {
                Some(b'+' | b'-') => self.cursor.step(),
                Some(digit @ b'1'..=b'9') => {
                    more = Some(usize::from(digit - b'0'));
                    self.cursor.step();
                }
                _ => {}
            }
        }
        while let Some(blank @ (b' ' | b'\t')) = self.cursor.ahead(0) {
            if blank == b'\t' {
                self.copies.put(b' ', self.cursor.at);
            }
            self.cursor.step();
        }
        if self.cursor.ahead(0) == Some(b'#') {
            self.comment();
        }
        self.cursor.is_end(0).then_some(())?;
        self.cursor.step_line();
        let mut indent = more.map_or(0, |more| self.indent.unwrap_or(0) + more);
        self.go_to_line(&mut indent)?;
        while self.cursor.column() == indent && self.cursor.ahead(0).is_some() {
            self.cursor.rest_of_line();
            self.cursor.step_line();
            self.go_to_line(&mut indent)?;
        }
        Some(())
    }

    /// Goes to the next line of such a text that is not empty; its first says where all begin.
    fn go_to_line(&mut self, indent: &mut usize) -> Step {
        let mut widest = 0;
        loop {
            let is_left = |walk: &Self| *indent == 0 || walk.cursor.column() < *indent;
            while is_left(self) && self.cursor.ahead(0) == Some(b' ') {
                self.cursor.step();
            }
            widest = widest.max(self.cursor.column());
            if is_left(self) && self.cursor.ahead(0) == Some(b'\t') {
                return None;
            }
            if self.cursor.line_end(0).is_none() {
                break;
            }
            self.cursor.step_line();
        }
        if *indent == 0 {
            let least = self.indent.map_or(0, |indent| indent + 1);
            *indent = widest.max(least).max(1);
        }
        Some(())
    }

    pub(super) fn single(&mut self) -> Step {
        self.begin_text();
        self.cursor.step();
        loop {
            self.quoted_blanks()?;
            match (self.cursor.ahead(0)?, self.cursor.ahead(1)) {
                (b'\'', Some(b'\'')) => (0..2).for_each(|_| self.cursor.step()),
                (b'\'', _) => break,
                _ => self.cursor.step(),
            }
        }
        self.cursor.step();
        Some(())
    }

    pub(super) fn double(&mut self) -> Step {
        let begins = self.cursor.here();
        self.begin_text();
        self.cursor.step();
        loop {
            self.quoted_blanks()?;
            match (self.cursor.ahead(0)?, self.cursor.ahead(1)) {
                (b'"', _) => break,
                (b'\\', Some(b'/')) => {
                    self.refuse(begins, "`\\/` stands for nothing in YAML 1.1", "write `/`");
                    return None;
                }
                (b'\\', Some(b'\'')) => {
                    self.copies.put(b'a', self.cursor.at + 1);
                    let at = self.cursor.at;
                    self.copies.replace(at, at + 2, "\\x27");
                    (0..2).for_each(|_| self.cursor.step());
                }
                (b'\\', Some(_)) => {
                    self.cursor.step();
                    if self.cursor.line_end(0).is_none() {
                        self.cursor.step();
                    }
                }
                _ => self.cursor.step(),
            }
        }
        self.cursor.step();
        Some(())
    }

    /// Goes over the ends of lines in quotes, and what the next one is indented by.
    fn quoted_blanks(&mut self) -> Step {
        let begin = self.cursor.at;
        while self.cursor.line_end(0).is_some() {
            self.cursor.step_line();
            while let Some(blank @ (b' ' | b'\t')) = self.cursor.ahead(0) {
                if blank == b'\t' {
                    self.copies.put(b' ', self.cursor.at);
                }
                self.cursor.step();
            }
        }
        let column = self.cursor.column();
        (column > 0 || !self.cursor.is_document()).then_some(())?;
        // The first pass wants the lines of a text in quotes further to the right than its key.
        let least = self.indent.map_or(0, |indent| indent + 1);
        if begin < self.cursor.at && column < least && !self.in_brackets() {
            self.copies.join(begin, self.cursor.at);
        }
        Some(())
    }

    pub(super) fn begins_plain(&self, sign: u8, in_brackets: bool) -> bool {
        match sign {
            b'-' => !self.cursor.is_blank(1),
            b'?' | b':' => !in_brackets && !self.cursor.is_end(1),
            _ => !self.cursor.is_end(0) && !NO_BEGINNING.contains(&sign),
        }
    }

    /// A text without quotes.
    pub(super) fn plain(&mut self, in_brackets: bool) -> Step {
        self.begin_text();
        let ends_at = |sign: Option<u8>| sign.is_some_and(|sign| ENDS.contains(&sign));
        if in_brackets && self.cursor.ahead(0) == Some(b'-') && ends_at(self.cursor.ahead(1)) {
            self.copies.put(b'x', self.cursor.at);
        }
        let begin = self.cursor.at;
        let mut end = begin;
        let mut has_sign = false;
        let mut is_next_line = false;
        let indent = self.indent.map_or(0, |indent| indent + 1);
        loop {
            let is_document = self.cursor.column() == 0 && self.cursor.is_document();
            if is_document || self.cursor.ahead(0) == Some(b'#') {
                break;
            }
            while !self.cursor.is_end(0) {
                let (sign, next) = (self.cursor.ahead(0), self.cursor.ahead(1));
                let is_key = sign == Some(b':') && self.cursor.is_end(1);
                if is_key || in_brackets && (ends_at(sign) || sign == Some(b'?')) {
                    break;
                }
                if in_brackets && sign == Some(b':') && (ends_at(next) || next == Some(b'?')) {
                    has_sign = true;
                    self.copies.put(b'x', self.cursor.at);
                }
                is_next_line = false;
                self.cursor.step();
                end = self.cursor.at;
            }
            if !self.cursor.is_blank(0) && self.cursor.line_end(0).is_none() {
                break;
            }
            while self.cursor.is_blank(0) || self.cursor.line_end(0).is_some() {
                if self.cursor.line_end(0).is_some() {
                    self.cursor.step_line();
                    is_next_line = true;
                    continue;
                }
                if is_next_line && self.cursor.ahead(0) == Some(b'\t') {
                    (self.cursor.column() >= indent).then_some(())?;
                    self.copies.put(b' ', self.cursor.at);
                }
                self.cursor.step();
            }
            if !in_brackets && self.cursor.column() < indent {
                break;
            }
        }
        if has_sign {
            let text = self.cursor.text.get(begin..end).unwrap_or_default();
            let quoted = format!("'{}'", text.replace('\'', "''"));
            self.copies.replace(begin, end, &quoted);
        }
        if is_next_line {
            self.is_key_allowed = true;
        }
        if in_brackets && self.cursor.ahead(0) == Some(b'?') {
            let why = "`?` begins a key here, where a text without quotes in brackets stands";
            self.refuse(self.cursor.here(), why, "put the text in quotes");
            return None;
        }
        Some(())
    }
}
