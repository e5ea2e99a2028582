//! The names that images are asked for, or given, by: one that no engine takes is told at its line,
//! before anything is made.

use msvc_system::model::Service;
use msvc_system::problem::{Place, Problem};

use super::value::texts;
use crate::docker::image::ImageFacts;
use crate::docker::image::name::is_name;
use crate::docker::image::platform::{Platform, asked};

/// What such a name is made of.
const FORM: &str = "[HOST[:PORT]/]NAME[:TAG][@DIGEST]: its name has lowercase letters and digits, with \
                    `.`, `_` or `-` between them";

/// What is wrong with the names of a service's image, and with the machine that it is asked for.
pub(super) fn problems(service: &Service, facts: &ImageFacts) -> Vec<Problem> {
    let mut problems = Vec::new();
    let reference = facts.reference.as_str();
    match &service.image {
        Some(image) if !is_name(&image.value) => {
            problems.push(refused(service, &image.value, &image.place));
        }
        None if service.build.is_some() && !reference.is_empty() && !is_name(reference) => {
            let what = format!(
                "{}: no image can be called `{}`, as that of this service is where the file names none",
                service.name,
                shown(reference)
            );
            let hint = "name it in its `image`";
            problems.push(Problem::error(what).at(service.place.clone()).hint(hint));
        }
        _ => {}
    }
    if let Some(tags) = service.other_fields.get("build.tags") {
        let named = texts(&tags.value).unwrap_or_default().into_iter();
        let refused = named
            .filter(|it| !is_name(it))
            .map(|it| refused(service, &it, &tags.place));
        problems.extend(refused);
    }
    let is_packed = facts.program.is_some();
    problems.extend(platform(service).or_else(|| built_for_another(service).filter(|_| is_packed)));
    problems
}

/// Another machine than that on which its program was built.
fn built_for_another(service: &Service) -> Option<Problem> {
    let (field, asked) = (service.other_fields.get("platform")?, asked(service)?);
    let (asked, here) = (Platform::of(asked)?, Platform::here());
    let what = format!(
        "{}: its program is built on this machine, for {here}, and `platform` asks for {asked}",
        service.name
    );
    let problem = Problem::error(what).at(field.place.clone());
    let hint = "take it out, or let `--build-from dockerfile` build it for that";
    (!asked.is_one_machine_with(&here)).then(|| problem.hint(hint))
}

/// A machine that nobody knows.
fn platform(service: &Service) -> Option<Problem> {
    let (field, asked) = (service.other_fields.get("platform")?, asked(service)?);
    let what = format!(
        "{}: `platform` is `{}`, which names no machine",
        service.name,
        shown(asked)
    );
    let problem = Problem::error(what).at(field.place.clone());
    let hint = "write OS/ARCHITECTURE[/VARIANT]: `linux/amd64`, `linux/arm64`, `linux/arm/v7`";
    Platform::of(asked).is_none().then(|| problem.hint(hint))
}

fn refused(service: &Service, name: &str, place: &Place) -> Problem {
    let small = name.to_lowercase();
    let hint = match is_name(&small) {
        true => format!("write `{}`: such a name has no capitals", shown(&small)),
        false => FORM.to_owned(),
    };
    let what = format!("{}: no image can be called `{}`", service.name, shown(name));
    Problem::error(what).at(place.clone()).hint(hint)
}

/// A name on one line.
fn shown(name: &str) -> String {
    const MOST: usize = 80;
    name.chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect()
}
