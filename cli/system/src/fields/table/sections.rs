//! Below the top level: networks, volumes, secrets, configs, models, `include`.

use super::super::{Kind, Level};
use Kind::{Any, Each, Flag, In, Number, Settings, Text, TextOrTexts, Texts};

pub(super) static CONFIG: Level = Level {
    what: "a config",
    keys: &[
        ("content", Text),
        ("environment", Text),
        ("external", Any),
        ("file", Text),
        ("labels", Settings),
        ("name", Text),
        ("template_driver", Text),
    ],
};

pub(super) static INCLUDE: Level = Level {
    what: "`include`",
    keys: &[
        ("env_file", TextOrTexts),
        ("path", TextOrTexts),
        ("project_directory", Text),
    ],
};

pub(super) static IPAM: Level = Level {
    what: "`ipam`",
    keys: &[
        ("config", Each(&IPAM_CONFIG)),
        ("driver", Text),
        ("options", Any),
    ],
};

pub(super) static IPAM_CONFIG: Level = Level {
    what: "an `ipam` config",
    keys: &[
        ("aux_addresses", Any),
        ("gateway", Text),
        ("ip_range", Text),
        ("subnet", Text),
    ],
};

pub(super) static MODEL: Level = Level {
    what: "a model",
    keys: &[
        ("context_size", Number),
        ("model", Text),
        ("name", Text),
        ("runtime_flags", Texts),
    ],
};

pub(super) static NETWORK: Level = Level {
    what: "a network",
    keys: &[
        ("attachable", Flag),
        ("driver", Text),
        ("driver_opts", Any),
        ("enable_ipv4", Flag),
        ("enable_ipv6", Flag),
        ("external", Any),
        ("internal", Flag),
        ("ipam", In(&IPAM)),
        ("labels", Settings),
        ("name", Text),
    ],
};

pub(super) static SECRET: Level = Level {
    what: "a secret",
    keys: &[
        ("driver", Text),
        ("driver_opts", Any),
        ("environment", Text),
        ("external", Any),
        ("file", Text),
        ("labels", Settings),
        ("name", Text),
        ("template_driver", Text),
    ],
};

pub(super) static VOLUME: Level = Level {
    what: "a volume",
    keys: &[
        ("driver", Text),
        ("driver_opts", Any),
        ("external", Any),
        ("labels", Settings),
        ("name", Text),
    ],
};
