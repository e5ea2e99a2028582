//! What comes out of pipes: what is there though nobody waits for it any more, and the text of a line.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::unistd::read;

/// More than any pipe holds: somebody may go on writing while it is read.
const MOST: usize = 1024 * 1024;

/// All that there is to be read now from a pipe whose reads do not block.
///
/// Whoever waited for it with a limit of time has not seen it where this machine was too busy to
/// say in time that there is something.
pub fn read_what_is_there(from: &impl AsFd) -> Vec<u8> {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    while all.len() < MOST {
        match read(from, &mut chunk) {
            Ok(length @ 1..) => all.extend_from_slice(&chunk[..length]),
            Err(Errno::EINTR) => {}
            Ok(0) | Err(_) => break,
        }
    }
    all
}

/// The text of a line without its end; bytes that are no UTF-8 become U+FFFD.
#[must_use]
pub fn line_text(line: &[u8]) -> String {
    let ends = line.iter().rev();
    let ends = ends.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    let length = line.len() - ends.count();
    String::from_utf8_lossy(&line[..length]).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::net::unix::pipe;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_before_anybody_says_that_it_is_there() {
        let (from, to) = std::io::pipe().unwrap();
        let from = pipe::Receiver::from_owned_fd(from.into()).unwrap();
        assert_eq!(read_what_is_there(&from), b"");
        let mut writer = &to;
        writer.write_all(&[b'x'; 10_000]).unwrap();
        assert_eq!(read_what_is_there(&from), [b'x'; 10_000]);
        drop(to);
        assert_eq!(read_what_is_there(&from), b"");
    }
}
