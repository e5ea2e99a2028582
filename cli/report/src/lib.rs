//! What msvc says: [`event::Event`] is the only road from the engine to the screen,
//! [`report::Report`] the only road to files.
//!
//! What comes in: values from the rooms above. What leaves: values and, from the renderers, text
//! or bytes. What must not enter: printing, terminals, ANSI codes, clocks, any effect.
//!
//! Layout
//! - [`event`]: what happens while msvc works.
//! - [`case`]: one thing that was asked, and how it came out.
//! - [`report`]: all cases of a run.
//! - [`exit`]: the exit codes and which of several holds.
//! - [`excerpt`]: the line of a file that a problem is about.
//! - [`human`], [`json`], [`junit`], [`github`]: one renderer per file.

pub mod case;
pub mod event;
pub mod excerpt;
pub mod exit;
pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod report;
