//! The address book on disk: `.msvc/<project>/addresses.json`.

use std::io;
use std::path::{Path, PathBuf};

use msvc_machine::atomic_write::atomic_write;
use msvc_machine::disk::read_regular;

use super::{Book, SCHEMA};

/// A book of more bytes than this is none of ours.
const MAX_BYTES: u64 = 4_000_000;

/// The address book cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Reading failed.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is of a version this build does not know, or no book at all.
    #[error(
        "{path} is no address book of this version: {why} (delete it: addresses are chosen anew)"
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Writing failed.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn path_in(home: &Path) -> PathBuf {
    home.join("addresses.json")
}

/// The book of the project whose home is `.msvc/<project>`; an empty one when there is none yet.
///
/// # Errors
/// When it cannot be read, or is no book.
pub fn load(home: &Path) -> Result<Book, BookError> {
    let path = path_in(home);
    let bytes = match read_regular(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(source) => return Err(BookError::Read { path, source }),
    };
    let form = |why: String| BookError::Form {
        path: path.clone(),
        why,
    };
    let book: Book = serde_json::from_slice(&bytes).map_err(|error| form(error.to_string()))?;
    if book.schema == SCHEMA {
        Ok(book)
    } else {
        Err(form(format!("its schema is `{}`", book.schema)))
    }
}

/// Writes the book, when it differs from what is there.
///
/// # Errors
/// When the home cannot be made or written.
pub fn save(home: &Path, book: &Book) -> Result<(), BookError> {
    if load(home).is_ok_and(|there| there == *book && path_in(home).exists()) {
        return Ok(());
    }
    let path = path_in(home);
    let write = |source| BookError::Write {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(home).map_err(write)?;
    let mut bytes = serde_json::to_vec_pretty(book).map_err(|error| write(error.into()))?;
    bytes.push(b'\n');
    atomic_write(&path, &bytes).map_err(write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_read_as_it_was_written_and_a_foreign_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("shop");
        assert_eq!(load(&home).unwrap(), Book::default());
        let mut book = Book::default();
        let address = "127.64.1.2:8080".parse().unwrap();
        book.slots.insert("main/a".into(), [(8080, address)].into());
        save(&home, &book).unwrap();
        assert_eq!(load(&home).unwrap(), book);
        std::fs::write(
            path_in(&home),
            br#"{"schema":"msvc.addresses/9","slots":{}}"#,
        )
        .unwrap();
        assert!(
            load(&home)
                .unwrap_err()
                .to_string()
                .contains("msvc.addresses/9")
        );
        std::fs::write(path_in(&home), b"[").unwrap();
        assert!(matches!(load(&home), Err(BookError::Form { .. })));
    }
}
