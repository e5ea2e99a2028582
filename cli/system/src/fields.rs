//! Every field that Compose knows, at every level: what may be written there, how two files' values
//! become one, what its short forms mean, and how the normal form prints it.
//!
//! What comes in: nothing; this is data, and the types that it is written in. What leaves: the
//! [`Field`] and [`Shape`] that stand below a key. What must not enter: values of a project; `x-…`
//! keys, which are everybody's own; decisions of a runtime.
//!
//! The source is the Compose Specification's schema and its text as Docker Compose 2.40 carries
//! them (compose-go 2.9.1); where the two differ, what Docker Compose does.

use crate::problem::{Place, Problem};
pub(crate) use check::check;
pub(crate) use field::{Below, Cast, Field, Long, Merged, Same};
use like::Look;
pub(crate) use out::Out;
pub use paths::{all, asks_nothing, example, said};
pub(crate) use shape::{
    FLAG, Items, Level, Map, NOTHING, NUMBER, NameRule, Names, Shape, TEXT, WHOLE, Words,
};
pub(crate) use table::{FILE, SERVICE};

mod astray;
mod check;
#[cfg(test)]
mod examples;
mod field;
mod foreign;
mod like;
mod out;
mod own;
mod paths;
mod shape;
mod table;
mod taken;
mod words;

/// The error that a key is Compose's, but not honoured yet.
pub(crate) fn not_supported(what: &str, place: &Place, instead: &str) -> Problem {
    let what = format!("{what} is not supported yet");
    let problem = Problem::error(what).at(place.clone());
    if instead.is_empty() {
        problem
    } else {
        problem.hint(instead)
    }
}
