//! What a container would have and a host process goes without: it runs, and its user is told, once
//! for each service.

use msvc_system::model::Service;
use msvc_system::problem::{Place, Problem};

use crate::fields::{In, of_model, told};

/// The one warning for all that a service goes without.
pub(super) fn warning(service: &Service) -> Option<Problem> {
    let missing = missing(service);
    let first = missing.first()?;
    let place = first.place.clone();
    let (mut names, mut reasons): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for Missing { field, instead, .. } in &missing {
        let name = format!("`{field}`");
        if !names.contains(&name) {
            reasons.push(format!("{field}: {instead}"));
            names.push(name);
        }
    }
    let what = format!(
        "{} runs as a host process and goes without {}",
        service.name,
        names.join(", ")
    );
    Some(Problem::warning(what).at(place).hint(reasons.join("; ")))
}

/// A field that nothing comes of.
struct Missing {
    field: String,
    instead: &'static str,
    place: Place,
}

fn missing(service: &Service) -> Vec<Missing> {
    let told = told(In::Processes, service).into_iter();
    let told = told.map(|it| Missing {
        field: it.name,
        instead: it.fate.note,
        place: it.place,
    });
    let has_labels = !service.labels.is_empty() && !service.labels_of_files;
    let labels = has_labels.then(|| ("labels".to_owned(), &service.place));
    let of_model = of_model(&service.mounts, &service.files);
    let held = labels
        .into_iter()
        .chain(of_model)
        .map(|(field, place)| Missing {
            instead: In::Processes.fate(&field).note,
            place: place.clone(),
            field,
        });
    told.chain(held).collect()
}
