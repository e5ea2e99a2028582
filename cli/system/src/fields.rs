//! Every field that Compose knows, at every level: what may be written there, how two files' values
//! become one, what its short forms mean, and how the normal form prints it.
//!
//! What comes in: nothing; this is data, and the types that it is written in. What leaves: the
//! [`Field`] and [`Shape`] that stand below a key. What must not enter: values of a project; `x-…`
//! keys, which are everybody's own; decisions of a runtime.
//!
//! The source is the Compose Specification's schema and its text as Docker Compose 2.40 carries
//! them (compose-go 2.9.1); where the two differ, what Docker Compose does.

mod check;
mod table;

pub(crate) use check::check;
pub(crate) use table::{FILE, SERVICE};

/// A field: a key of a level.
#[derive(Debug)]
pub(crate) struct Field {
    /// The key.
    pub(crate) name: &'static str,
    /// What may be written there.
    pub(crate) shape: Shape,
    /// How the normal form prints it.
    pub(crate) out: Out,
    /// How a later file's value meets an earlier one's.
    pub(crate) merged: Merged,
    /// Which items of a list are one and the same.
    pub(crate) same: Same,
    /// What its short forms mean.
    pub(crate) long: Long,
    /// What a text there is taken for, once its variables are replaced.
    pub(crate) cast: Cast,
    /// Whether a level must have it.
    pub(crate) required: bool,
}

/// What a value may be: any of the kinds named, each under its own rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The scalars allowed, a sum of [`TEXT`], [`WHOLE`], [`NUMBER`], [`FLAG`] and [`NOTHING`].
    pub(crate) scalars: u8,
    /// Which texts.
    pub(crate) words: Words,
    /// Which whole numbers, least and most.
    pub(crate) range: Option<(i64, i64)>,
    /// A list of what.
    pub(crate) list: Option<&'static Items>,
    /// A mapping of what.
    pub(crate) map: Map,
}

/// Text.
pub(crate) const TEXT: u8 = 1;
/// A whole number.
pub(crate) const WHOLE: u8 = 2;
/// Any number, whole or not.
pub(crate) const NUMBER: u8 = 4;
/// `true` or `false`.
pub(crate) const FLAG: u8 = 8;
/// Nothing, `null`.
pub(crate) const NOTHING: u8 = 16;

/// Which texts are allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Words {
    /// Any.
    Any,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Any that has two letters, digits, `_`, `.` or `-` in a row, the first a letter or digit.
    ContainerName,
    /// Any that has one of the words of `pull_policy` in it.
    PullPolicy,
}

/// What a list is made of.
#[derive(Debug)]
pub(crate) struct Items {
    /// Each item.
    pub(crate) shape: Shape,
    /// No two items are equal.
    pub(crate) unique: bool,
}

/// What a mapping is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Map {
    /// No mapping.
    No,
    /// Anything at all.
    Free,
    /// The fields of a level.
    Level(&'static Level),
    /// Names that the user gives, each with a value of one shape.
    Names(&'static Names),
}

/// A mapping from names that the user gives.
#[derive(Debug)]
pub(crate) struct Names {
    /// What the names are like.
    pub(crate) rule: NameRule,
    /// Whether other names are refused; else they pass unseen.
    pub(crate) strict: bool,
    /// Each value.
    pub(crate) entry: Shape,
    /// How a later file's value of one name meets an earlier one's.
    pub(crate) merged: Merged,
    /// What a text there is taken for.
    pub(crate) cast: Cast,
    /// What such an entry is called in messages.
    pub(crate) what: &'static str,
}

/// What names are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Letters, digits, `.`, `_` and `-`.
    Identifier,
    /// Small letters.
    Letters,
    /// Not empty.
    Any,
}

/// One level of the file: which fields a mapping there may have.
#[derive(Debug)]
pub(crate) struct Level {
    /// What such a mapping is called in messages.
    pub(crate) what: &'static str,
    /// Its fields, in the order in which they are printed.
    pub(crate) fields: &'static [Field],
    /// Whether other keys are refused.
    pub(crate) strict: bool,
    /// Whether `x-…` keys may stand there.
    pub(crate) extensions: bool,
}

/// How a later file's value meets an earlier one's, where it is not by the common rule (mappings are
/// merged, lists appended, scalars replaced).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merged {
    /// By the common rule.
    Common,
    /// It takes its place.
    Replaced,
    /// Both become lists of `NAME=VALUE`, one after the other.
    Listed,
    /// Both become lists; what the later one repeats is left out.
    Hosts,
    /// Both become mappings of names.
    Named,
    /// The same, of dependencies.
    Dependencies,
    /// Both become builds.
    Builds,
    /// Merged where the driver is the same, else replaced.
    Logging,
    /// Pools of the same subnet are merged.
    Pools,
}

/// What makes two items of a list one and the same, so that the later takes the earlier's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// Nothing: all are kept.
    Never,
    /// The text before `=`.
    Name,
    /// The text or number.
    Text,
    /// Where it is mounted.
    Mount,
    /// What the device is called inside.
    Device,
    /// What a secret or config is called inside; where it stands when nobody says where.
    File(&'static str),
    /// Address, ports and protocol.
    Port,
    /// The path.
    Path,
}

/// What short forms mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Long {
    /// There are none.
    Same,
    /// A text is a list of it.
    List,
    /// A list of names is a mapping of names.
    Names,
    /// A list of `NAME=VALUE` is a mapping.
    Settings,
    /// The same, where `default` may stand alone.
    Ssh,
    /// A text is a build's context.
    Build,
    /// A text is the service.
    Extends,
    /// A list of services is a mapping, with the condition that they have started.
    Dependencies,
    /// Paths, alone or in a list.
    EnvFiles,
    /// `all` of them.
    Gpus,
    /// Items `SOURCE:TARGET:OPTIONS`.
    Mounts,
    /// Items `SOURCE:TARGET:PERMISSIONS`.
    Devices,
    /// Items that name a secret or config.
    Files,
    /// Items `ADDRESS:PUBLISHED:TARGET/PROTOCOL`, with ranges.
    Ports,
    /// Anything is its text.
    Text,
}

/// What a text is taken for where another kind of scalar is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// Text.
    No,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// `true` or `false`, or a word for it.
    Flag,
}

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
    /// A mapping from names to such mappings.
    Entries(&'static Level),
    /// A mapping from names to such mappings or `null`.
    EntriesOrNull(&'static Level),
    /// Limits by name: one number, or two.
    Limits(&'static Level),
    /// Not printed.
    Hidden,
}

impl Field {
    /// A field by the common rules.
    const fn new(name: &'static str, shape: Shape, out: Out) -> Self {
        Self {
            name,
            shape,
            out,
            merged: Merged::Common,
            same: Same::Never,
            long: Long::Same,
            cast: Cast::No,
            required: false,
        }
    }

    const fn merged(mut self, merged: Merged) -> Self {
        self.merged = merged;
        self
    }

    const fn same(mut self, same: Same) -> Self {
        self.same = same;
        self
    }

    const fn long(mut self, long: Long) -> Self {
        self.long = long;
        self
    }

    const fn cast(mut self, cast: Cast) -> Self {
        self.cast = cast;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

impl Shape {
    /// Scalars of these kinds.
    const fn of(scalars: u8) -> Self {
        Self {
            scalars,
            words: Words::Any,
            range: None,
            list: None,
            map: Map::No,
        }
    }

    const fn words(mut self, words: Words) -> Self {
        self.words = words;
        self
    }

    const fn range(mut self, least: i64, most: i64) -> Self {
        self.range = Some((least, most));
        self
    }

    const fn list(mut self, items: &'static Items) -> Self {
        self.list = Some(items);
        self
    }

    const fn map(mut self, map: Map) -> Self {
        self.map = map;
        self
    }

    /// A mapping of a level.
    pub(crate) const fn level(level: &'static Level) -> Self {
        Self::of(0).map(Map::Level(level))
    }

    /// Whether it is that of `NAME=VALUE`, as list or mapping.
    pub(crate) fn is_settings(&self) -> bool {
        self.list.is_some()
            && matches!(self.map, Map::Names(names)
                if names.rule == NameRule::Any && names.entry.scalars & NOTHING != 0)
    }

    /// What stands below a key of a mapping of this shape: its field, where it is one, and its
    /// shape.
    pub(crate) fn below(&self, key: &str) -> Below {
        match self.map {
            Map::Level(level) => match level.field(key) {
                Some(field) => Below {
                    shape: Some(&field.shape),
                    merged: field.merged,
                    same: field.same,
                    long: field.long,
                    cast: field.cast,
                },
                None => Below::NONE,
            },
            Map::Names(names) => Below {
                shape: Some(&names.entry),
                merged: names.merged,
                cast: names.cast,
                ..Below::NONE
            },
            Map::No | Map::Free => Below::NONE,
        }
    }

    /// The shape of a list's items.
    pub(crate) fn item(&self) -> Option<&'static Shape> {
        self.list.map(|items| &items.shape)
    }
}

/// What is known of the value of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Below {
    /// Its shape; `None` where nothing is.
    pub(crate) shape: Option<&'static Shape>,
    /// As a field's.
    pub(crate) merged: Merged,
    /// As a field's.
    pub(crate) same: Same,
    /// As a field's.
    pub(crate) long: Long,
    /// As a field's.
    pub(crate) cast: Cast,
}

impl Below {
    /// Nothing is known.
    pub(crate) const NONE: Self = Self {
        shape: None,
        merged: Merged::Common,
        same: Same::Never,
        long: Long::Same,
        cast: Cast::No,
    };
}

impl Level {
    /// The field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

/// Every field that has none below it, by its path: of a service (`healthcheck.test`), then of the
/// top level, which begin with a slash (`/networks.driver`). Fields of the entries of a list or
/// mapping stand below it all the same (`volumes.bind.selinux`).
#[must_use]
pub fn all() -> Vec<String> {
    let mut paths = Vec::new();
    gather(&SERVICE, "", &mut paths);
    gather(&FILE, "/", &mut paths);
    paths.retain(|path| !path.starts_with("/services."));
    paths
}

fn gather(level: &'static Level, above: &str, paths: &mut Vec<String>) {
    let mut fields: Vec<&Field> = level.fields.iter().collect();
    fields.sort_by_key(|field| field.name);
    for field in fields {
        let path = format!("{above}{}", field.name);
        match level_below(&field.shape) {
            Some(below) => gather(below, &format!("{path}."), paths),
            None => paths.push(path),
        }
    }
}

/// The level that a shape leads to, through lists and names.
fn level_below(shape: &Shape) -> Option<&'static Level> {
    // `external` as a mapping is an old form of `true`.
    if shape.scalars & FLAG != 0 {
        return None;
    }
    let through = match shape.map {
        Map::Level(level) => Some(level),
        Map::Names(names) => level_below(&names.entry),
        Map::No | Map::Free => None,
    };
    through.or_else(|| shape.item().and_then(level_below))
}

/// The error that a key is Compose's, but not honoured yet.
pub(crate) fn not_supported(
    what: &str,
    place: &crate::problem::Place,
    instead: &str,
) -> crate::problem::Problem {
    let what = format!("{what} is not supported yet");
    let problem = crate::problem::Problem::error(what).at(place.clone());
    if instead.is_empty() {
        problem
    } else {
        problem.hint(instead)
    }
}
