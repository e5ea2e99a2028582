//! A field, and what is decided by it alone: how two files' values meet, which items are the same,
//! what short forms mean, what a text is taken for.

use super::{Out, Shape};

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
    /// Whether a text in place of the level is most likely meant for it.
    pub(crate) alone: bool,
    /// What a value of it looks like.
    pub(crate) like: &'static str,
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

impl Field {
    /// A field by the common rules.
    pub(super) const fn new(
        name: &'static str,
        shape: Shape,
        out: Out,
        like: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            out,
            merged: Merged::Common,
            same: Same::Never,
            long: Long::Same,
            cast: Cast::No,
            required: false,
            alone: false,
            like,
        }
    }

    /// What a size is written as.
    pub(super) const A_SIZE: &'static str = "write it as `512m`, `1.5g` or in bytes";

    /// What to write where a number of bytes is read.
    pub(crate) fn size_hint(&self) -> &'static str {
        match self.is_share() {
            true => "write a number from 0 to 100",
            false => Self::A_SIZE,
        }
    }

    /// Whether what is read as a number of bytes is a share in hundred.
    pub(super) fn is_share(&self) -> bool {
        self.name == "mem_swappiness"
    }

    pub(super) const fn merged(mut self, merged: Merged) -> Self {
        self.merged = merged;
        self
    }

    pub(super) const fn same(mut self, same: Same) -> Self {
        self.same = same;
        self
    }

    pub(super) const fn long(mut self, long: Long) -> Self {
        self.long = long;
        self
    }

    pub(super) const fn cast(mut self, cast: Cast) -> Self {
        self.cast = cast;
        self
    }

    pub(super) const fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
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
    /// As a field's.
    pub(crate) like: &'static str,
}

impl Below {
    /// Nothing is known.
    pub(crate) const NONE: Self = Self {
        shape: None,
        merged: Merged::Common,
        same: Same::Never,
        long: Long::Same,
        cast: Cast::No,
        like: "",
    };
}
