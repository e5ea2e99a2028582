//! Whether a program can run alone: a scratch image holds no loader and no libraries.

use std::path::Path;

use super::EngineError;

/// Program headers of this kind name the loader.
const INTERPRETER: u32 = 3;

/// Refuses what is no static program for this machine's kernel.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let refused = |why: &str| EngineError::File {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    match names_interpreter(bytes) {
        None => Err(refused(
            "no ELF program for Linux, which a container could run (`--build-from dockerfile` builds it inside)",
        )),
        Some(Some(interpreter)) => Err(refused(&format!(
            "it needs the loader {interpreter}, which an empty image does not have: link it \
             statically (`-C target-feature=+crt-static`), or `--build-from dockerfile`"
        ))),
        Some(None) => Ok(()),
    }
}

/// The loader that a 64-bit little-endian ELF names; `None` when it is no such file.
fn names_interpreter(bytes: &[u8]) -> Option<Option<String>> {
    let magic = [0x7f, b'E', b'L', b'F', 2, 1];
    if !bytes.starts_with(&magic) {
        return None;
    }
    let start = usize::try_from(number(bytes, 32, 8)?).ok()?;
    let size = usize::try_from(number(bytes, 54, 2)?).ok()?;
    let count = usize::try_from(number(bytes, 56, 2)?).ok()?;
    for header in 0..count {
        let at = start.checked_add(header.checked_mul(size)?)?;
        if number(bytes, at, 4)? != u64::from(INTERPRETER) {
            continue;
        }
        let from = usize::try_from(number(bytes, at.checked_add(8)?, 8)?).ok()?;
        let length = usize::try_from(number(bytes, at.checked_add(32)?, 8)?).ok()?;
        let name = bytes.get(from..from.checked_add(length)?)?;
        let name = String::from_utf8_lossy(name);
        return Some(Some(name.trim_end_matches('\0').to_owned()));
    }
    Some(None)
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let slice = bytes.get(at..at.checked_add(width)?)?;
    let mut number = [0; 8];
    number.get_mut(..width)?.copy_from_slice(slice);
    Some(u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_names_a_loader_is_refused_and_this_test_is_static() {
        let shell = std::fs::read("/bin/sh").unwrap();
        let told = check(Path::new("/bin/sh"), &shell).unwrap_err().to_string();
        assert!(told.contains("needs the loader /lib"), "{told}");
        let own = std::env::current_exe().unwrap();
        check(&own, &std::fs::read(&own).unwrap()).unwrap();
    }

    #[test]
    fn what_is_no_program_is_refused_and_no_bytes_make_it_panic() {
        let told = check(Path::new("/x"), b"#!/bin/sh")
            .unwrap_err()
            .to_string();
        assert!(told.contains("no ELF program"), "{told}");
        let shell = std::fs::read("/bin/sh").unwrap();
        for cut in [6, 20, 55, 57, 64, 100, 200] {
            let _ = names_interpreter(&shell[..cut]);
        }
        let mut wild = shell[..64].to_vec();
        wild[32..40].fill(0xff);
        assert_eq!(names_interpreter(&wild), None);
    }
}
