//! What a mount says besides its source and target, as the engine takes it.

use std::collections::BTreeSet;

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions,
};
use msvc_system::model::{Mount as Asked, Placed, Service};
use msvc_system::problem::{Problem, Problems};
use serde_json::Value;

use super::super::Wish;
use super::super::value::{bytes, flag, number, pairs, text};
use crate::fields::{In, Kind};

/// The options of one mount; what is not taken out is told.
pub(super) struct Options<'a> {
    mount: &'a Asked,
    taken: BTreeSet<&'static str>,
}

impl<'a> Options<'a> {
    pub(super) fn of(mount: &'a Asked) -> Self {
        Self {
            mount,
            taken: BTreeSet::new(),
        }
    }

    /// A field that is there and says something.
    fn asked(&self, name: &'static str) -> Option<&'a Placed<Value>> {
        self.mount.other_fields.get(name)
    }

    /// The same, read; a value that cannot be read stays and is told.
    fn take<T>(&mut self, name: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = read(&self.asked(name)?.value)?;
        self.taken.insert(name);
        Some(value)
    }

    /// That the engine is too old for one of them.
    fn needs(&self, wish: &Wish<'_>, name: &str, field: &Placed<Value>) -> Option<Problem> {
        let least = In::Containers.fate(&format!("volumes.{name}")).since?;
        let what = format!("`{name}` of the mount {}", self.mount.target);
        wish.needs(least, &what, &field.place)
    }

    pub(super) fn of_volume(&mut self, wish: &Wish<'_>, made: &mut Mount, problems: &mut Problems) {
        made.typ = Some(MountType::VOLUME);
        let mut options = MountVolumeOptions {
            no_copy: self.take("volume.nocopy", flag),
            ..MountVolumeOptions::default()
        };
        // One with a name has its own at the top level.
        if made.source.is_none() {
            let labels = self.take("volume.labels", |value| pairs(value, '='));
            options.labels = labels.map(|labels| labels.into_iter().collect());
        }
        if let Some(field) = self.asked("volume.subpath") {
            options.subpath = self.take("volume.subpath", text);
            problems.0.extend(self.needs(wish, "volume.subpath", field));
        }
        made.volume_options = (options != MountVolumeOptions::default()).then_some(options);
    }

    /// In the engine's short form, in which it makes a folder that is missing, as Compose has it;
    /// nothing where the mount needs the other form, which is then put into `made`.
    pub(super) fn of_bind(
        &mut self,
        wish: &Wish<'_>,
        path: &str,
        made: &mut Mount,
        problems: &mut Problems,
    ) -> Option<String> {
        let creates = self.take("bind.create_host_path", flag).unwrap_or(true);
        let recursive = self.recursive(wish, problems);
        let propagation = self.take("bind.propagation", propagation);
        let has_colon = path.contains(':') || self.mount.target.contains(':');
        if creates && recursive.is_none() && !has_colon {
            let mut mode = vec![if self.mount.read_only { "ro" } else { "rw" }.to_owned()];
            mode.extend(self.take("bind.selinux", label));
            mode.extend(propagation.map(|it| it.to_string()));
            return Some(format!("{path}:{}:{}", self.mount.target, mode.join(",")));
        }
        made.typ = Some(MountType::BIND);
        let options = MountBindOptions {
            propagation,
            ..recursive.unwrap_or_default()
        };
        made.bind_options = (options != MountBindOptions::default()).then_some(options);
        None
    }

    fn recursive(&mut self, wish: &Wish<'_>, problems: &mut Problems) -> Option<MountBindOptions> {
        let field = self.asked("bind.recursive")?;
        let mut options = MountBindOptions::default();
        let is_known = match field.value.as_str() {
            Some("enabled") => {
                self.taken.insert("bind.recursive");
                return None;
            }
            Some("disabled") => {
                options.non_recursive = Some(true);
                true
            }
            Some("writable") => {
                options.read_only_non_recursive = Some(true);
                true
            }
            Some("readonly") => {
                options.read_only_force_recursive = Some(true);
                true
            }
            _ => false,
        };
        if !is_known {
            return None;
        }
        self.taken.insert("bind.recursive");
        if options.non_recursive.is_none() {
            problems.0.extend(self.needs(wish, "bind.recursive", field));
        }
        Some(options)
    }

    /// The options as text, where the file gives text or nothing; else they are put into `made`.
    pub(super) fn of_tmpfs(&mut self, made: &mut Mount) -> Option<String> {
        let size = self.take("tmpfs.size", bytes);
        let mode = self.take("tmpfs.mode", permissions);
        let text = self.take("tmpfs.options", text);
        if size.is_none() && mode.is_none() && !self.mount.read_only {
            return Some(text.unwrap_or_default());
        }
        made.typ = Some(MountType::TMPFS);
        made.tmpfs_options = Some(MountTmpfsOptions {
            size_bytes: size,
            mode,
            options: None,
        });
        None
    }

    /// Tells what nobody took.
    pub(super) fn rest(self, service: &Service, problems: &mut Problems) {
        for (name, field) in &self.mount.other_fields {
            let fate = In::Containers.fate(&format!("volumes.{name}"));
            let is_carried = matches!(fate.kind, Kind::Carried | Kind::Partly(_));
            let asks = is_carried && !field.value.is_null() && flag(&field.value) != Some(false);
            if asks && !self.taken.contains(name.as_str()) {
                let target = &self.mount.target;
                let what = format!(
                    "{}: `{name}` is not for the mount {target}, or has a value that the engine \
                     does not take",
                    service.name
                );
                let hint = "take it out, or `--lenient` to go without it";
                problems.push(Problem::error(what).at(field.place.clone()).hint(hint));
            }
        }
    }
}

fn propagation(value: &Value) -> Option<MountBindOptionsPropagationEnum> {
    let known = value.as_str()?.parse().ok()?;
    (known != MountBindOptionsPropagationEnum::EMPTY).then_some(known)
}

/// Whose the files are for SELinux: everybody's containers, or this one's alone.
fn label(value: &Value) -> Option<String> {
    let text = text(value)?;
    matches!(text.as_str(), "z" | "Z").then_some(text)
}

/// A number as YAML reads it (`0755` is octal), or octal digits as text.
fn permissions(value: &Value) -> Option<i64> {
    match value.as_str() {
        Some(digits) => i64::from_str_radix(digits.trim().trim_start_matches("0o"), 8).ok(),
        None => number(value),
    }
}
