//! The system model: a Compose project (its files, merged, interpolated and checked) as values.
//!
//! What comes in: paths and a [`files::Files`] value to read them with. What leaves: a
//! [`model::System`], or every [`problem::Problem`] found, each with file, line and column.
//! What must not enter: effects (no clock, no network, no process, no file access of its own),
//! any other room of the house, any knowledge of one particular system.
//!
//! Layout
//! - [`id`]: names and keys: project, lane, service, instance, edge.
//! - [`problem`]: what is wrong with an input, where, and what to do.
//! - [`shown_path`]: how a file is named to people.
//! - [`files`]: the only way to read; handed in.
//! - [`yaml`]: a tree whose nodes know where they stand.
//! - [`load`]: the way from files to a system, step by step: [`interpolate`] and [`dotenv`], then
//!   `extends`, `include`, merge, fields and long forms of each file; then defaults, paths,
//!   contradictions, profiles, the normal form, typed values, `x-msvc`, references and edges.
//! - [`fields`]: the table of every field that Compose knows: its shape, how it merges and prints.
//! - [`git_source`]: files that stand in a git repository.
//! - `include`: other files' declarations taken into this one.
//! - `merge`: several files into one, by Compose's rules.
//! - `canonical`: short forms made long.
//! - `short_port`: the short form of a published port.
//! - `defaults`: what a file means where it says nothing.
//! - `paths`: relative paths made absolute.
//! - `switch`: variables that say yes or no.
//! - `unread`: what cannot be read, so that nobody is told to miss it.
//! - `consistency`: what must not be said at once, and names that must be declared.
//! - `possible`: what the files may say, and no container engine could do.
//! - [`normal_form`]: the tree as the JSON that `docker compose config` prints.
//! - [`address`]: addresses of services inside settings and commands.
//! - [`duration`]: durations as Compose writes them.
//! - [`model`]: the resolved system.
//! - [`schema`]: the JSON Schema of a Compose file with its `x-msvc`, for editors.
//! - [`signal`]: signals by name.
//! - [`graph`]: the edges as a table, JSON and drawings.
//! - [`openapi`]: descriptions of HTTP interfaces: operations, parameters, answers.

pub mod address;
mod canonical;
mod consistency;
mod defaults;
pub mod dotenv;
pub mod duration;
mod edges;
mod extends;
pub mod fields;
pub mod files;
mod forms;
pub mod git_source;
pub mod graph;
pub mod id;
mod include;
pub mod interpolate;
pub mod load;
mod merge;
pub mod model;
mod names_alone;
pub mod normal_form;
pub mod normal_path;
pub mod openapi;
mod own_containers;
mod paths;
mod possible;
pub mod problem;
mod profiles;
mod references;
pub mod schema;
pub mod setting_key;
mod settings_total;
mod short_port;
pub mod shown_path;
pub mod signal;
mod switch;
mod typed;
mod unread;
mod utf16;
mod volume_text;
pub mod written;
mod xmsvc;
pub mod yaml;
