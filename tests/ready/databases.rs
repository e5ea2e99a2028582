//! Tables that two parts make: in a database of their own each, or in one and the same.

use crate::support::repository::Repository;

const TABLE: &str = "CREATE TABLE customers (\n  id int\n);\n";

/// Two parts that make the same table, with these settings in the Compose file.
fn two(orders: &str, payments: &str) -> Repository {
    let mut repository = Repository::new();
    repository.write("orders/1.sql", TABLE);
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("payments/1.sql", &format!("-- theirs\n{TABLE}"));
    repository.write("payments/main.py", "print('payments')\n");
    repository.write(
        "compose.yaml",
        &format!(
            "x-db: &db {{DB_HOST: db, DB_NAME: shop}}\nservices:\n  db: {{image: 'postgres:17', container_name: shop-store, hostname: store-1, networks: {{default: {{aliases: [warehouse]}}}}}}\n  orders:\n    build: ./orders\n    {orders}\n  payments:\n    build: ./payments\n    {payments}\nvolumes: {{data: , other: }}\n"
        ),
    );
    repository.write(".env", "SHOP_URL=postgres://db/shop\n");
    repository.write(".env.db", "DATABASE_URL=postgres://u:p@db/shop\n");
    repository.commit("ann");
    repository
}

/// What is said of shared tables.
fn said(repository: &Repository) -> String {
    let done = repository.ready(&["--format", "json", "--fail-on", "never"]);
    let checks = done.expect(0).json();
    let contexts = &checks["detail"]["checks"][0];
    let evidence = contexts["evidence"].as_array().unwrap();
    let told = evidence.iter().map(|it| {
        let place = it["place"]["file"].as_str().unwrap_or_default();
        let name = place.rsplit_once("/.tmp").map_or(place, |(_, name)| name);
        let name = name.split_once('/').map_or(name, |(_, name)| name);
        format!(
            "{name}:{} {}\n",
            it["place"]["line"],
            it["what"].as_str().unwrap()
        )
    });
    told.collect()
}

#[test]
fn a_table_that_two_parts_make_in_one_database_is_shared_with_file_and_line() {
    for (orders, payments, database) in [
        (
            "environment: {DATABASE_URL: 'postgres://o:p@db/shop'}",
            "environment: {URL: 'jdbc:postgresql://db:5432/shop?user=x'}",
            "the database `shop` at db",
        ),
        (
            "environment: [ORDERS_DB_HOST=db, ORDERS_DB_NAME=shop]",
            "environment: {PGHOST: db, PGDATABASE: shop}",
            "the database `shop` at db",
        ),
        (
            "environment: *db",
            "environment: {<<: *db, OTHER: x}",
            "the database `shop` at db",
        ),
        (
            "env_file: .env.db",
            "env_file: [.env.db]",
            "the database `shop` at db",
        ),
        (
            "environment: ['ConnectionStrings__Main=Host=db;Database=shop']",
            "command: ['serve', '--db', 'Server=db;Database=shop;User=x']",
            "the database `shop` at db",
        ),
        (
            "environment: {DATABASE_URL: '${DATABASE_URL:?}'}",
            "environment: [DATABASE_URL]",
            "the database of `$DATABASE_URL`",
        ),
        (
            "{volumes: ['data:/data'], environment: {DB: 'sqlite:////data/shop.db'}}",
            "{volumes: [{type: volume, source: data, target: /var/x}], environment: {DB: /var/x/shop.db}}",
            "the file `data/shop.db`",
        ),
        (
            "environment: {DATABASE_URL: 'postgres://${USER:?who}@${HOST:-DB}/shop'}",
            "environment: {DATABASE_URL: '${URL:-postgres://db/shop}'}",
            "the database `shop` at db, where nobody sets `$",
        ),
        (
            "environment: {DB_HOST: '${HOST?}', DB_NAME: shop}",
            "environment: {DATABASE_URL: 'postgres://$HOST/shop'}",
            "the database `shop` at ${HOST}",
        ),
        (
            "environment: {DB_HOST: 'Shop-Store', DB_NAME: '${NAME-shop}'}",
            "{links: ['db:base'], environment: {DB_HOST: base, DB_NAME: shop}}",
            "the database `shop` at db",
        ),
        (
            "environment: {DB_HOST: warehouse, DB_NAME: shop}",
            "{environment: [DB_HOST=store-1, DB_NAME=shop]}",
            "the database `shop` at db",
        ),
        (
            "command: serve --db=postgres://db/shop?sslmode=disable",
            "entrypoint: [sh, -c, 'URL=\"postgres://o:p@db:5432/shop\" exec ./serve']",
            "the database `shop` at db",
        ),
        (
            "environment: {DATABASE_URL: '${SHOP_URL}'}",
            "environment: {DATABASE_URL: 'postgres://db/shop'}",
            "the database `shop` at db",
        ),
    ] {
        let flat = |it: &str| match it.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(_) => format!("x-nothing: 1\n    <<: {it}"),
            None => it.to_owned(),
        };
        let said = said(&two(&flat(orders), &flat(payments)));
        for (name, line) in [("orders", 1), ("payments", 2)] {
            let made = format!(
                "{name}/1.sql:{line} {name} makes the table `customers`, which it shares\n"
            );
            assert!(said.contains(&made), "{orders}: no {made} in\n{said}");
            let told = format!(" {name} is told to use {database}");
            assert!(said.contains(&told), "{orders}: no {told} in\n{said}");
        }
    }
}

#[test]
fn a_file_of_sqlite_that_source_names_in_a_volume_of_both_is_one_database() {
    let repository = two("volumes: ['data:/data']", "volumes: ['data:/data']");
    repository.write(
        "orders/main.py",
        "import sqlite3\nsqlite3.connect('/data/shop.db')\n",
    );
    repository.write("payments/main.py", "open('/data/shop.db')\n");
    repository.git(&["add", "-A"], "ann");
    let told = said(&repository);
    let where_it_is = "orders/main.py:2 orders is told to use the file `data/shop.db`";
    assert!(told.contains(where_it_is), "{told}");
    repository.write("payments/main.py", "open('/data/payments.db')\n");
    repository.git(&["add", "-A"], "ann");
    let told = said(&repository);
    assert!(!told.contains("shares"), "{told}");
}

#[test]
fn the_same_name_in_databases_or_schemas_of_their_own_is_no_shared_table() {
    for (orders, payments) in [
        (
            "environment: {DATABASE_URL: 'postgres://db/orders'}",
            "environment: {DATABASE_URL: 'postgres://db/payments'}",
        ),
        (
            "environment: {DATABASE_URL: 'postgres://a/shop'}",
            "environment: {DATABASE_URL: 'postgres://b/shop'}",
        ),
        (
            "environment: {DATABASE_URL: 'postgres://localhost/shop'}",
            "environment: {DATABASE_URL: 'postgres://localhost/shop'}",
        ),
        (
            "environment: {DATABASE_URL: 'jdbc:postgresql://db/shop?currentSchema=orders'}",
            "environment: {DATABASE_URL: 'jdbc:postgresql://db/shop?currentSchema=payments'}",
        ),
        (
            "environment: {DB: 'sqlite:////data/shop.db'}",
            "environment: {DB: 'sqlite:////data/shop.db'}",
        ),
        ("environment: {PGHOST: db}", "environment: {PGHOST: db}"),
        (
            "environment: {DATABASE_URL: 'postgres://db/${NAME:-orders}'}",
            "environment: {DATABASE_URL: 'postgres://db/${NAME:-payments}'}",
        ),
        (
            "command: [serve, 'postgres://store/shop']",
            "command: [serve, 'postgres://warehouse/shop']",
        ),
    ] {
        let said = said(&two(orders, payments));
        assert!(!said.contains("shares"), "{orders}\n{said}");
    }
    let one = "environment: {DATABASE_URL: 'postgres://db/shop'}";
    let repository = two(one, one);
    for text in [
        "CREATE TABLE payments.customers (id int);\n",
        "CREATE SCHEMA payments;\nSET search_path TO payments;\nCREATE TABLE customers (id int);\n",
    ] {
        repository.write("payments/1.sql", text);
        repository.git(&["add", "-A"], "ann");
        let said = said(&repository);
        assert!(!said.contains("shares"), "{text}\n{said}");
    }
}

/// The same two with files beside, or in place of, those that are there.
fn with(orders: &str, payments: &str, files: &[(&str, &str)]) -> String {
    let repository = two(orders, payments);
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.git(&["add", "-A"], "ann");
    said(&repository)
}

const IN_FILE: &str = "env_file: .env.db";
const SHOP: &str = "environment: {DATABASE_URL: 'postgres://db/shop'}";
const LISTED: &str = "environment: ['DATABASE_URL=postgres://db/shop']";

#[test]
fn what_something_else_overrides_is_no_database() {
    let over = |text: &str| format!("services:\n  payments:\n    {text}\n");
    let after = |text: &str| format!("{IN_FILE}\n    environment: {text}");
    for (orders, payments, file, text) in [
        (
            IN_FILE.to_owned(),
            after("{DATABASE_URL: 'postgres://db/payments'}"),
            ".env.x",
            String::new(),
        ),
        (
            IN_FILE.to_owned(),
            after("['DATABASE_URL=postgres://db/payments']"),
            ".env.x",
            String::new(),
        ),
        (
            after("{DB_NAME: orders}"),
            after("{DB_NAME: payments}"),
            ".env.db",
            "DB_HOST=db\nDB_NAME=shop\n".to_owned(),
        ),
        (
            SHOP.to_owned(),
            "env_file: [.env.db, .env.x]".to_owned(),
            ".env.x",
            "DATABASE_URL=postgres://db/payments\n".to_owned(),
        ),
        (
            LISTED.to_owned(),
            LISTED.to_owned(),
            "compose.override.yaml",
            over("environment: ['DATABASE_URL=postgres://db/payments']"),
        ),
        (
            LISTED.to_owned(),
            LISTED.to_owned(),
            "compose.override.yaml",
            over("environment: {DATABASE_URL: 'postgres://db/payments'}"),
        ),
        (
            "command: [serve, 'postgres://db/shop']".to_owned(),
            "command: [serve, 'postgres://db/shop']".to_owned(),
            "compose.override.yaml",
            over("command: [serve, 'postgres://db/payments']"),
        ),
    ] {
        let said = with(&orders, &payments, &[(file, &text)]);
        assert!(!said.contains("shares"), "{payments} {text}\n{said}");
    }
}

#[test]
fn files_of_settings_and_overrides_are_read_as_compose_does() {
    for (orders, payments, file, text) in [
        (
            IN_FILE,
            IN_FILE,
            ".env.db",
            "export DB_HOST=db\nexport DB_NAME='shop' # theirs\n",
        ),
        (
            IN_FILE,
            SHOP,
            ".env.db",
            "H=db\nDATABASE_URL=\"postgres://u:p@${H}/shop\" # x\n",
        ),
        (
            SHOP,
            LISTED,
            "compose.override.yaml",
            "services:\n  payments:\n    environment: {OTHER: x}\n",
        ),
    ] {
        let said = with(orders, payments, &[(file, text)]);
        let told = " payments is told to use the database `shop` at db";
        assert!(said.contains(told), "{text}\n{said}");
        assert!(said.contains("shares"), "{text}\n{said}");
    }
    let base = "services:\n  base: {env_file: of.env}\n";
    let extends = "extends: {file: common/base.yaml, service: base}";
    let of = "DATABASE_URL=postgres://db/shop\n";
    let files = [("common/base.yaml", base), ("common/of.env", of)];
    let said = with(extends, extends, &files);
    assert!(said.contains("shares"), "{said}");
    let own = format!("{extends}\n    environment: {{DATABASE_URL: 'postgres://db/own'}}");
    let said = with(extends, &own, &files);
    assert!(!said.contains("shares"), "{said}");
}
