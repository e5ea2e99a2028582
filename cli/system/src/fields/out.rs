//! How the normal form prints a field.

use super::Level;

/// How the normal form prints a field. What is empty, zero or `false` is left out, unless it says
/// otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Out {
    /// Text.
    Text,
    /// Text, printed when empty too.
    TextAlways,
    /// `true`.
    Flag,
    /// `true` or `false` as written.
    FlagSet,
    /// `true` or `false`, always.
    FlagAlways,
    /// A whole number.
    Whole,
    /// A whole number, 0 too.
    WholeSet,
    /// A whole number, 0 too, also where none is written.
    WholeAlways,
    /// A whole number that is not negative, and no text.
    Count,
    /// A whole number that is not negative, 0 too.
    CountSet,
    /// A number of single precision.
    Number,
    /// A number of bytes, as text.
    Bytes,
    /// A duration.
    Wait,
    /// A duration, zero too.
    WaitSet,
    /// A list of texts.
    Texts,
    /// A list of texts and numbers, as texts.
    TextsAndNumbers,
    /// A command's words; `null` where there are none in JSON.
    Words,
    /// A healthcheck's command.
    Test,
    /// A mapping to texts; without a value the empty one.
    Settings,
    /// The same of texts and whole numbers alone.
    PlainSettings,
    /// A mapping to texts or `null`.
    Environment,
    /// A mapping to lists of texts.
    MultiSettings,
    /// `HOST=ADDRESS`, sorted.
    Hosts,
    /// A file's mode, octal.
    Mode,
    /// SSH keys, `ID` or `ID: PATH`.
    Ssh,
    /// Paths of files of settings; left out once they are read.
    EnvFiles,
    /// How many devices; all are -1.
    DeviceCount,
    /// A device limit of `blkio_config`, whose names begin with capitals.
    Blkio(&'static Level),
    /// A mapping of a level.
    In(&'static Level),
    /// The same, printed when empty too.
    InAlways(&'static Level),
    /// A list of such mappings.
    Each(&'static Level),
    /// The same without keys of everybody's own (`x-…`) in YAML either.
    Bare(&'static Level),
    /// A mapping from names to such mappings.
    Entries(&'static Level),
    /// A mapping from names to such mappings or `null`.
    EntriesOrNull(&'static Level),
    /// Limits by name: one number, or two.
    Limits(&'static Level),
    /// Not printed.
    Hidden,
}
