//! Whether the bytes that came over HTTP/1 end in the middle of a request's head. What is behind a
//! whole request in one packet is the library's to keep, and nobody else sees how much of it there is.
//!
//! Nothing but limits of time depends on this: what is no request is refused by the library.

/// Bytes of a line that are looked at: the headers that say how long a body is are shorter.
const LINE: usize = 64;

/// How far the requests of a connection have come.
#[derive(Debug, Default)]
pub(super) struct Heads {
    at: At,
    /// The beginning of the line that has not ended.
    line: Vec<u8>,
    /// How long the body is that the head so far tells of.
    body: Body,
}

#[derive(Debug, Clone, Copy, Default)]
enum At {
    #[default]
    Between,
    Head,
    /// So many bytes of a body are left.
    Body(u64),
    ChunkLength,
    /// So many bytes of a chunk, and what ends it, are left.
    Chunk(u64),
    Trailers,
    /// It cannot be told any more.
    Lost,
}

#[derive(Debug, Clone, Copy, Default)]
enum Body {
    #[default]
    None,
    Bytes(u64),
    Chunks,
    Unknown,
}

impl Heads {
    /// Whether what came ends within a head.
    pub(super) fn is_within(&self) -> bool {
        matches!(self.at, At::Head)
    }

    /// Whether what came ends with a request, or before the first one.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.at, At::Between)
    }

    /// Takes what came; whether a head began with it.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> bool {
        let mut began = false;
        while let Some(first) = bytes.first() {
            match self.at {
                At::Lost => return began,
                // Empty lines before a request are none of it.
                At::Between if matches!(first, b'\r' | b'\n') => bytes = &bytes[1..],
                At::Between => {
                    self.at = At::Head;
                    self.body = Body::None;
                    began = true;
                }
                At::Body(left) => {
                    let left = skip(&mut bytes, left);
                    self.at = if left == 0 {
                        At::Between
                    } else {
                        At::Body(left)
                    };
                }
                At::Chunk(left) => {
                    let left = skip(&mut bytes, left);
                    self.at = if left == 0 {
                        At::ChunkLength
                    } else {
                        At::Chunk(left)
                    };
                }
                At::Head | At::ChunkLength | At::Trailers => self.read(&mut bytes),
            }
        }
        began
    }

    /// Reads to the end of a line, or as far as it came.
    fn read(&mut self, bytes: &mut &[u8]) {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        let room = LINE.saturating_sub(self.line.len()).min(line.len());
        self.line.extend_from_slice(&line[..room]);
        *bytes = rest;
        if end.is_some() {
            *bytes = &rest[1..];
            let line = std::mem::take(&mut self.line);
            self.ended(line.trim_ascii());
        }
    }

    fn ended(&mut self, line: &[u8]) {
        self.at = match (self.at, line.is_empty()) {
            (At::Head, false) => {
                self.header(line);
                At::Head
            }
            (At::Head, true) => match self.body {
                Body::None | Body::Bytes(0) => At::Between,
                Body::Bytes(bytes) => At::Body(bytes),
                Body::Chunks => At::ChunkLength,
                Body::Unknown => At::Lost,
            },
            (At::ChunkLength, _) => match chunk(line) {
                Some(0) => At::Trailers,
                Some(bytes) => At::Chunk(bytes.saturating_add(2)),
                None => At::Lost,
            },
            (At::Trailers, true) => At::Between,
            (at, _) => at,
        };
    }

    fn header(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let bytes = std::str::from_utf8(value)
                .ok()
                .and_then(|it| it.parse().ok());
            if !matches!(self.body, Body::Chunks) {
                self.body = bytes.map_or(Body::Unknown, Body::Bytes);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let chunks = value.eq_ignore_ascii_case(b"chunked");
            self.body = if chunks { Body::Chunks } else { Body::Unknown };
        }
    }
}

/// Skips `left` bytes, or all there are; how many are left then.
fn skip(bytes: &mut &[u8], left: u64) -> u64 {
    let some = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    *bytes = &bytes[some..];
    left - some as u64
}

/// The length that a chunk begins with.
fn chunk(line: &[u8]) -> Option<u64> {
    let length = line.split(|byte| *byte == b';').next()?;
    let length = std::str::from_utf8(length.trim_ascii()).ok()?;
    u64::from_str_radix(length, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\n";
    const CHUNKS: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
                          5;a=b\r\nGET /\r\n0\r\nlast: x\r\n\r\n";

    #[test]
    fn only_what_ends_in_a_head_is_within_one_however_it_is_cut() {
        let with_body = format!("{POST}GET / HTTP/1.1\r\nhost: within\r");
        let cases = [
            (String::new(), false),
            (GET.to_owned(), false),
            (format!("{GET}{GET}\r\n"), false),
            (format!("{GET}GET / HT"), true),
            (format!("{GET}{GET}G"), true),
            (POST.to_owned(), false),
            (with_body.clone(), false),
            (format!("{with_body}\n{GET}"), false),
            (format!("{with_body}\n{GET}GET"), true),
            (CHUNKS.to_owned(), false),
            (format!("{CHUNKS}GET"), true),
            (
                "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\nx".to_owned(),
                false,
            ),
        ];
        for (text, within) in cases {
            for size in 1..=text.len().max(1) {
                let mut heads = Heads::default();
                for piece in text.as_bytes().chunks(size) {
                    heads.take(piece);
                }
                assert_eq!(heads.is_within(), within, "{size} of {text:?}");
            }
        }
    }
}
