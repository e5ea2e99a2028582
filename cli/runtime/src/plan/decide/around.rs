//! The edges around each service: which it calls over, and which steps open those that it has an end
//! of. Told once, since a plan asks it of every instance.

use std::collections::HashMap;

use msvc_mesh::spec::EdgeSpec;

use crate::lane::Wanted;
use crate::provision::Kind;

/// The edges of each service.
#[derive(Default)]
pub(super) struct Around<'a> {
    /// Those that it calls over.
    pub(super) edges: HashMap<&'a str, Vec<&'a EdgeSpec>>,
    /// The steps that open those at either end of which it is.
    pub(super) opens: HashMap<&'a str, Vec<(usize, &'a EdgeSpec)>>,
    /// Whether a mesh in the engine carries them.
    pub(super) are_carried: bool,
}

impl<'a> Around<'a> {
    /// Of what is wanted, with the steps that open an edge by their places in the plan.
    pub(super) fn of(wanted: &'a Wanted, opens: &[(usize, &'a EdgeSpec)]) -> Self {
        let mut provisions = wanted.provisions.iter();
        let mut around = Around {
            are_carried: provisions.any(|it| it.kind == Kind::Mesh),
            ..Around::default()
        };
        for edge in &wanted.edges {
            let of_it = around.edges.entry(edge.id.caller.key()).or_default();
            of_it.push(edge);
        }
        for (place, edge) in opens {
            for end in [edge.id.caller.key(), edge.id.callee.as_str()] {
                let of_it = around.opens.entry(end).or_default();
                of_it.push((*place, edge));
            }
        }
        around
    }
}
