//! The effects, handed in everywhere: time, chance, shutdown, child commands, HTTP, files, locks.
//!
//! What comes in: nothing from any other room. What leaves: small values that rooms take as
//! parameters. What must not enter: any knowledge of systems, meshes or journeys, and printing.
//!
//! Layout
//! - [`clock`], [`draw`], [`shutdown`]: time, chance and the wish to end, as parameters.
//! - [`child`]: a command run to its end; [`ward`]: commands that end with this program, however it
//!   ends.
//! - [`pipe`]: what comes out of one.
//! - [`process_table`], [`sweep`]: who a process is, and how it is ended for good.
//! - [`git`]: a commit of a repository as a folder.
//! - [`http_client`]: the one factory of HTTP clients.
//! - [`atomic_write`], [`lock`], [`disk`], [`secret_file`]: files.
//! - [`name_service`]: keeps a static binary off the host's NSS plug-ins.
//! - [`this_program`]: where the running program stands.

pub mod atomic_write;
pub mod child;
pub mod clock;
pub mod disk;
pub mod draw;
pub mod git;
pub mod http_client;
pub mod lock;
pub mod name_service;
pub mod pipe;
pub mod process_table;
pub mod secret_file;
pub mod shutdown;
pub mod sweep;
pub mod this_program;
pub mod ward;
