//! The address of a database in a text: its server, its name, and its schema where one is named.

use super::Told;
use crate::compose::Setting;

/// Kinds of databases with tables, as a URL begins.
const KINDS: [&str; 9] = [
    "postgres",
    "postgresql",
    "pgsql",
    "cockroachdb",
    "mysql",
    "mysql2",
    "mariadb",
    "mssql",
    "sqlserver",
];

/// Where they usually are: who says so says nothing more than who says nothing.
const USUAL_PORTS: [&str; 4] = ["5432", "26257", "3306", "1433"];

/// How names of settings end that name the host of a database.
const HOSTS: [&str; 8] = [
    "db_host",
    "dbhost",
    "database_host",
    "postgres_host",
    "pghost",
    "pg_host",
    "mysql_host",
    "mariadb_host",
];

/// How those end that name the database.
const NAMES: [&str; 11] = [
    "db_name",
    "dbname",
    "db_database",
    "database_name",
    "postgres_db",
    "postgres_database",
    "pgdatabase",
    "pg_database",
    "mysql_database",
    "mysql_db",
    "mariadb_database",
];

/// How those end that name the port, and the schema.
const PORTS: [&str; 7] = [
    "db_port",
    "dbport",
    "database_port",
    "postgres_port",
    "pgport",
    "mysql_port",
    "mariadb_port",
];
const SCHEMAS: [&str; 4] = [
    "db_schema",
    "database_schema",
    "postgres_schema",
    "pg_schema",
];

/// What is said of a schema in a URL's query.
const SCHEMA_WORDS: [&str; 4] = [
    "currentschema=",
    "search_path=",
    "search_path%3d",
    "schema=",
];

/// A database at a server.
#[derive(Debug, Default)]
struct Address<'a> {
    host: &'a str,
    port: &'a str,
    name: &'a str,
    schema: &'a str,
}

impl Address<'_> {
    /// How it is told to people, where it is one that others can reach too; `known` is whom its
    /// client finds under a host's name.
    fn told(&self, known: &impl Fn(&str) -> String) -> Option<String> {
        let host = self.host.trim();
        let is_own = ["localhost", "127.", "::1", "[::1]", "/", "."]
            .iter()
            .any(|begin| host.starts_with(begin));
        if host.is_empty() || is_own || self.name.trim().is_empty() {
            return None;
        }
        let port = match self.port {
            "" => String::new(),
            usual if USUAL_PORTS.contains(&usual) => String::new(),
            port => format!(":{port}"),
        };
        let schema = match self.schema {
            "" | "public" | "dbo" => String::new(),
            schema => format!(", schema `{schema}`"),
        };
        Some(format!(
            "the database `{}` at {}{port}{schema}",
            self.name.trim(),
            known(host)
        ))
    }
}

/// The database that a text is the address of, or has one of.
pub(super) fn of_text(text: &str, known: &impl Fn(&str) -> String) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']);
    let by_url = urls(text).find_map(|url| of_url(url)?.told(known));
    let by_words = || of_go(text).or_else(|| of_words(text))?.told(known);
    by_url.or_else(by_words)
}

/// The URLs in a text, a script for one.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |it: char| it.is_whitespace() || matches!(it, '"' | '\'' | '`' | '|' | '<' | '>');
    let words = text.split(is_end).filter(|word| word.contains("://"));
    words.map(|word| {
        let scheme = word.find("://").unwrap_or_default();
        let is_scheme =
            |it: char| it.is_ascii_alphanumeric() || matches!(it, '+' | ':' | '-' | '.');
        let begin = word[..scheme].rfind(|it| !is_scheme(it));
        let begin = begin.map_or(0, |at| {
            at + word[at..].chars().next().map_or(0, char::len_utf8)
        });
        &word[begin..]
    })
}

/// `jdbc:postgresql://user:secret@host:5432/name?currentSchema=x`.
fn of_url(text: &str) -> Option<Address<'_>> {
    let text = ["jdbc:", "r2dbc:"]
        .iter()
        .find_map(|begin| text.strip_prefix(begin))
        .unwrap_or(text);
    let (scheme, rest) = text.split_once("://")?;
    let kind = scheme.split(['+', ':']).next().unwrap_or(scheme);
    KINDS.iter().find(|it| it.eq_ignore_ascii_case(kind))?;
    let end = rest.find(['/', '?', ';']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let place = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = split_port(place);
    let path = rest.strip_prefix('/').unwrap_or_default();
    let name = path.split(['?', ';', '&']).next().unwrap_or_default();
    let named = || word(rest, ';', &["databasename", "database"]);
    let name = match name {
        "" => named().or_else(|| word(rest.trim_start_matches(['/', '?']), '&', &["database"]))?,
        name => name,
    };
    Some(Address {
        host,
        port,
        name,
        schema: schema(rest),
    })
}

/// `user:secret@tcp(host:3306)/name`, as Go's driver for MySQL takes it.
fn of_go(text: &str) -> Option<Address<'_>> {
    let (_, rest) = text.split_once("@tcp(")?;
    let (place, rest) = rest.split_once(")/")?;
    let (host, port) = split_port(place);
    let name = rest.split('?').next()?;
    Some(Address {
        host,
        port,
        name,
        schema: "",
    })
}

/// `Host=db;Database=shop;…`, or `host=db dbname=shop …`.
fn of_words(text: &str) -> Option<Address<'_>> {
    let between = if text.contains(';') { ';' } else { ' ' };
    let host = word(
        text,
        between,
        &["host", "server", "data source", "addr", "address"],
    )?;
    let name = word(text, between, &["database", "initial catalog", "dbname"])?;
    let host = host.strip_prefix("tcp:").unwrap_or(host);
    let (host, port) = match host.split_once(',') {
        Some((host, port)) => (host, port),
        None => split_port(host),
    };
    let port = word(text, between, &["port"]).unwrap_or(port);
    let schema = word(text, between, &["search path", "searchpath", "search_path"]);
    Some(Address {
        host,
        port,
        name,
        schema: schema.unwrap_or_default(),
    })
}

/// The database that several settings name together.
pub(super) fn by_keys(
    settings: &[Setting],
    known: &impl Fn(&str) -> String,
) -> Option<(String, Told)> {
    let of = |ends: &[&str]| {
        settings.iter().find(|it| {
            let key = it.key.as_deref().unwrap_or_default().to_lowercase();
            ends.iter().any(|end| key.ends_with(end))
        })
    };
    let text = |ends: &[&str]| of(ends).map_or("", |it| it.value.trim());
    let name = of(&NAMES)?;
    let address = Address {
        host: text(&HOSTS),
        port: text(&PORTS),
        name: &name.value,
        schema: text(&SCHEMAS),
    };
    let mut told = Told::by(name);
    let host = of(&HOSTS).map(|it| it.rests_on.iter());
    told.rests_on.extend(host.into_iter().flatten().cloned());
    Some((address.told(known)?, told))
}

/// The value of the first of `names` in words `name=value`.
fn word<'a>(text: &'a str, between: char, names: &[&str]) -> Option<&'a str> {
    let mut words = text.split(between).filter_map(|it| it.split_once('='));
    let value = words.find(|(name, _)| {
        let name = name.trim();
        names.iter().any(|it| it.eq_ignore_ascii_case(name))
    });
    value.map(|(_, value)| value.trim())
}

fn schema(query: &str) -> &str {
    let lower = query.to_ascii_lowercase();
    let at = |word: &str| Some(lower.find(word)? + word.len());
    let from = SCHEMA_WORDS.iter().find_map(|word| at(word));
    let rest = from.and_then(|from| query.get(from..)).unwrap_or_default();
    rest.split(['&', ';']).next().unwrap_or_default()
}

/// Host and port; a variable may hold a colon of its own.
fn split_port(place: &str) -> (&str, &str) {
    match place.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|it| it.is_ascii_digit()) => (host, port),
        _ => (place, ""),
    }
}

/// The absolute paths in a text that are files of SQLite by how they end.
pub(super) fn sqlite_paths(text: &str) -> impl Iterator<Item = String> {
    let is_path = |it: char| it.is_alphanumeric() || matches!(it, '/' | '.' | '_' | '-');
    let words = text.split(move |it| !is_path(it));
    words.filter_map(|word| {
        let ends = [".db", ".sqlite", ".sqlite3", ".db3"]
            .iter()
            .any(|end| word.ends_with(end));
        let path = word.trim_start_matches('/');
        (ends && path.len() < word.len()).then(|| format!("/{path}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_known_in_whatever_form_its_address_is_written() {
        for (text, wanted) in [
            ("postgres://a:b@db/shop", "the database `shop` at db"),
            (
                "postgresql+asyncpg://db:5432/shop?ssl=1",
                "the database `shop` at db",
            ),
            (
                "jdbc:postgresql://db/shop?currentSchema=a",
                "the database `shop` at db, schema `a`",
            ),
            (
                "jdbc:sqlserver://db;databaseName=shop;x=y",
                "the database `shop` at db",
            ),
            (
                "mysql://${USER:-a}@db/${NAME:-shop}",
                "the database `${NAME:-shop}` at db",
            ),
            (
                "URL='postgres://db/shop' exec ./serve",
                "the database `shop` at db",
            ),
            (
                "postgres://db/shop' exec ./serve",
                "the database `shop` at db",
            ),
            ("--db=postgres://db/shop", "the database `shop` at db"),
            ("u:p@tcp(db:3306)/shop?x=y", "the database `shop` at db"),
            (
                "Host=db;Port=5432;Database=shop;Username=a",
                "the database `shop` at db",
            ),
            (
                "Server=tcp:db,1433;Initial Catalog=shop",
                "the database `shop` at db",
            ),
            (
                "postgres://a@db:6000/shop",
                "the database `shop` at db:6000",
            ),
            ("host=db user=a dbname=shop", "the database `shop` at db"),
        ] {
            let known = of_text(text, &str::to_owned);
            assert_eq!(known.as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "http://db/shop",
            "postgres://localhost/shop",
            "postgres://db",
            "amqp://db/shop",
            "Data Source=/data/shop.db",
            "shop",
        ] {
            assert_eq!(of_text(text, &str::to_owned), None, "{text}");
        }
    }

    #[test]
    fn files_of_sqlite_are_found_in_addresses_and_in_code() {
        let found = |text| sqlite_paths(text).collect::<Vec<_>>();
        assert_eq!(found("sqlite:////data/a.db?mode=rwc"), ["/data/a.db"]);
        assert_eq!(found("open('/data/x/a.sqlite3')"), ["/data/x/a.sqlite3"]);
        assert_eq!(found("Data Source=/data/a.db;x"), ["/data/a.db"]);
        assert_eq!(found("a.db and http.db.example"), [""; 0]);
    }
}
