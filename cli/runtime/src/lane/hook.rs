//! What is run beside a service at its start and its end: taken apart into words, so that names and
//! paths in them are rewritten as everywhere, and put together again.

use msvc_system::model::Service;

use crate::instance::{Hook, Hooks};

/// The words of every hook of a service, each with its settings and its folder behind its own.
pub(super) fn words(service: &Service) -> Vec<String> {
    let hooks = service.post_start.iter().chain(&service.pre_stop);
    let each = hooks.flat_map(|hook| {
        let settings = hook.environment.iter();
        let settings = settings.map(|(key, value)| format!("{key}={value}"));
        let words = hook.command.iter().cloned();
        words.chain(settings).chain(hook.working_dir.clone())
    });
    each.collect()
}

/// The hooks of a service with other words, as many as [`words`] gave.
pub(super) fn hooks(service: &Service, words: Vec<String>) -> Hooks {
    let mut words = words.into_iter();
    let mut each = |hooks: &[msvc_system::model::Hook]| {
        let filled = hooks.iter().map(|hook| {
            let command = words.by_ref().take(hook.command.len()).collect();
            let settings = words.by_ref().take(hook.environment.len());
            let environment = settings.filter_map(|setting| {
                let (key, value) = setting.split_once('=')?;
                Some((key.to_owned(), value.to_owned()))
            });
            Hook {
                command,
                environment: environment.collect(),
                directory: hook.working_dir.as_ref().and_then(|_| words.next()),
                ..Hook::of(hook)
            }
        });
        filled.collect::<Vec<_>>()
    };
    Hooks {
        post_start: each(&service.post_start),
        pre_stop: each(&service.pre_stop),
    }
}
