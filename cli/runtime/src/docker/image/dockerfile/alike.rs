//! Whether a build has made the image anew that was there before: from the same base, by the same
//! steps, of the same contents.
//!
//! The builder knows steps by what is below them. Where two builds of one Dockerfile ran at once, in
//! two projects or folders, neither found the other's steps, and each later build of either goes on
//! from the newest of them, whoever made it: another image of the same. So does a step that somebody
//! removed. The image that was there before is what all that runs was made from; it stays.

use std::collections::HashMap;

use bollard::models::{ImageHistoryResponseItem, ImageInspect};

use crate::docker::engine::{Engine, EngineError};
use crate::docker::image::inspect;

/// What the last stage of a build begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Base {
    /// `FROM scratch`.
    Nothing,
    /// An image, by what the builder called it.
    Image(String),
}

/// What the last stage of a build begins from, as its lines tell: `Step 1/3 : FROM NAME [AS STAGE]`
/// and the image's id after it, which Podman leaves out. A stage that begins from another has that
/// one's.
fn base(said: &[String]) -> Option<Base> {
    let mut stages: HashMap<String, Base> = HashMap::new();
    let mut last = None;
    for (at, line) in said.iter().enumerate() {
        let Some(words) = step(line).and_then(from) else {
            continue;
        };
        let mut words = words
            .split_whitespace()
            .filter(|word| !word.starts_with("--"));
        let name = words.next()?;
        let own = match stages.get(&name.to_lowercase()) {
            Some(earlier) => earlier.clone(),
            None if name == "scratch" => Base::Nothing,
            None => {
                let until_next = said
                    .get(at + 1..)?
                    .iter()
                    .take_while(|it| step(it).is_none());
                let mut ids = until_next.filter_map(|it| it.trim().strip_prefix("---> "));
                Base::Image(ids.next().unwrap_or(name).to_owned())
            }
        };
        let stage = words.next().filter(|word| word.eq_ignore_ascii_case("AS"));
        if let Some(stage) = stage.and(words.next()) {
            stages.insert(stage.to_lowercase(), own.clone());
        }
        last = Some(own);
    }
    last
}

/// What stands behind `Step 1/3 : `, or `STEP 1/3: ` as Podman has it.
fn step(line: &str) -> Option<&str> {
    let (word, rest) = line.split_once(' ')?;
    let (_, step) = rest.split_once(": ")?;
    word.eq_ignore_ascii_case("STEP").then_some(step)
}

fn from(step: &str) -> Option<&str> {
    let (word, rest) = step.split_once(' ')?;
    word.eq_ignore_ascii_case("FROM").then_some(rest)
}

/// An image as far as it counts here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Made {
    machine: (Option<String>, Option<String>),
    layers: Vec<String>,
    /// What each step did, the last one first.
    steps: Vec<String>,
}

/// Whether `now`, whose build said so, is `before` made anew. One that is no longer there is not:
/// another project whose image has the same name may have made that anew and removed this one.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn is_alike(
    engine: &Engine,
    said: &[String],
    before: &ImageInspect,
    now: &ImageInspect,
) -> Result<bool, EngineError> {
    let base = match base(said) {
        None => return Ok(false),
        Some(Base::Nothing) => Made::default(),
        Some(Base::Image(id)) => match inspect(engine, &id).await? {
            None => return Ok(false),
            Some(base) => match made(engine, &base).await? {
                None => return Ok(false),
                Some(base) => base,
            },
        },
    };
    let (before, now) = tokio::try_join!(made(engine, before), made(engine, now))?;
    let (Some(before), Some(now)) = (before, now) else {
        return Ok(false);
    };
    Ok(are_alike(&base, &before, &now))
}

fn are_alike(base: &Made, before: &Made, now: &Made) -> bool {
    // What only the layers tell of an image from elsewhere its steps need not.
    let is_from_it = |one: &Made| one.layers.starts_with(&base.layers);
    before.machine == now.machine
        && is_from_it(before)
        && is_from_it(now)
        && before.layers.len() == now.layers.len()
        && before.steps == now.steps
}

/// None of an image that was removed since it was seen.
async fn made(engine: &Engine, image: &ImageInspect) -> Result<Option<Made>, EngineError> {
    let id = image.id.clone().unwrap_or_default();
    let history = engine.docker.image_history(&id);
    let what = format!("looking at the steps of image {id}");
    let history = match engine.ask(what, history).await {
        Err(error) if error.is_missing() => return Ok(None),
        history => history?,
    };
    let layers = image.root_fs.as_ref().and_then(|it| it.layers.clone());
    let step = |step: ImageHistoryResponseItem| step.created_by;
    Ok(Some(Made {
        machine: (image.os.clone(), image.architecture.clone()),
        layers: layers.unwrap_or_default(),
        steps: in_one_order(history.into_iter().map(step).collect()),
    }))
}

/// Podman gives an image the labels that were asked for in any order, a step each.
fn in_one_order(mut steps: Vec<String>) -> Vec<String> {
    let is_label = |step: &String| step.contains("#(nop) LABEL ");
    for labels in steps.chunk_by_mut(|one, next| is_label(one) == is_label(next)) {
        if labels.first().is_some_and(is_label) {
            labels.sort();
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(said: &[&str]) -> Vec<String> {
        said.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn the_base_of_the_last_stage_is_found_through_the_stages_before_it() {
        let image = |id: &str| Some(Base::Image(id.to_owned()));
        let one = lines(&[
            "Step 1/2 : FROM debian:12",
            " ---> 0a1b",
            "Step 2/2 : RUN true",
            " ---> 77",
        ]);
        assert_eq!(base(&one), image("0a1b"));
        let stages = [
            "Step 1/6 : FROM --platform=linux/amd64 rust AS Build",
            " ---> aa",
            "Step 2/6 : RUN make",
            " ---> Running in 1234",
            " ---> bb",
            "Step 3/6 : FROM scratch as bare",
            " --->",
            "Step 4/6 : COPY --from=build /a /a",
            " ---> cc",
            "Step 5/6 : from build",
            " ---> bb",
        ];
        assert_eq!(base(&lines(&stages)), image("aa"));
        assert_eq!(base(&lines(&stages[..9])), Some(Base::Nothing));
        let podmans = ["STEP 1/2: FROM debian:12", "STEP 2/2: RUN true", "--> 0a1b"];
        assert_eq!(base(&lines(&podmans)), image("debian:12"));
        assert_eq!(base(&[]), None);
    }

    #[test]
    fn labels_stand_in_one_order_and_other_steps_in_theirs() {
        let steps = |all: [&str; 4]| in_one_order(lines(&all));
        let (one, other) = ("/bin/sh -c #(nop) LABEL a=1", "/bin/sh -c #(nop) LABEL b=2");
        assert_eq!(
            steps([other, one, "RUN b", "RUN a"]),
            [one, other, "RUN b", "RUN a"]
        );
        assert_eq!(
            steps([other, "RUN b", one, "RUN a"]),
            [other, "RUN b", one, "RUN a"]
        );
    }

    #[test]
    fn images_are_alike_by_base_and_steps_and_not_by_the_layers_that_the_steps_made() {
        let made = |layers: &[&str], steps: &[&str]| Made {
            layers: lines(layers),
            steps: lines(steps),
            ..Made::default()
        };
        let base = made(&["base"], &["ADD base"]);
        let before = made(&["base", "1"], &["COPY file:aa in /a", "ADD base"]);
        let again = made(&["base", "2"], &["COPY file:aa in /a", "ADD base"]);
        assert!(are_alike(&base, &before, &again));
        for other in [
            made(&["base", "2"], &["COPY file:bb in /a", "ADD base"]),
            made(&["base", "2", "3"], &["COPY file:aa in /a", "ADD base"]),
            // Another base, which says the same of itself.
            made(&["newer", "2"], &["COPY file:aa in /a", "ADD base"]),
        ] {
            assert!(!are_alike(&base, &before, &other), "{other:?}");
            assert!(!are_alike(&base, &other, &before), "{other:?}");
        }
        let elsewhere = Made {
            machine: (None, Some("arm64".to_owned())),
            ..again
        };
        assert!(!are_alike(&base, &before, &elsewhere));
    }
}
