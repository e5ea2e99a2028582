//! The tables of a database that a source file names: in SQL, over as many lines as it takes, and
//! by the words with which common libraries map a table or make one.

/// What a file does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It makes it.
    Creates,
    /// It maps it to a class of its own, which some libraries make tables of.
    Maps,
    /// It reads it, writes it, changes it or points to it.
    Uses,
}

/// A table that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// In lower case, without its schema.
    pub table: String,
    /// Its schema, or database, in lower case, where one stands before it.
    pub schema: Option<String>,
    /// What is done with it.
    pub deed: Deed,
    /// Line, from 1.
    pub line: u32,
}

/// Words of SQL before a table's name.
const SQL: [(&str, Deed); 7] = [
    ("create table", Deed::Creates),
    ("alter table", Deed::Uses),
    ("insert into", Deed::Uses),
    ("references", Deed::Uses),
    ("from", Deed::Uses),
    ("join", Deed::Uses),
    ("update", Deed::Uses),
];

/// What libraries write before a table's name in quotes, or as a symbol of Ruby's: Alembic, Rails,
/// Knex, Laravel; SQLAlchemy, Django, Active Record, JPA, TypeORM.
const LIBRARIES: [(&str, Deed); 9] = [
    ("create_table(", Deed::Creates),
    ("create_table ", Deed::Creates),
    ("createtable(", Deed::Creates),
    ("schema::create(", Deed::Creates),
    ("__tablename__ = ", Deed::Maps),
    ("db_table = ", Deed::Maps),
    ("self.table_name = ", Deed::Maps),
    ("@table(name = ", Deed::Maps),
    ("@entity(", Deed::Maps),
];

/// Words that may stand before the name.
const BETWEEN: [&str; 4] = ["if", "not", "exists", "only"];

/// The tables that a file names, in the order of its words' kinds.
#[must_use]
pub fn tables(text: &str) -> Vec<Named> {
    let text = without_asides(text);
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut found = Vec::new();
    let mut tell = |at: usize, name: Option<(Option<String>, String)>, deed| {
        if let Some((schema, table)) = name.filter(|(_, table)| table.len() > 2) {
            let above = ends.partition_point(|end| *end < at);
            let line = u32::try_from(above + 1).unwrap_or(u32::MAX);
            found.push(Named {
                table,
                schema,
                deed,
                line,
            });
        }
    };
    for (words, deed) in SQL {
        for (at, _) in text.match_indices(words) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let within =
                before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
            let rest = text.get(at + words.len()..).unwrap_or_default();
            if !within && rest.starts_with(char::is_whitespace) {
                tell(at, name(rest), deed);
            }
        }
    }
    for (words, deed) in LIBRARIES {
        for (at, _) in text.match_indices(words) {
            let rest = text
                .get(at + words.len()..)
                .unwrap_or_default()
                .trim_start();
            if rest.starts_with(['"', '\'', '`', ':']) {
                tell(at, name(rest), deed);
            }
        }
    }
    found
}

/// The text in lower case, with nothing in lines that are comments or take other files in.
fn without_asides(text: &str) -> String {
    let is_aside = |line: &str| {
        let line = line.trim_start();
        let imports = ["import ", "export ", "} from", "use "];
        ["--", "//", "#"]
            .iter()
            .any(|begin| line.starts_with(begin))
            || imports.iter().any(|begin| line.starts_with(begin))
            || (line.starts_with("from ") && line.contains(" import "))
    };
    let lines = text.lines().map(|line| match is_aside(line) {
        true => String::new(),
        false => line.to_lowercase(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The name that begins here: its last part, and what stands before it.
fn name(text: &str) -> Option<(Option<String>, String)> {
    let mut rest = text;
    let mut schema = None;
    loop {
        // Quotes, and the signs that escape them or join lines in a string.
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '`' | '[' | '\\' | '\'' | ':' | '+')
        });
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let (word, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        if word.is_empty() {
            return None;
        }
        let closed = after.trim_start_matches(['"', '`', ']', '\\']);
        rest = match closed.strip_prefix('.') {
            Some(more)
                if more.starts_with(|c: char| c.is_alphanumeric() || "\"`[\\_".contains(c)) =>
            {
                schema = Some(word.to_owned());
                more
            }
            _ if BETWEEN.contains(&word) => after,
            _ => return Some((schema, word.to_owned())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text, and the tables in it.
    type Example<'a> = (&'a str, &'a [(&'a str, Deed, u32)]);

    #[test]
    fn tables_are_read_out_of_sql_and_of_what_maps_them() {
        use Deed::{Creates, Maps, Uses};
        let cases: [Example<'_>; 21] = [
            (
                "CREATE TABLE IF NOT EXISTS orders (",
                &[("orders", Creates, 1)],
            ),
            (
                "create table shop.orders (id int)",
                &[("orders", Creates, 1)],
            ),
            (
                "db.run(\"SELECT id FROM orders JOIN users ON 1\")",
                &[("orders", Uses, 1), ("users", Uses, 1)],
            ),
            (
                "ALTER TABLE customers ADD COLUMN x",
                &[("customers", Uses, 1)],
            ),
            (
                "alter table if exists only customers drop x",
                &[("customers", Uses, 1)],
            ),
            ("x int REFERENCES customers(id)", &[("customers", Uses, 1)]),
            ("SELECT 1 FROM public.customers", &[("customers", Uses, 1)]),
            ("SELECT a\nFROM\n  customers c\n", &[("customers", Uses, 2)]),
            (
                "q = \"SELECT a FROM \\\"customers\\\"\"",
                &[("customers", Uses, 1)],
            ),
            (
                "q := `SELECT a FROM \"shop\".\"customers\"`",
                &[("customers", Uses, 1)],
            ),
            ("DELETE FROM [dbo].[customers]", &[("customers", Uses, 1)]),
            (
                "INSERT INTO customers VALUES (1)",
                &[("customers", Uses, 1)],
            ),
            ("UPDATE customers SET a = 1", &[("customers", Uses, 1)]),
            (
                "    __tablename__ = \"customers\"",
                &[("customers", Maps, 1)],
            ),
            ("@Table(name = \"customers\")", &[("customers", Maps, 1)]),
            (
                "op.create_table(\n    'customers',",
                &[("customers", Creates, 1)],
            ),
            (
                "create_table :customers do |t|",
                &[("customers", Creates, 1)],
            ),
            ("from customers import Customer", &[]),
            ("import { a } from \"customers\";", &[]),
            ("-- taken from customers\n# from customers", &[]),
            (
                "Array.from (customers); transform customers; from_customers",
                &[],
            ),
        ];
        for (text, wanted) in cases {
            let found = tables(text);
            let found: Vec<_> = found
                .iter()
                .map(|it| (it.table.as_str(), it.deed, it.line))
                .collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
