//! The plan on disk, or nothing of it: everything is written in a stage, then moved into
//! place, the Compose file last. What was done is taken back when a later step fails.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use msvc_system::schema;
use tempfile::NamedTempFile;

use crate::error::ScaffoldError;
use crate::new::{ComposeChange, Plan};
use crate::place;
use crate::render::File;
use crate::stage::Stage;

/// Carries the plan out.
///
/// # Errors
/// When anything cannot be written; then nothing is left of it.
pub fn write(plan: &Plan) -> Result<(), ScaffoldError> {
    let mut done = Done::default();
    match carry_out(plan, &mut done) {
        Ok(()) => Ok(()),
        Err(Failed { path, source }) => {
            let left = done.undo();
            Err(if left.is_empty() {
                ScaffoldError::Write { path, source }
            } else {
                ScaffoldError::Undo { path, source, left }
            })
        }
    }
}

/// A step that failed.
struct Failed {
    path: PathBuf,
    source: io::Error,
}

trait At<T> {
    fn at(self, path: &Path) -> Result<T, Failed>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, Failed> {
        self.map_err(|source| Failed {
            path: path.to_path_buf(),
            source,
        })
    }
}

/// What was done, in order.
#[derive(Default)]
struct Done {
    steps: Vec<Step>,
}

enum Step {
    MadeFolder(PathBuf),
    MovedFolder(PathBuf),
    MovedFile(PathBuf),
}

impl Done {
    /// Takes everything back, the last first; what could not be.
    fn undo(self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for step in self.steps.into_iter().rev() {
            let (path, undone) = match step {
                Step::MadeFolder(path) => (path.clone(), fs::remove_dir(path)),
                Step::MovedFolder(path) => (path.clone(), fs::remove_dir_all(path)),
                Step::MovedFile(path) => (path.clone(), fs::remove_file(path)),
            };
            if undone.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                left.push(path);
            }
        }
        left
    }

    /// Makes a folder and those above it that are missing.
    fn make_folder(&mut self, folder: &Path) -> Result<(), Failed> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).at(folder)?;
            self.steps.push(Step::MadeFolder(folder.to_path_buf()));
        }
        Ok(())
    }
}

fn carry_out(plan: &Plan, done: &mut Done) -> Result<(), Failed> {
    let parent = plan.target.parent().unwrap_or(&plan.target);
    done.make_folder(parent)?;
    let stage = Stage::make(parent, &plan.name).at(parent)?;
    let staged = self::stage(plan, &stage)?;
    let pacts_inside = plan.contracts.starts_with(&plan.target);
    let mut pacts = Vec::new();
    for pact in &plan.pacts {
        if pacts_inside {
            let folder = plan.contracts.strip_prefix(&plan.target);
            put(&staged.join(folder.unwrap_or(Path::new(""))), pact)?;
        } else {
            done.make_folder(&plan.contracts)?;
            let path = plan.contracts.join(&pact.path);
            let folder = stage.for_folder(&plan.contracts);
            pacts.push((new_file(folder, &pact.bytes).at(&path)?, path));
        }
    }
    let compose = plan.compose.as_ref();
    let compose = compose.map(|it| stage_compose(it, &stage)).transpose()?;
    let mut beside = pacts;
    for path in plan.compose.iter().filter_map(|it| it.schema.as_ref()) {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let text = schema::text();
        let folder = stage.for_folder(folder);
        beside.push((new_file(folder, text.as_bytes()).at(path)?, path.clone()));
    }

    // From here on only names change.
    not_there(&plan.target)?;
    fs::rename(&staged, &plan.target).at(&plan.target)?;
    done.steps.push(Step::MovedFolder(plan.target.clone()));
    for (file, path) in beside {
        file.persist_noclobber(&path)
            .map_err(|e| e.error)
            .at(&path)?;
        done.steps.push(Step::MovedFile(path));
    }
    if let (Some(file), Some(change)) = (compose, &plan.compose) {
        match &change.before {
            None => file.persist_noclobber(&change.path),
            Some(_) => unchanged(change)
                .map(|()| file)
                .at(&change.path)?
                .persist(&change.path),
        }
        .map_err(|e| e.error)
        .at(&change.path)?;
    }
    Ok(())
}

/// Writes all files of the service into the stage; the folder of them.
fn stage(plan: &Plan, stage: &Stage) -> Result<PathBuf, Failed> {
    let staged = stage.path().join(&plan.name);
    // A folder of its own, because that of `tempfile` is for this user's eyes only.
    fs::create_dir(&staged).at(&plan.target)?;
    for file in &plan.files {
        put(&staged, file).map_err(|failed| Failed {
            path: plan.target.join(&file.path),
            ..failed
        })?;
    }
    Ok(staged)
}

fn put(folder: &Path, file: &File) -> Result<(), Failed> {
    let path = folder.join(&file.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(folder)?;
    }
    fs::write(&path, &file.bytes).at(&path)
}

/// The Compose file as it will be, with its rights and owner.
fn stage_compose(change: &ComposeChange, stage: &Stage) -> Result<NamedTempFile, Failed> {
    let folder = change.path.parent().unwrap_or(Path::new("/"));
    let folder = stage.for_folder(folder);
    let file = new_file(folder, &change.after).at(&change.path)?;
    if change.before.is_some() {
        let old = fs::metadata(&change.path).at(&change.path)?;
        if old.permissions().readonly() {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only");
            return Err(error).at(&change.path);
        }
        // Only root may give a file away; for others it is theirs before and after.
        let _not_root = chown(file.path(), Some(old.uid()), Some(old.gid()));
        fs::set_permissions(file.path(), old.permissions()).at(&change.path)?;
    }
    file.as_file().sync_all().at(&change.path)?;
    Ok(file)
}

/// A file without a name to stay, with the rights that a new file of this user has.
fn new_file(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let usual = fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .permissions(usual)
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// That nobody changed the Compose file since it was read.
fn unchanged(change: &ComposeChange) -> io::Result<()> {
    let now = fs::read(&change.path)?;
    if change.before.as_ref() == Some(&now) {
        Ok(())
    } else {
        Err(io::Error::other("it was changed meanwhile; try again"))
    }
}

fn not_there(path: &Path) -> Result<(), Failed> {
    place::is_free(path)
        .map_err(|_| io::ErrorKind::AlreadyExists.into())
        .at(path)
}

#[cfg(test)]
mod tests;
