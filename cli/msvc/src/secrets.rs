//! Secrets that the Compose file asks msvc to make: one file each, made before anything is
//! started, once. What is in them goes nowhere else.

use std::path::{Path, PathBuf};

use msvc_machine::secret_file::make_once;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::model::{FileSource, Placed, Secret};
use msvc_system::problem::Problem;

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;

/// A secret, without what is in it.
#[derive(Debug, Clone, Serialize)]
pub struct SecretFile {
    /// Its name.
    pub secret: String,
    /// Its file as seen from where people stand.
    pub file: PathBuf,
}

/// Those whose file is missing.
#[must_use]
pub fn missing(context: &Context) -> Vec<SecretFile> {
    made(context)
        .filter(|(_, path, _)| path.symlink_metadata().is_err())
        .map(|(secret, path, _)| SecretFile {
            secret: secret.clone(),
            file: context.here.path(path),
        })
        .collect()
}

/// Makes each whose file is missing, and says so; those that were made.
///
/// # Errors
/// When one cannot be made.
pub fn make(
    context: &Context,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Result<Vec<SecretFile>, Failure> {
    let mut all = Vec::new();
    for (name, path, generate) in made(context) {
        let file = context.here.path(path);
        match make_once(&context.system.root, path, generate.value) {
            Ok(false) => {}
            Ok(true) => {
                let secret = name.clone();
                sink(Event::SecretMade {
                    secret: secret.clone(),
                    file: file.clone(),
                });
                all.push(SecretFile { secret, file });
            }
            Err(why) => {
                let what = format!(
                    "cannot make the secret `{name}` in {}: {why}",
                    file.display()
                );
                let hint = "make the folder writable, or write the file yourself";
                let problem = Problem::error(what).at(generate.place.clone()).hint(hint);
                return Err(Failure {
                    exit: Exit::CouldNot,
                    problems: vec![problem],
                    lines: Vec::new(),
                });
            }
        }
    }
    Ok(all)
}

fn made(context: &Context) -> impl Iterator<Item = (&String, &Path, &Placed<usize>)> {
    let secrets = context.system.x_msvc.secrets.iter();
    secrets.filter_map(|(name, secret)| match secret {
        Secret {
            source: FileSource::Host(path),
            generate: Some(generate),
            ..
        } => Some((name, path.as_path(), generate)),
        _ => None,
    })
}
