//! A service that was not started, told at the line that says what it runs, or what an engine does
//! not take.

use msvc_report::exit::Exit;
use msvc_runtime::contract::{Blame, RuntimeError};
use msvc_runtime::docker::{EngineError, fields_meant};
use msvc_runtime::up::UpError;
use msvc_system::id::ServiceName;
use msvc_system::model::{Service, System};
use msvc_system::problem::{Place, Problem};

use super::network::network_not_made;
use crate::failure::Failure;

/// Why a lane in an engine is not up, at the line that the engine's words are about.
pub(super) fn not_up_in_engine(system: &System, why: UpError) -> Failure {
    match why {
        UpError::Runtime(RuntimeError::Start { instance, why }) => {
            let hint = "correct the words that start it, or let its image have what they name";
            let service = system.service(instance.service.as_str());
            let place = service.map(|it| it.command_place.clone());
            not_started(&instance.service, &why, place, hint)
        }
        UpError::Runtime(RuntimeError::NotTaken {
            instance,
            why,
            blame,
        }) => not_taken(system, &instance.service, &why, blame),
        UpError::Runtime(RuntimeError::Network {
            network,
            why,
            blame,
        }) => network_not_made(system, &network, &why, blame),
        UpError::Runtime(RuntimeError::Engine(error)) => {
            let place = image_place(system, &error);
            let mut failure = Failure::from(RuntimeError::Engine(error));
            if let Some(problem) = failure.problems.first_mut() {
                problem.place = place;
            }
            failure
        }
        other => hook_failed(system, other).unwrap_or_else(Failure::from),
    }
}

/// Where the files say from what an image is made, or had, that an engine could not.
fn image_place(system: &System, error: &EngineError) -> Option<Place> {
    let (EngineError::Image { service, .. } | EngineError::Build { service, .. }) = error else {
        return None;
    };
    let service = system.service(service)?;
    match error {
        // One that a build begins from stands in what is built.
        EngineError::Image { image, .. }
            if service.image.as_ref().is_some_and(|it| it.value == *image) =>
        {
            service.image.as_ref().map(|it| it.place.clone())
        }
        _ => Some(of_image(system, service)),
    }
}

/// Where the files say what a service's image is.
fn of_image(system: &System, service: &Service) -> Place {
    let written = |field| system.written.field(service.name.as_str(), field);
    let place = written("build").or_else(|| Some(service.image.as_ref()?.place.clone()));
    place.unwrap_or_else(|| service.place.clone())
}

/// What of a service an image may say, too, and how a Dockerfile writes it.
const OF_AN_IMAGE: [(&str, &str); 3] = [
    ("user", "USER"),
    ("working_dir", "WORKDIR"),
    ("healthcheck", "HEALTHCHECK"),
];

/// Signs of what the engine may not do on this machine, whatever the file says.
const FORBIDDEN: [&str; 2] = ["operation not permitted", "permission denied"];

/// Signs that who is named is right, and does not answer.
const SILENT: [&str; 5] = [
    "connection refused",
    "i/o timeout",
    "no such host",
    "no route to host",
    "network is unreachable",
];

/// What is to be done where the field alone does not tell, by signs of it.
const ADVICE: [(&str, &str); 2] = [
    (
        "non-shareable IPC",
        "write `ipc: shareable` at the service whose it is",
    ),
    (
        "/proc/sys/",
        "the kernel of the engine's machine has no such setting for a container, or does not take \
         its value: correct `sysctls`, or take it out",
    ),
];

/// What an engine does not take of a service: at the field that it names where that stands in the
/// files, else at the service.
fn not_taken(system: &System, name: &ServiceName, why: &str, blame: Blame) -> Failure {
    let found = fields_meant(why).find_map(|field| {
        let place = match field {
            "address" => system.written.address(name.as_str()),
            field => system.written.field(name.as_str(), field),
        };
        let shown = match field {
            "address" => "the address".to_owned(),
            field => format!("`{}`", field.replace('/', ".")),
        };
        Some((shown, place?))
    });
    let mut problem = Problem::error(format!("{name} cannot be started: the engine says: {why}"));
    let mut exit = blame.exit();
    if let Some((field, place)) = found {
        problem.place = Some(place);
        let is = |signs: &[&str]| signs.iter().any(|sign| why.contains(sign));
        let (ends, hint) = if is(&FORBIDDEN) {
            let hint = format!("take {field} out, or let the engine have the right to do it");
            (Exit::CouldNot, hint)
        } else if is(&SILENT) {
            let hint = format!("start what {field} names, or take it out: nobody answers there");
            (Exit::CouldNot, hint)
        } else {
            let advice = ADVICE.iter().find(|(sign, _)| why.contains(sign));
            let hint = advice.map(|(_, hint)| (*hint).to_owned());
            let hint = hint.unwrap_or_else(|| format!("correct {field}, or take it out"));
            (Exit::Input, hint)
        };
        exit = ends;
        problem.hint = Some(hint);
    } else if let Some((service, field, word)) = said_by_its_image(system, name, why) {
        problem.place = Some(of_image(system, service));
        problem.hint = Some(format!(
            "its image says so (`{word}`): correct what that is made of, or write another `{field}` \
             for the service"
        ));
        exit = Exit::Failed;
    } else if blame != Blame::Nobody {
        problem.place = system.service(name.as_str()).map(|it| it.place.clone());
        let hint = "correct what the file says of it; `msvc config` prints all of that";
        problem.hint = Some(hint.to_owned());
    }
    of_one(exit, problem)
}

/// The service, and what of it an engine's words are about that its image alone can have said.
fn said_by_its_image<'a>(
    system: &'a System,
    name: &ServiceName,
    why: &str,
) -> Option<(&'a Service, &'static str, &'static str)> {
    let service = system.service(name.as_str())?;
    let meant = fields_meant(why).find_map(|field| {
        let mut all = OF_AN_IMAGE.into_iter();
        all.find(|(of_image, _)| *of_image == field)
    });
    meant.map(|(field, word)| (service, field, word))
}

/// That what a service's `post_start` runs did not end well, at its line; else the error again.
pub(super) fn hook_failed(system: &System, error: UpError) -> Result<Failure, UpError> {
    let UpError::Runtime(RuntimeError::PostStart {
        instance,
        number,
        why,
    }) = error
    else {
        return Err(error);
    };
    let service = system.service(instance.service.as_str());
    let hook = service.and_then(|it| it.post_start.get(number));
    let place = hook.map(|it| it.place.clone());
    let hint = "it is run where the service runs, once it has started: correct it, or make what it \
                needs";
    Ok(not_started(&instance.service, &why, place, hint))
}

/// A service that was not started, with the line that says what it runs.
pub(super) fn not_started(
    name: &ServiceName,
    why: &str,
    place: Option<Place>,
    hint: &str,
) -> Failure {
    let what = format!("{name} cannot be started: {why}");
    let mut problem = Problem::error(what).hint(hint);
    problem.place = place;
    of_one(Exit::Failed, problem)
}

pub(super) fn of_one(exit: Exit, problem: Problem) -> Failure {
    Failure {
        exit,
        problems: vec![problem],
        lines: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use msvc_system::files::Files;
    use msvc_system::id::{InstanceId, LaneName};
    use msvc_system::load::{LoadRequest, load};

    use super::*;

    const TEXT: &str = "services:
  a:
    image: x
    command: [sleep]
    cap_add: [ALL]
    working_dir: app
    networks: {n: {ipv4_address: 10.1.1.7}}
    logging: {driver: fluentd}
    sysctls: {net.none: 1}
    ipc: service:b
  b:
    image: b
    build: .
networks:
  n: {ipam: {config: [{subnet: 10.1.1.0/24}]}}
";

    /// The line that is shown of the file above, the code, the advice.
    fn told(error: RuntimeError) -> (Option<u32>, Exit, String) {
        let files = BTreeMap::from([("/s/compose.yaml".into(), TEXT.into())]);
        let request = LoadRequest {
            directory: "/s".into(),
            ..LoadRequest::default()
        };
        let system = load(&request, &Files::in_memory(files)).unwrap().system;
        let failure = not_up_in_engine(&system, UpError::Runtime(error));
        let problem = failure.problems.into_iter().next().unwrap();
        let line = problem.place.map(|place| place.line);
        (line, failure.exit, problem.hint.unwrap_or_default())
    }

    fn instance() -> InstanceId {
        InstanceId {
            project: "s".parse().unwrap(),
            lane: LaneName::main(),
            service: "a".parse().unwrap(),
            replica: 1,
            incarnation: 1,
        }
    }

    #[test]
    fn an_engines_words_are_told_at_the_field_that_they_are_about() {
        for (why, blame, line, exit, advice) in [
            (
                "the working directory 'app' is invalid",
                Blame::File,
                Some(6),
                Exit::Input,
                "correct `working_dir`",
            ),
            (
                "Address already in use",
                Blame::Nobody,
                Some(7),
                Exit::Input,
                "correct the address",
            ),
            (
                "unable to apply caps: operation not permitted",
                Blame::Service,
                Some(5),
                Exit::CouldNot,
                "take `cap_add` out",
            ),
            (
                "failed to initialize logging driver: dial tcp 127.0.0.1:24224: connect: connection refused",
                Blame::Nobody,
                Some(8),
                Exit::CouldNot,
                "start what `logging` names",
            ),
            (
                "You should always set the Memory limit when using Memoryswap limit",
                Blame::File,
                Some(2),
                Exit::Input,
                "correct what the file says of it",
            ),
            (
                "unable to find user nosuch: no matching entries in passwd file",
                Blame::Nobody,
                Some(3),
                Exit::Failed,
                "its image says so (`USER`)",
            ),
            (
                "can't join IPC of container b: non-shareable IPC",
                Blame::Nobody,
                Some(10),
                Exit::Input,
                "write `ipc: shareable`",
            ),
            (
                "error during container init: open /proc/sys/net/none: no such file or directory",
                Blame::Service,
                Some(9),
                Exit::Input,
                "the kernel of the engine's machine",
            ),
            (
                "something of its own",
                Blame::Service,
                Some(2),
                Exit::Failed,
                "correct what the file says of it",
            ),
            (
                "Invalid PID mode: nope",
                Blame::Nobody,
                None,
                Exit::CouldNot,
                "",
            ),
        ] {
            let instance = instance();
            let why = why.to_owned();
            let told = told(RuntimeError::NotTaken {
                instance,
                why: why.clone(),
                blame,
            });
            assert_eq!((told.0, told.1), (line, exit), "{why}");
            assert!(told.2.starts_with(advice), "{why}: {}", told.2);
            assert!(!told.2.contains("words that start it"), "{why}");
        }
    }

    #[test]
    fn only_what_is_about_the_program_points_at_the_command() {
        let (instance, why) = (instance(), "executable file not found".to_owned());
        let (line, exit, advice) = told(RuntimeError::Start { instance, why });
        assert_eq!((line, exit), (Some(4), Exit::Failed));
        assert!(advice.contains("words that start it"), "{advice}");
    }

    #[test]
    fn an_image_that_is_not_had_or_built_is_told_where_the_file_says_from_what() {
        let had = |image: &str| {
            let (image, service) = (image.to_owned(), "a".to_owned());
            let why = "no such host".to_owned();
            let error = EngineError::Image {
                image,
                service,
                why,
            };
            let (line, exit, hint) = told(error.into());
            assert!(hint.contains("docker pull"), "{hint}");
            (line, exit)
        };
        assert_eq!(had("x"), (Some(3), Exit::CouldNot));
        assert_eq!(had("base"), (Some(3), Exit::CouldNot));
        let built = |service: &str| {
            told(
                EngineError::Build {
                    service: service.to_owned(),
                    message: String::new(),
                }
                .into(),
            )
        };
        let (line, exit, hint) = built("b");
        assert_eq!((line, exit), (Some(13), Exit::Failed));
        assert!(hint.contains("correct its Dockerfile"), "{hint}");
    }

    #[test]
    fn a_network_that_is_not_made_is_told_at_its_line() {
        let network = |blame| {
            told(RuntimeError::Network {
                network: "n".to_owned(),
                why: "some words".to_owned(),
                blame,
            })
        };
        let (line, exit, _) = network(Blame::File);
        assert_eq!((line, exit), (Some(15), Exit::Input));
        assert_eq!(network(Blame::Nobody).1, Exit::CouldNot);
    }
}
