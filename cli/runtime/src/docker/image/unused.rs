//! Images that msvc made for a project and that nobody needs any more: an older build whose name a
//! newer one has taken, an older pack of the same program.

use std::collections::{BTreeMap, HashMap};

use bollard::models::ImageSummary;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};

use super::pack;
use crate::docker::engine::{Engine, EngineError};
use crate::docker::labels;

/// A packed image, and when it was last made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packed {
    reference: String,
    /// What all packs of one program have in common.
    program: String,
    made: String,
}

/// Removes the images that msvc made for a project, that no container uses, and that have been
/// replaced. The last of each service stays: the next `up` needs no build.
///
/// # Errors
/// When the engine does not answer.
pub async fn forget_unused(engine: &Engine, project: &str) -> Result<(), EngineError> {
    let label = format!("{}={project}", labels::IMAGE);
    let of_project = ("label", vec![label]);
    let nameless = ("dangling", vec!["true".to_owned()]);
    let nameless = HashMap::from([of_project.clone(), nameless]);
    let of_project = HashMap::from([of_project]);
    let (nameless, all) = tokio::try_join!(list(engine, &nameless), list(engine, &of_project))?;
    for image in nameless {
        remove(engine, &image.id).await;
    }
    let packs = |program: &String| {
        let of_it = |one: &&ImageSummary| one.labels.get(pack::LABEL) == Some(program);
        all.iter()
            .filter(of_it)
            .map(|one| one.repo_tags.len())
            .sum::<usize>()
    };
    let mut packed = Vec::new();
    for image in &all {
        // Of one alone nobody has to know when it was made.
        let program = image.labels.get(pack::LABEL);
        let Some(program) = program.filter(|program| packs(program) > 1) else {
            continue;
        };
        let seen = engine.docker.inspect_image(&image.id).await;
        let Ok(seen) = seen else { continue };
        let made = seen.metadata.and_then(|it| it.last_tag_time);
        packed.extend(image.repo_tags.iter().map(|reference| Packed {
            reference: reference.clone(),
            program: program.clone(),
            made: made.clone().unwrap_or_default(),
        }));
    }
    for reference in replaced(packed) {
        remove(engine, &reference).await;
    }
    Ok(())
}

/// All packs of each program but the last.
fn replaced(packed: Vec<Packed>) -> Vec<String> {
    let mut by_program: BTreeMap<String, Vec<Packed>> = BTreeMap::new();
    for one in packed {
        by_program.entry(one.program.clone()).or_default().push(one);
    }
    let mut replaced = Vec::new();
    for (_, mut packs) in by_program {
        packs.sort_by(|one, other| one.made.cmp(&other.made));
        packs.pop();
        replaced.extend(packs.into_iter().map(|pack| pack.reference));
    }
    replaced
}

async fn list(
    engine: &Engine,
    filters: &HashMap<&str, Vec<String>>,
) -> Result<Vec<ImageSummary>, EngineError> {
    let options = ListImagesOptionsBuilder::default().filters(filters).build();
    let images = engine.docker.list_images(Some(options));
    engine.ask("listing images", images).await
}

/// One that a container uses stays; so does whatever the engine keeps for a reason of its own.
async fn remove(engine: &Engine, image: &str) {
    let options = RemoveImageOptionsBuilder::default().build();
    let removed = engine.docker.remove_image(image, Some(options), None);
    let _ = engine.ask(format!("removing image {image}"), removed).await;
}

/// Removes the images that were packed or built for a system of this name and that nobody uses:
/// for systems that are gone for good.
///
/// # Errors
/// When the engine does not answer.
pub async fn forget(engine: &Engine, system: &str) -> Result<(), EngineError> {
    let label = format!("{}={system}", labels::IMAGE);
    let images = list(engine, &HashMap::from([("label", vec![label])])).await?;
    let prefix = format!("{system}-");
    for tag in images.into_iter().flat_map(|image| image.repo_tags) {
        if tag.starts_with(&prefix) {
            remove(engine, &tag).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_program_all_packs_but_the_last_are_replaced() {
        let pack = |reference: &str, program: &str, made: &str| Packed {
            reference: reference.to_owned(),
            program: program.to_owned(),
            made: made.to_owned(),
        };
        let packed = vec![
            pack("a:2", "a", "2026-01-02T00:00:00Z"),
            pack("b:1", "b", "2026-01-01T00:00:00Z"),
            pack("a:3", "a", "2026-01-03T00:00:00Z"),
            pack("a:1", "a", "2026-01-01T00:00:00Z"),
        ];
        assert_eq!(replaced(packed), ["a:1", "a:2"]);
    }
}
