//! What git tracks, and what of it this machine has: in the work tree, else among git's objects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Git, GitError, unquoted};
use crate::tree::{LARGEST, MOST_BYTES, is_foreign};

/// A tracked path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Relative to the folder that was asked about.
    pub path: String,
    /// Its object's hash.
    pub object: String,
    /// What it is.
    pub kind: Kind,
}

impl Tracked {
    fn folder(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            object: String::new(),
            kind: Kind::Folder,
        }
    }
}

/// What a tracked path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A link.
    Link,
    /// The commit of another repository.
    Submodule,
    /// A folder whose files are not told.
    Folder,
}

/// All that git tracks below a folder.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Every tracked file and link.
    pub paths: Vec<String>,
    /// What the work tree lacks, out of git's objects.
    pub kept: BTreeMap<String, Vec<u8>>,
    /// What neither has; a folder ends with `/`.
    pub absent: Vec<String>,
    /// Folders in which other repositories stand.
    pub submodules: Vec<String>,
    /// Links that lead nowhere.
    pub lost: Vec<String>,
}

impl Git<'_> {
    /// What is tracked below this folder, with what the work tree lacks: a sparse checkout does,
    /// and a clone without one.
    ///
    /// # Errors
    /// When git fails.
    pub async fn listing(&self) -> Result<Listing, GitError> {
        let tracked = self.tracked().await?;
        let root = self.root().await?.canonicalize();
        let mut listing = Listing::default();
        let mut lacking: Vec<Tracked> = Vec::new();
        for one in tracked {
            match one.kind {
                Kind::Submodule => listing.submodules.push(one.path),
                Kind::Folder => listing.absent.push(one.path),
                // What stands outside of the repository is nothing that it tracks.
                Kind::Link if root.as_ref().is_ok_and(|it| self.leads_out(&one.path, it)) => {}
                Kind::File | Kind::Link => {
                    listing.paths.push(one.path.clone());
                    let at = self.folder.join(&one.path);
                    let is_there = std::fs::symlink_metadata(&at).is_ok();
                    if is_there && one.kind == Kind::Link && !at.exists() {
                        listing.lost.push(one.path);
                        continue;
                    }
                    if !is_there && one.kind == Kind::File && !is_foreign(&one.path) {
                        lacking.push(one);
                    }
                }
            }
        }
        if !lacking.is_empty() {
            self.fill(&mut listing, lacking).await?;
        }
        Ok(listing)
    }

    fn leads_out(&self, path: &str, root: &Path) -> bool {
        let real = self.folder.join(path).canonicalize();
        real.is_ok_and(|real| !real.starts_with(root))
    }

    /// The index, or the last commit where a clone has none.
    async fn tracked(&self) -> Result<Vec<Tracked>, GitError> {
        let known = self.run(&["ls-files", "--cached", "--stage"]).await?;
        let lines = match known {
            Ok(lines) if lines.is_empty() && self.has_commits().await? => {
                match self.run(&["ls-tree", "-r", "HEAD"]).await? {
                    Ok(lines) => lines,
                    Err(_) => return Ok(vec![Tracked::folder("./")]),
                }
            }
            Ok(lines) => lines,
            // An index of folders cannot be told in files where their trees are elsewhere.
            Err(_) => {
                self.must(&["ls-files", "--cached", "--stage", "--sparse"])
                    .await?
            }
        };
        let mut tracked: Vec<Tracked> = lines.iter().filter_map(|line| read(line)).collect();
        tracked.dedup_by(|a, b| a.path == b.path);
        Ok(tracked)
    }

    /// Takes what the work tree lacks out of git's objects.
    async fn fill(&self, listing: &mut Listing, lacking: Vec<Tracked>) -> Result<(), GitError> {
        let missing = self.missing().await?;
        let wanted: BTreeSet<&str> = lacking.iter().map(|it| it.object.as_str()).collect();
        let wanted: Vec<&str> = wanted
            .into_iter()
            .filter(|it| !missing.contains(*it))
            .collect();
        let sizes = self.sizes(&wanted).await?;
        let mut bytes = 0;
        let small = wanted.into_iter().filter(|object| {
            let size = sizes.get(*object).copied().unwrap_or(usize::MAX);
            let takes = size <= LARGEST && bytes + size <= MOST_BYTES;
            bytes += if takes { size } else { 0 };
            takes
        });
        let small: Vec<&str> = small.collect();
        let contents = self.contents(&small).await?;
        for Tracked { path, object, .. } in lacking {
            if let Some(bytes) = contents.get(&object) {
                listing.kept.insert(path, bytes.clone());
            } else if sizes.get(&object).is_none_or(|size| *size <= LARGEST) {
                listing.absent.push(path);
            }
        }
        Ok(())
    }

    /// The objects of the last commit that are elsewhere, asked without going there.
    async fn missing(&self) -> Result<BTreeSet<String>, GitError> {
        let words = [
            "rev-list",
            "--objects",
            "--no-walk",
            "--missing=print",
            "HEAD",
        ];
        let lines = self.run(&words).await?.unwrap_or_default();
        let missing = lines.iter().filter_map(|line| line.strip_prefix('?'));
        Ok(missing.map(str::to_owned).collect())
    }

    async fn sizes(&self, objects: &[&str]) -> Result<BTreeMap<String, usize>, GitError> {
        let answer = self.ask(&["cat-file", "--batch-check"], objects).await?;
        let answer = String::from_utf8_lossy(&answer);
        let sizes = answer.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let (object, kind, size) = (words.next()?, words.next()?, words.next()?);
            (kind == "blob").then_some((object.to_owned(), size.parse().ok()?))
        });
        Ok(sizes.collect())
    }

    async fn contents(&self, objects: &[&str]) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
        let answer = self.ask(&["cat-file", "--batch"], objects).await?;
        Ok(blobs(&answer))
    }
}

/// A line of the index, `MODE OBJECT STAGE\tPATH`, or of a tree, `MODE TYPE OBJECT\tPATH`.
fn read(line: &str) -> Option<Tracked> {
    let (head, path) = line.split_once('\t')?;
    let words: Vec<&str> = head.split(' ').collect();
    let object = words.iter().find(|word| word.len() >= 40)?;
    let kind = match *words.first()? {
        "120000" => Kind::Link,
        "160000" => Kind::Submodule,
        "040000" => Kind::Folder,
        _ => Kind::File,
    };
    Some(Tracked {
        path: unquoted(path),
        object: (*object).to_owned(),
        kind,
    })
}

/// `OBJECT TYPE SIZE\nCONTENT\n`, as many as there are whole.
fn blobs(answer: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut rest = answer;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        rest = rest.get(end + 1..).unwrap_or_default();
        let mut words = head.split(' ');
        let (object, size) = (words.next().unwrap_or_default(), words.nth(1));
        let Some(size) = size.and_then(|size| size.parse::<usize>().ok()) else {
            continue;
        };
        let Some(content) = rest.get(..size) else {
            break;
        };
        found.insert(object.to_owned(), content.to_vec());
        rest = rest.get(size + 1..).unwrap_or_default();
    }
    found
}

impl Listing {
    /// What stands at a path, told once: in the work tree, by `read`, else among what was kept.
    pub(crate) fn take<E>(
        &mut self,
        root: &Path,
        path: &str,
        read: impl Fn(&Path) -> Result<Vec<u8>, E>,
    ) -> Option<Vec<u8>> {
        match self.kept.remove(path) {
            Some(bytes) => Some(bytes),
            None => read(&root.join(path)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_one_behind_the_other_and_the_missing_are_passed() {
        let answer = b"a1 blob 4\nx\ny\n\nb2 missing\nc3 blob 0\n\nd4 blob 9\ncut";
        let found = blobs(answer);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a1", "c3"]);
        assert_eq!(found["a1"], b"x\ny\n");
    }

    #[test]
    fn lines_of_an_index_and_of_a_tree_are_told_apart_by_nothing() {
        let hash = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        for (line, path, kind) in [
            (format!("100644 {hash} 0\ta b"), "a b", Kind::File),
            (format!("160000 commit {hash}\tsub"), "sub", Kind::Submodule),
            (format!("120000 blob {hash}\t\"a\\tb\""), "a\tb", Kind::Link),
            (format!("040000 {hash} 0\tx/"), "x/", Kind::Folder),
        ] {
            let read = read(&line).unwrap();
            assert_eq!((read.path.as_str(), read.kind), (path, kind));
            assert_eq!(read.object, hash);
        }
    }
}
