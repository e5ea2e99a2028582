//! What `x-msvc` may hold, described for people: the text that an editor shows at each key.

use serde_json::{Map, Value, json};

use crate::xmsvc::secrets::{LEAST, MOST};

/// The definitions, by name: of a system, a service and a secret, and what they are made of.
pub(super) fn definitions() -> Map<String, Value> {
    [
        ("x-msvc-system", system()),
        ("x-msvc-service", service()),
        ("x-msvc-secret", secret()),
        ("x-msvc-call", call()),
        ("x-msvc-process", process()),
        ("x-msvc-build", build()),
        ("x-msvc-contract", contract()),
        ("x-msvc-journey", journey()),
        ("x-msvc-input", input()),
        ("x-msvc-words", words()),
        ("x-msvc-settings", settings()),
    ]
    .into_iter()
    .map(|(name, definition)| (name.to_owned(), definition))
    .collect()
}

/// A definition with what an editor shows at this place. Whatever stands beside a bare `$ref` is
/// not looked at.
fn described(name: &str, description: &str) -> Value {
    json!({
        "description": description,
        "allOf": [{ "$ref": format!("#/definitions/{name}") }],
    })
}

/// A mapping of these keys alone.
fn mapping(description: &str, properties: Value) -> Value {
    json!({
        "description": description,
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "number", "boolean", "null"] })
}

fn list(description: &str, item: Value) -> Value {
    json!({ "description": description, "type": ["array", "null"], "items": item })
}

fn system() -> Value {
    let item = json!({ "$ref": "#/definitions/x-msvc-journey" });
    let path = json!({ "type": "string" });
    mapping(
        "What the whole system is played, proven and broken with.",
        json!({
            "contracts": text("The folder of pact files."),
            "journeys": list(
                "What users do: Arazzo documents, or commands whose exit status is the outcome.",
                item,
            ),
            "experiments": list(
                "Experiment files, run by `demo` and by `chaos run` in this order.",
                path,
            ),
            "inputs": {
                "description": "Values for the inputs that journeys declare, by name. `run` is \
                                filled by msvc, with another value for each play.",
                "type": ["object", "null"],
                "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$", "not": { "const": "run" } },
                "additionalProperties": { "$ref": "#/definitions/x-msvc-input" },
            },
        }),
    )
}

fn journey() -> Value {
    json!({
        "description": "An Arazzo document, or a command whose exit status is the outcome.",
        "type": ["string", "object"],
        "properties": {
            "name": text("What the journey is called."),
            "command": described("x-msvc-words", "Program and arguments, run in the project's folder."),
        },
        "required": ["name", "command"],
        "additionalProperties": false,
    })
}

fn input() -> Value {
    json!({
        "description": "A text, number or boolean, or what is in a secret, which nothing shows.",
        "type": ["string", "number", "boolean", "object"],
        "properties": {
            "secret": {
                "description": "The name of a secret that the top-level `secrets` declare.",
                "type": "string",
            },
        },
        "required": ["secret"],
        "additionalProperties": false,
    })
}

fn service() -> Value {
    let call = json!({ "$ref": "#/definitions/x-msvc-call" });
    mapping(
        "What Compose has no word for: who owns the service, whom it calls, how it runs as a host \
         process, how its contracts are proven.",
        json!({
            "owner": text("The team that owns it."),
            "context": text("Its bounded context."),
            "process": { "$ref": "#/definitions/x-msvc-process" },
            "calls": list(
                "Whom it calls, where no setting, command or `depends_on` shows it.",
                call,
            ),
            "probe": {
                "description": "Not supported yet: write a `healthcheck`.",
                "type": "null",
            },
            "contract": { "$ref": "#/definitions/x-msvc-contract" },
            "ca": text(
                "Path, inside the service, of the certificate (PEM) that vouches for its HTTPS \
                 ports; it lies in a mount, secret or config.",
            ),
        }),
    )
}

fn call() -> Value {
    json!({
        "description": "`catalog`, `mailbox:2525`, or `{service, port, key}`.",
        "type": ["string", "number", "object"],
        "properties": {
            "service": text("The service that is called."),
            "port": {
                "description": "Its port; every port that it listens on where none is given.",
                "type": ["integer", "string", "null"],
                "minimum": 1,
                "maximum": 65535,
            },
            "key": text("The setting whose bare value is the callee's host name."),
        },
        "required": ["service"],
        "additionalProperties": false,
    })
}

fn process() -> Value {
    mapping(
        "How it is built and run as a host process.",
        json!({
            "build": { "$ref": "#/definitions/x-msvc-build" },
            "command": described("x-msvc-words", "What runs instead of `entrypoint` and `command`."),
            "working_dir": text(
                "Where it runs; without it in the build context, else in the project's folder.",
            ),
            "environment": described(
                "x-msvc-settings",
                "Settings for the process runtime alone, over `environment`.",
            ),
            "port": {
                "description": "The variable that tells the service where to listen; for several \
                                ports a mapping: {\"8080\": LISTEN, \"2525\": LISTEN_SMTP}.",
                "type": ["string", "object", "null"],
                "propertyNames": { "pattern": "^[0-9]+$" },
                "additionalProperties": { "type": "string" },
            },
        }),
    )
}

fn build() -> Value {
    json!({
        "description": "`cargo`, `none`, a command that runs in the build context, or the long \
                        form: {cargo: BIN} or {command, path, image}. Without it `cargo` where the \
                        build context holds a Cargo package.",
        "type": ["string", "array", "object", "null"],
        "items": { "type": ["string", "number", "boolean"] },
        "properties": {
            "cargo": text("A binary of the Cargo package in the build context."),
            "command": described("x-msvc-words", "Program and arguments, run in the build context."),
            "path": text(
                "The folder in the build context where the command leaves programs: it leads the \
                 service's PATH.",
            ),
            "image": {
                "description": "Whether the command also runs before the service's Dockerfile is \
                                built, which copies what it leaves.",
                "type": ["boolean", "string", "null"],
            },
        },
        "additionalProperties": false,
        "dependencies": { "path": ["command"], "image": ["command"] },
    })
}

fn contract() -> Value {
    mapping(
        "How contracts are proven against it.",
        json!({
            "states": {
                "description": "Path of the provider state endpoint: `/_pact/states`.",
                "type": ["string", "null"],
                "pattern": "^/",
            },
            "environment": described(
                "x-msvc-settings",
                "Settings that hold only while contracts are verified against it.",
            ),
            "consumer_test": described("x-msvc-words", "The command that runs its consumer tests."),
        }),
    )
}

fn secret() -> Value {
    mapping(
        "What msvc does for a secret.",
        json!({
            "generate": {
                "description": "`true`, or {bytes: 32}: where the secret's file is missing msvc \
                                makes it, of so many random bytes (24 without a number), before \
                                anything is started.",
                "type": ["boolean", "object", "null"],
                "properties": {
                    "bytes": {
                        "description": "How many random bytes.",
                        "type": ["integer", "string", "null"],
                        "minimum": LEAST,
                        "maximum": MOST,
                    },
                },
                "additionalProperties": false,
            },
        }),
    )
}

fn words() -> Value {
    json!({
        "description": "A list of words, or a text that is split as a shell splits it.",
        "type": ["string", "array", "null"],
        "items": { "type": ["string", "number", "boolean"] },
    })
}

fn settings() -> Value {
    json!({
        "description": "A mapping from names to values, or a list of `NAME=VALUE`.",
        "type": ["object", "array", "null"],
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "items": { "type": "string", "pattern": "=" },
    })
}
