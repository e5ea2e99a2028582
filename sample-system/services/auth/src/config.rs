//! What auth is configured with.

use std::path::Path;
use std::time::Duration;

use shop::config::{Basics, Settings};

use crate::password::{Password, Secret};

/// How long a token is good: what a stolen one is worth, against how often clients sign in.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How old a signing key becomes: a day, so that rotation is nothing special.
const KEY_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many passwords are hashed at once. Each takes a core and 19 MiB; the shop has to run beside
/// it on 2 cores.
const HASHES_AT_ONCE: u64 = 2;
/// How many more wait: half of the calls that the gateway has under way to auth at once. At 30 ms each
/// on two cores the last of them has its turn within two seconds.
const HASHES_WAITING: u64 = 128;
/// What both may be set to.
const COUNT: std::ops::RangeInclusive<u64> = 1..=1000;
/// How long one waits at most, on a machine that is slower. A second less than the gateway waits for
/// auth: who is told to come again has not failed, and does not make the gateway leave auth in peace.
const HASH_WAIT: Duration = Duration::from_secs(4);

/// Auth's settings.
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `KAFKA_BROKERS`: where events go, `host:port`.
    pub(crate) kafka_brokers: String,
    /// What the file says that `OPERATOR_PASSWORD_FILE` names.
    pub(crate) operator_password: Secret,
    /// `TOKEN_LIFETIME`: how long a token is good; 15 min by default.
    pub(crate) token_lifetime: Duration,
    /// `KEY_AGE`: the age at which a signing key is replaced; a day by default.
    pub(crate) key_age: Duration,
    /// `HASHES_AT_ONCE`: how many passwords are hashed at once; 2 by default.
    pub(crate) hashes_at_once: usize,
    /// `HASHES_WAITING`: how many more wait, the others are told to come again; 128 by default.
    pub(crate) hashes_waiting: usize,
    /// `HASH_WAIT`: how long one waits for its turn at most; 4 s by default.
    pub(crate) hash_wait: Duration,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let operator_password = password_in_file(settings, "OPERATOR_PASSWORD_FILE");
        let token_lifetime = settings.duration_or("TOKEN_LIFETIME", TOKEN_LIFETIME);
        let key_age = settings.duration_or("KEY_AGE", KEY_AGE);
        let hashes_at_once = settings.number_or("HASHES_AT_ONCE", HASHES_AT_ONCE, COUNT);
        let hashes_waiting = settings.number_or("HASHES_WAITING", HASHES_WAITING, COUNT);
        let hash_wait = settings.duration_or("HASH_WAIT", HASH_WAIT);
        Some(Self {
            basics: basics?,
            kafka_brokers: kafka_brokers?,
            operator_password: operator_password?,
            token_lifetime: token_lifetime?,
            key_age: key_age?,
            hashes_at_once: usize::try_from(hashes_at_once?).ok()?,
            hashes_waiting: usize::try_from(hashes_waiting?).ok()?,
            hash_wait: hash_wait?,
        })
    }
}

/// The password in the file that the setting `name` names, without the line's end.
fn password_in_file(settings: &mut Settings, name: &str) -> Option<Secret> {
    let path = settings.text(name)?;
    let text = match std::fs::read_to_string(Path::new(&path)) {
        Ok(text) => text,
        Err(error) => {
            let wanted = format!("a file with the operator's password ({error})");
            return settings.refuse(name, &path, &wanted);
        }
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if Password::new(Secret::new(text)).is_none() {
        return settings.refuse(name, &path, "a file that holds 8 to 128 characters");
    }
    Some(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(password: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, password).unwrap();
        let file = file.display().to_string();
        let pairs = [
            ("LISTEN", "0.0.0.0:8080"),
            ("DATA_DIR", "/data"),
            ("KAFKA_BROKERS", "broker:9092"),
            ("OPERATOR_PASSWORD_FILE", &file),
        ];
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = Settings::new(owned);
        let config = Config::read(&mut settings);
        settings.finish(config).map_err(|error| error.to_string())
    }

    #[test]
    fn the_operators_password_comes_from_a_file_without_its_line_end() {
        assert!(read("correct horse\n").is_ok());
        let refused = read("short\n").err().unwrap();
        assert!(
            refused.contains("8 to 128") && !refused.contains("short"),
            "{refused}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_all_else_that_is_wrong() {
        let pairs = [
            ("OPERATOR_PASSWORD_FILE", "/nowhere/password"),
            ("HASHES_AT_ONCE", "0"),
        ];
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = Settings::new(owned);
        let config = Config::read(&mut settings);
        let refused = settings.finish(config).err().unwrap().to_string();
        for name in [
            "LISTEN",
            "KAFKA_BROKERS",
            "/nowhere/password",
            "HASHES_AT_ONCE",
        ] {
            assert!(refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn settings_that_are_wrong_are_all_named_at_once() {
        let names = [
            "LISTEN",
            "SHUTDOWN_GRACE",
            "KAFKA_BROKERS",
            "OPERATOR_PASSWORD_FILE",
            "TOKEN_LIFETIME",
            "KEY_AGE",
            "HASHES_AT_ONCE",
            "HASHES_WAITING",
            "HASH_WAIT",
        ];
        outside::settings(Config::read, &names);
    }
}
