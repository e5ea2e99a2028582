//! Whether a value that is advised would be taken: by the table, and by the steps that follow.
//!
//! What comes in: a value as a person would write it, and its field. What leaves: whether anybody would
//! find fault with it alone. What must not enter: what it means beside others.

use super::check::fits;
use super::{Field, Shape};
use crate::interpolate::cast::cast;
use crate::problem::Problems;
use crate::yaml::{Node, NodeValue};
use crate::{canonical, normal_form};

/// Whether `value` may stand at `field`, in every step from its text to the normal form.
pub(super) fn is_taken(mut value: Node, field: &'static Field) -> bool {
    let mut problems = Problems::default();
    let is_cast = cast(&mut value, field.cast, field.like, &mut problems).is_ok();
    if !is_cast || !is_cast_below(&mut value, &field.shape, &mut problems) {
        return false;
    }
    if !fits(value.clone(), &field.shape) {
        return false;
    }
    canonical::lengthen_field(&mut value, field, &mut problems);
    normal_form::print_field(&value, field, &mut problems);
    problems.0.is_empty()
}

fn is_cast_below(node: &mut Node, shape: &'static Shape, problems: &mut Problems) -> bool {
    match &mut node.value {
        NodeValue::Map(entries) => entries.iter_mut().all(|(key, value)| {
            let below = shape.below(&key.text);
            let is_cast = cast(value, below.cast, below.like, problems).is_ok();
            let mut inner = below.shape.into_iter();
            is_cast && inner.all(|shape| is_cast_below(value, shape, problems))
        }),
        NodeValue::Seq(items) => shape.item().is_none_or(|shape| {
            let mut items = items.iter_mut();
            items.all(|item| is_cast_below(item, shape, problems))
        }),
        _ => true,
    }
}
