//! Whose is what: folders that change together, who changes them, tables that several parts use.

use crate::support::repository::Repository;

#[test]
fn folders_that_always_change_together_and_folders_that_never_do_get_different_answers() {
    let mut welded = Repository::new();
    welded.changes(60, &["orders", "users"], &["ann", "ben", "cay"]);
    let said = welded.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Bounded contexts are identified and stable: not ready"),
        "{said}"
    );
    assert!(
        said.contains("orders and users change together in 60 commits (100 % of their own)"),
        "{said}"
    );
    assert!(
        said.contains("Teams are aligned to service boundaries: not ready"),
        "{said}"
    );

    let mut apart = Repository::new();
    apart.changes(30, &["orders"], &["ann", "ben"]);
    apart.changes(30, &["users"], &["cay", "dan"]);
    let said = apart.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Bounded contexts are identified and stable: ready"),
        "{said}"
    );
    assert!(
        said.contains("0 of 60 usable commits touch several contexts"),
        "{said}"
    );
    assert!(
        said.contains("Teams are aligned to service boundaries: partly"),
        "{said}"
    );
    assert!(said.contains("write the owners down"), "{said}");
}

#[test]
fn commits_of_one_file_each_cannot_tell_whether_boundaries_hold() {
    let mut repository = Repository::new();
    for folder in ["orders", "users"] {
        repository.changes_of(30, &[folder], &["ann"], &["main.py"]);
    }
    assert_eq!(repository.standings()["bounded-contexts"], "inconclusive");
}

#[test]
fn a_folder_that_moved_keeps_its_history() {
    let mut repository = Repository::new();
    repository.write("old/orders/long.py", &"print('what stays')\n".repeat(9));
    repository.write("old/users/long.py", &"print('it stays')\n".repeat(9));
    repository.changes(60, &["old/orders", "old/users"], &["ann"]);
    repository.git(&["mv", "old/orders", "orders"], "ann");
    repository.git(&["mv", "old/users", "users"], "ann");
    repository.write("users/long.py", &"print('it stays')\n".repeat(8));
    repository.commit("ann");
    let said = repository.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = "orders and users change together in 61 commits";
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_short_history_is_inconclusive_with_its_reason_and_never_ready() {
    let mut repository = Repository::new();
    repository.changes(49, &["orders"], &["ann"]);
    repository.write("users/main.py", "print(1)\n");
    repository.git(&["add", "-A"], "ann");
    repository.git(&["commit", "-q", "-m", "Bump a from 1 to 2"], "ann");
    let standings = repository.standings();
    assert_eq!(standings["bounded-contexts"], "inconclusive");
    assert_eq!(standings["team-alignment"], "inconclusive");
    let said = repository.ready(&[]).expect(1).stdout;
    assert!(
        said.contains("49 of 50 commits are usable, below 50"),
        "{said}"
    );
}

#[test]
fn a_table_of_another_part_is_shared_in_whatever_words_it_is_used() {
    let mut repository = Repository::new();
    repository.write("orders/1.sql", "CREATE TABLE customers (\n  id int\n);\n");
    repository.write("orders/main.py", "print('orders')\n");
    repository.changes(30, &["orders"], &["ann"]);
    for (file, text) in [
        ("1.sql", "ALTER TABLE customers ADD COLUMN paid int;\n"),
        (
            "1.sql",
            "CREATE TABLE bills (\n  who int REFERENCES customers(id)\n);\n",
        ),
        ("q.py", "q = 'SELECT 1 FROM public.customers'\n"),
        ("q.py", "q = '''\nSELECT 1\nFROM\n  customers\n'''\n"),
        (
            "q.py",
            "class Customer(Base):\n    __tablename__ = \"customers\"\n",
        ),
    ] {
        repository.write(&format!("payments/{file}"), text);
        repository.commit("ann");
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let shared = "payments uses the table `customers`, which it shares";
        assert!(said.contains(shared), "{text}\n{said}");
        std::fs::remove_file(repository.path().join(format!("payments/{file}"))).unwrap();
    }
}

#[test]
fn a_table_that_migrations_of_the_whole_make_is_shared_by_those_who_use_it() {
    let mut repository = Repository::new();
    repository.write("orders/q.py", "q = 'SELECT 1 FROM customers'\n");
    repository.write("payments/main.py", "print('payments')\n");
    repository.write("schema.sql", "CREATE TABLE customers (\n  id int\n);\n");
    repository.changes(30, &["orders", "payments"], &["ann"]);
    let said = |repository: &Repository| {
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let shared = "uses the table `customers`, which it shares";
    assert!(!said(&repository).contains(shared), "one uses it");
    repository.write("payments/q.py", "q = 'UPDATE customers SET a = 1'\n");
    repository.commit("ann");
    let said = said(&repository);
    for context in ["orders", "payments"] {
        assert!(said.contains(&format!("{context} {shared}")), "{said}");
    }
}
