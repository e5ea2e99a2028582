//! What a table may say.

use proptest::prelude::*;

use super::*;

fn mistakes(text: &str) -> String {
    read("routes.toml", text).unwrap_err().to_string()
}

#[test]
fn the_packed_table_is_good_and_checks_whoever_writes() {
    let routes = read("routes.toml", PACKED).unwrap();
    for route in &routes {
        let open = ["/accounts", "/tokens"].contains(&route.path.as_str());
        let writes = route.method != Method::GET;
        assert!(!writes || open || route.who != Who::Anyone, "{route:?}");
        let audits = route.path.starts_with("/audit/") || route.path == "/mails";
        assert!(!audits || route.who == Who::Operator, "{route:?}");
    }
    assert_eq!(routes.len(), 30);
}

/// The public routes as `docs/design/shop.md` has them, each with the words about who may ask.
fn agreed() -> BTreeMap<(String, String), String> {
    let text = include_str!("../../../../../docs/design/shop.md");
    let section = text.split("## Public API (gateway)").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut agreed = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let [routes, who, _behind] = row
            .trim_matches('|')
            .split('|')
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("three cells: {row}"));
        let mut method = "";
        // What stands between backticks; a path alone goes by the method before it.
        for code in routes.split('`').skip(1).step_by(2) {
            let path = match code.split_once(" /") {
                Some((named, _)) => {
                    method = named;
                    &code[named.len() + 1..]
                }
                None if code.starts_with('/') => code,
                None => continue,
            };
            let path = path.split('?').next().unwrap().to_owned();
            agreed.insert((method.to_owned(), path), who.trim().to_owned());
        }
    }
    agreed
}

#[test]
fn each_route_and_who_may_ask_for_it_is_agreed_upon_in_the_shops_design() {
    let agreed = agreed();
    let routes = read("routes.toml", PACKED).unwrap();
    for route in &routes {
        let place = (route.method.to_string(), route.path.clone());
        let who = agreed
            .get(&place)
            .unwrap_or_else(|| panic!("docs/design/shop.md says nothing about {place:?}"));
        let as_agreed = match who.as_str() {
            "anyone" => Who::Anyone,
            // Whose it is only the service behind knows.
            "signed in" | "owner, operator" => Who::SignedIn,
            "operator" => Who::Operator,
            other => panic!("{place:?}: who is {other:?}?"),
        };
        assert_eq!(route.who, as_agreed, "{place:?}");
        let of_an_order = route.path.contains("{id}");
        assert!(!of_an_order || who == "owner, operator", "{place:?}: {who}");
    }
    assert_eq!(routes.len(), agreed.len(), "{agreed:#?}");
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let told = mistakes(
        r#"routes = [
  { on = "GET /a", who = "anyone", to = "catalog" },
  { on = "FETCH /b", who = "anybody", to = "catalogue" },
  { on = "GET /c/{name}", who = "anyone", to = "catalog", colour = "red" },
  { on = "GET /d", who = "anyone" },
  { on = "GET /a", who = "operator", to = "orders" },
  { on = "PUT /e", who = "anyone", to = "catalog", fallback = "stale" },
  { on = "GET /f", who = "signed-in", to = "orders", fallback = "stale" },
  { on = "GET /g/{sku}", who = "anyone", to = "catalog", path = "/g/{id}" },
  { on = 7, who = "anyone", to = "catalog" },
  { on = "GET /metrics", who = "anyone", to = "catalog" },
]"#,
    );
    for wanted in [
        "routes.toml:3 on = \"FETCH /b\"",
        "routes.toml:3 who = \"anybody\"",
        "routes.toml:3 to = \"catalogue\"",
        "routes.toml:4 `colour`",
        "routes.toml:4 {name}",
        "routes.toml:5 say either `to` or `does`",
        "routes.toml:6 GET /a stands on line 2 too",
        "routes.toml:7 `fallback` is for GET alone",
        "routes.toml:8 what one caller was answered",
        "routes.toml:9 path has {id}",
        "routes.toml:10 `on` is no text",
        "routes.toml:11 /metrics is the gateway's own",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
}

#[test]
fn a_file_that_is_no_table_is_told_with_its_line() {
    assert!(mistakes("routes = [\n  { on = }\n]").contains("routes.toml:2"));
    assert!(mistakes("routes = []").contains("no route"));
    assert!(mistakes("rotues = []").contains("rotues"));
}

#[test]
fn two_names_for_one_parameter_are_one_route() {
    let told = mistakes(
        r#"routes = [
  { on = "GET /a/{sku}", who = "anyone", to = "catalog" },
  { on = "GET /a/{id}", who = "anyone", to = "catalog" },
]"#,
    );
    assert!(told.contains("routes.toml:3"), "{told}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _read = read("routes.toml", &text);
    }

    #[test]
    fn no_route_makes_the_reader_or_the_router_panic(
        on in "(GET|PUT|POST|X) (/[a-z{}.*:]{0,6}){0,4}",
        path in "(/[a-z{}?=&.]{0,8}){0,3}",
    ) {
        let text = format!(
            "routes = [ {{ on = {on:?}, who = \"anyone\", to = \"catalog\", path = {path:?} }} ]"
        );
        if let Ok(routes) = read("routes.toml", &text) {
            for route in routes {
                let handler = axum::routing::any(async || ());
                let _router: axum::Router = axum::Router::new().route(&route.path, handler);
            }
        }
    }
}
