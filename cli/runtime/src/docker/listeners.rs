//! The listeners of edges that the host's callers come in by: an edge has one for each of the
//! host's ports that lead to it. One that is there stays which it is, whatever comes beside it.

use std::collections::BTreeSet;

use msvc_mesh::spec::{EdgeSpec, EdgeStatus};

/// Gives each wanted listener the number that it has already; others get those that are left.
pub(super) fn keep(wanted: &mut [EdgeSpec], observed: &[EdgeStatus]) {
    let there: Vec<Option<Option<u32>>> = wanted.iter().map(|it| number(it, observed)).collect();
    let mut used = BTreeSet::new();
    for (spec, there) in wanted.iter_mut().zip(&there) {
        if let Some(number) = there {
            spec.caller_replica = *number;
            used.insert((spec.id.clone(), *number));
        }
    }
    for (spec, there) in wanted.iter_mut().zip(&there) {
        if there.is_some() || !spec.listen.ip().is_unspecified() {
            continue;
        }
        let numbers = std::iter::once(None).chain((2..=u32::MAX).map(Some));
        let mut free = numbers.filter(|number| !used.contains(&(spec.id.clone(), *number)));
        if let Some(number) = free.next() {
            spec.caller_replica = number;
            used.insert((spec.id.clone(), number));
        }
    }
}

fn number(spec: &EdgeSpec, observed: &[EdgeStatus]) -> Option<Option<u32>> {
    let mut observed = observed.iter();
    let there = observed.find(|it| it.id == spec.id && it.listen == spec.listen)?;
    spec.listen
        .ip()
        .is_unspecified()
        .then_some(there.caller_replica)
}
