//! Tables that several parts use: one that a part makes and another names, and one that two parts
//! make in one and the same database.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::{self, Told};
use crate::finding::Finding;
use crate::repository::Repository;
use crate::tables::{Deed, Named, tables};
use crate::tree::is_test;

/// Tables that are named.
const SHOWN: usize = 5;

/// Words of a file that puts a part's tables into a schema of its own, whatever they are called.
const SCHEMA_WORDS: [&str; 5] = [
    "create schema",
    "search_path",
    "default_schema",
    "default-schema",
    "defaultschema",
];

/// By context: where it was seen.
type Seen = BTreeMap<usize, (String, u32)>;

/// Who does what with which table.
#[derive(Debug, Default)]
struct Uses {
    /// All that name it.
    users: BTreeMap<String, Seen>,
    /// Those that make it; of each table of a name also by its schema.
    makers: BTreeMap<String, BTreeMap<usize, Makes>>,
    /// Those that map it to a class.
    mapped: BTreeMap<String, BTreeMap<usize, Makes>>,
    /// Made where no context is, by migrations of the whole: whoever uses it has no table of its own.
    outside: BTreeSet<String>,
    /// Contexts with a schema of their own.
    own_schema: BTreeSet<usize>,
}

/// Where a part makes a table, and in which schemas.
#[derive(Debug, Default)]
struct Makes {
    at: (String, u32),
    schemas: BTreeSet<Option<String>>,
}

/// Tables that several contexts use; the first of them.
pub fn shared_tables(repository: &Repository, finding: &mut Finding) -> Option<String> {
    let mut uses = read(repository);
    // What nobody makes in words of its own is made by whoever maps it.
    for (table, owners) in std::mem::take(&mut uses.mapped) {
        uses.makers.entry(table).or_insert(owners);
    }
    let in_one = made_in_one(repository, &uses);
    // A name that nobody creates may be anything that follows `from`; who creates a table has one
    // of its own, in a database of its own unless it is told another's.
    uses.users.retain(|table, users| {
        let owners = uses.makers.get(table);
        let is_of_all = owners.is_none() && uses.outside.contains(table);
        is_of_all && users.len() > 1
            || owners.is_some_and(|owners| users.keys().any(|user| !owners.contains_key(user)))
            || in_one.contains_key(table)
    });
    finding.figure("shared_tables", uses.users.len());
    for (table, users) in uses.users.iter().take(SHOWN) {
        tell(repository, table, users, in_one.get(table), finding);
    }
    uses.users.into_keys().next()
}

/// Says who shares a table, and by which database where each makes it.
fn tell(
    repository: &Repository,
    table: &str,
    users: &Seen,
    in_one: Option<&InOne>,
    finding: &mut Finding,
) {
    for (context, (path, line)) in users {
        let name = repository.contexts.name(*context);
        let makes = in_one.and_then(|it| it.makers.get(context));
        let (path, line, does) = match makes {
            Some((path, line)) => (path, line, "makes"),
            None => (path, line, "uses"),
        };
        finding.saw_at(
            repository.tree.place(path, *line),
            format!("{name} {does} the table `{table}`, which it shares"),
        );
    }
    for (context, by) in in_one.iter().flat_map(|it| &it.told) {
        let name = repository.contexts.name(*context);
        let database = in_one.map_or("", |it| it.database.as_str());
        let rests_on = by.rests_on.iter().map(|it| format!(", {it}"));
        let said = format!(
            "{name} is told to use {database}{}",
            rests_on.collect::<String>()
        );
        finding.saw_at(by.place.clone(), said);
    }
}

/// A table that several parts make in one database.
#[derive(Debug)]
struct InOne {
    database: String,
    makers: Seen,
    told: BTreeMap<usize, Told>,
}

/// The tables that several parts make in the same schema of the same database.
fn made_in_one(repository: &Repository, uses: &Uses) -> BTreeMap<String, InOne> {
    let databases = database::of_parts(repository);
    let mut parts: BTreeMap<&str, BTreeMap<usize, &Told>> = BTreeMap::new();
    for (part, of_it) in &databases {
        for (name, by) in of_it {
            parts.entry(name).or_default().insert(*part, by);
        }
    }
    parts.retain(|_, of_it| of_it.len() > 1);
    let mut found = BTreeMap::new();
    for (table, makers) in &uses.makers {
        for (database, told) in &parts {
            let here: Vec<(&usize, &Makes)> = makers
                .iter()
                .filter(|(part, _)| told.contains_key(part))
                .collect();
            let shared: Vec<&(&usize, &Makes)> = here
                .iter()
                .filter(|one| here.iter().any(|other| are_one(uses, one, other)))
                .collect();
            if shared.len() > 1 {
                let is_maker = |part: &usize| shared.iter().any(|(maker, _)| *maker == part);
                let told = told.iter().filter(|(part, _)| is_maker(part));
                found.entry(table.clone()).or_insert(InOne {
                    database: (*database).to_owned(),
                    makers: shared
                        .iter()
                        .map(|(part, it)| (**part, it.at.clone()))
                        .collect(),
                    told: told.map(|(part, by)| (*part, (*by).clone())).collect(),
                });
            }
        }
    }
    found
}

/// Whether two different parts that make a table in one database make the same.
fn are_one(uses: &Uses, (a, in_a): &(&usize, &Makes), (b, in_b): &(&usize, &Makes)) -> bool {
    let schemas = |part: &usize, makes: &Makes| -> BTreeSet<Option<String>> {
        let is_own = uses.own_schema.contains(part);
        let known = makes.schemas.iter().filter(|it| it.is_some() || !is_own);
        known.cloned().collect()
    };
    a != b && !schemas(a, in_a).is_disjoint(&schemas(b, in_b))
}

/// Reads who does what.
fn read(repository: &Repository) -> Uses {
    let mut uses = Uses::default();
    for file in &repository.tree.texts {
        let context = repository.contexts.of(&file.path);
        let is_prose = [".md", ".txt", ".rst", ".adoc"]
            .iter()
            .any(|end| file.path.ends_with(end));
        if is_prose || is_test(&file.path) {
            continue;
        }
        if let Some(context) = context {
            let text = file.text.to_lowercase();
            if SCHEMA_WORDS.iter().any(|word| text.contains(word)) {
                uses.own_schema.insert(context);
            }
        }
        for named in tables(&file.text) {
            uses.add(context, &file.path, named);
        }
    }
    uses
}

impl Uses {
    fn add(&mut self, context: Option<usize>, path: &str, named: Named) {
        let Named {
            table,
            schema,
            deed,
            line,
        } = named;
        let Some(context) = context else {
            if deed != Deed::Uses {
                self.outside.insert(table);
            }
            return;
        };
        let at = (path.to_owned(), line);
        let owners = match deed {
            Deed::Creates => Some(&mut self.makers),
            Deed::Maps => Some(&mut self.mapped),
            Deed::Uses => None,
        };
        if let Some(owners) = owners {
            let makes = owners.entry(table.clone()).or_default().entry(context);
            let makes = makes.or_insert_with(|| Makes {
                at: at.clone(),
                ..Makes::default()
            });
            // What names no schema is in the usual one.
            makes
                .schemas
                .insert(schema.filter(|it| it != "public" && it != "dbo"));
        }
        self.users
            .entry(table)
            .or_default()
            .entry(context)
            .or_insert(at);
    }
}
