//! What a service's settings and edges become.

use msvc_system::model::{FileSource, GivenFile, Hook};

use super::*;

#[test]
fn settings_lead_to_the_edge_and_the_edge_to_the_callee() {
    let wanted = want(&shop(), &options()).unwrap();
    let shown: Vec<String> = wanted
        .edges
        .iter()
        .map(|edge| edge.id.to_string())
        .collect();
    assert_eq!(
        shown,
        [
            "gateway->orders:8080",
            "orders->broker:9092",
            "client->gateway:8080"
        ]
    );
    let orders = edge(&wanted, "gateway->orders:8080");
    let url = format!("http://{}", orders.listen);
    assert_eq!(environment(&wanted, "gateway")["ORDERS_URL"], url);
    assert_eq!(orders.listen.port(), 8080);
    assert_eq!(orders.backends, [Backend::Tcp(backend(&wanted, "orders"))]);
    assert_eq!(orders.reasons, ["ORDERS_URL", "depends_on"]);
    assert_eq!(orders.caller_replica, Some(1));
    assert_ne!(orders.listen.ip(), backend(&wanted, "orders").ip());

    let broker = edge(&wanted, "orders->broker:9092");
    assert_eq!(
        environment(&wanted, "orders")["KAFKA_BROKERS"],
        broker.listen.to_string()
    );
    assert_eq!(broker.also_known_as[0].to_string(), "broker:9092");
    assert_eq!(
        broker.reasons,
        ["KAFKA_BROKERS"],
        "found though no file declares it"
    );

    let client = edge(&wanted, "client->gateway:8080");
    assert_eq!(client.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(wanted.entries[0].url, "http://127.0.0.1:8080");
}

#[test]
fn a_service_listens_at_its_own_address_and_names_itself_by_it() {
    let wanted = want(&shop(), &options()).unwrap();
    let broker = environment(&wanted, "broker");
    assert_eq!(broker["LISTEN"], backend(&wanted, "broker").to_string());
    assert_eq!(broker["ADVERTISED"], broker["LISTEN"]);
}

#[test]
fn a_process_has_few_of_the_callers_variables_and_its_build_leads_its_path() {
    let wanted = want(&shop(), &options()).unwrap();
    let gateway = environment(&wanted, "gateway");
    assert_eq!(gateway["PATH"], "/project/target/debug:/bin");
    assert_eq!(gateway["HOME"], "/home/me");
    assert!(!gateway.contains_key("SECRET"));
}

#[test]
fn data_lives_in_the_lanes_volumes() {
    let wanted = want(&shop(), &options()).unwrap();
    let folder = "/project/.msvc/shop/main/volumes/orders-data";
    assert_eq!(environment(&wanted, "orders")["DATA_DIR"], folder);
    let orders = wanted
        .instances
        .iter()
        .find(|i| i.id.service == "orders")
        .unwrap();
    let process = orders.process().unwrap();
    assert_eq!(process.folders, [PathBuf::from(folder)]);
}

#[test]
fn each_rewriting_is_told_with_its_reason() {
    let wanted = want(&shop(), &options()).unwrap();
    let why: Vec<String> = wanted
        .rewritings
        .iter()
        .map(|r| format!("{} {}: {}", r.service, r.key, r.why))
        .collect();
    assert_eq!(
        why,
        [
            "gateway LISTEN: where gateway listens",
            "gateway ORDERS_URL: the edge to orders",
            "orders DATA_DIR: volume orders-data",
            "orders KAFKA_BROKERS: the edge to broker",
            "orders LISTEN: where orders listens",
            "broker ADVERTISED: itself",
            "broker LISTEN: where broker listens",
        ]
    );
    let shown = wanted.rewritings[1].to_string();
    assert!(
        shown.starts_with("gateway ORDERS_URL: http://orders:8080 => http://127."),
        "{shown}"
    );
}

#[test]
fn a_number_moves_the_port_and_an_address_keeps_it() {
    let mut web = service("web");
    web.environment.shift_remove("LISTEN");
    set(&mut web, "PORT", "8080");
    let wanted = want(&system(vec![web]), &options()).unwrap();
    let backend = backend(&wanted, "web");
    assert_eq!(backend.ip().to_string(), "127.0.0.1");
    assert_ne!(backend.port(), 8080);
    assert_eq!(
        environment(&wanted, "web")["PORT"],
        backend.port().to_string()
    );
}

#[test]
fn where_a_port_is_taken_everywhere_the_neighbouring_setting_follows() {
    let mut web = service("web");
    set(&mut web, "DB_HOST", "db");
    set(&mut web, "DB_PORT", "5432");
    let mut db = service("db");
    db.listens = vec![5432];
    set(&mut db, "LISTEN", "0.0.0.0:5432");
    let mut machine = Empty(vec![5432]);
    let (wanted, _) = want_on(
        &system(vec![web.clone(), db.clone()]),
        &options(),
        &mut machine,
    )
    .unwrap();
    let listen = edge(&wanted, "web->db:5432").listen;
    let settings = environment(&wanted, "web");
    assert_eq!(settings["DB_HOST"], listen.ip().to_string());
    assert_eq!(settings["DB_PORT"], listen.port().to_string());
    assert_ne!(listen.port(), 5432);

    web.environment.shift_remove("DB_PORT");
    let problems = want_on(&system(vec![web, db]), &options(), &mut machine).unwrap_err();
    assert!(
        problems.to_string().contains("names the host db alone"),
        "{problems}"
    );
}

#[test]
fn bare_host_names_hold_for_every_port_of_the_callee() {
    let mut web = service("web");
    set(&mut web, "MAIL_HOST", "mailbox");
    let mut mailbox = service("mailbox");
    mailbox.listens = vec![8080, 2525];
    set(&mut mailbox, "LISTEN_SMTP", "0.0.0.0:2525");
    let wanted = want(&system(vec![web, mailbox]), &options()).unwrap();
    let http = edge(&wanted, "web->mailbox:8080").listen;
    let smtp = edge(&wanted, "web->mailbox:2525").listen;
    assert_eq!(
        (http.ip(), http.port(), smtp.port()),
        (smtp.ip(), 8080, 2525)
    );
    assert_eq!(
        environment(&wanted, "web")["MAIL_HOST"],
        http.ip().to_string()
    );
}

#[test]
fn a_replica_has_an_address_and_edges_of_its_own() {
    let mut shop = shop();
    shop.services.get_mut("orders").unwrap().replicas = 2;
    let wanted = want(&shop, &options()).unwrap();
    assert_eq!(edge(&wanted, "gateway->orders:8080").backends.len(), 2);
    let to_broker: Vec<_> = wanted
        .edges
        .iter()
        .filter(|edge| edge.id.to_string() == "orders->broker:9092")
        .map(|edge| (edge.caller_replica, edge.listen))
        .collect();
    assert_eq!(to_broker.len(), 2);
    assert_ne!(to_broker[0].1, to_broker[1].1);
}

#[test]
fn calls_name_key_and_callee() {
    let mut web = service("web");
    set(&mut web, "STORE", "db");
    web.x_msvc.calls.push(Call {
        service: name("db"),
        port: Some(8080),
        key: Some("STORE".into()),
        place: place(4),
    });
    let wanted = want(&system(vec![web, service("db")]), &options()).unwrap();
    let listen = edge(&wanted, "web->db:8080").listen;
    assert_eq!(
        environment(&wanted, "web")["STORE"],
        listen.ip().to_string()
    );
}

#[test]
fn hooks_and_written_files_lead_to_the_edge_and_nothing_of_the_files_is_told() {
    let mut shop = shop();
    let gateway = shop.services.get_mut("gateway").unwrap();
    gateway.post_start.push(Hook {
        command: ["curl", "http://orders:8080/ready"]
            .map(str::to_owned)
            .into(),
        environment: [("AT".to_owned(), "orders:8080".to_owned())].into(),
        user: None,
        privileged: false,
        working_dir: Some("/srv".to_owned()),
        place: place(9),
    });
    gateway.files.push(GivenFile {
        what: "config `c`".to_owned(),
        source: FileSource::Text("url = http://u:hunter2@orders:8080/x".to_owned()),
        target: "/c".to_owned(),
        uid: None,
        gid: None,
        mode: None,
        other_fields: IndexMap::new(),
        place: place(9),
        source_place: place(10),
    });
    let wanted = want(&shop, &options()).unwrap();
    let at = edge(&wanted, "gateway->orders:8080").listen;
    let mut instances = wanted.instances.iter();
    let gateway = instances.find(|it| it.id.service == *"gateway").unwrap();
    let hook = &gateway.hooks.post_start[0];
    assert_eq!(
        hook.command,
        ["curl".to_owned(), format!("http://{at}/ready")]
    );
    assert_eq!(hook.environment, [("AT".to_owned(), at.to_string())]);
    assert_eq!(hook.directory.as_deref(), Some("/srv"));
    assert!(gateway.hooks.pre_stop.is_empty());
    let file = &gateway.process().unwrap().files[0];
    assert_eq!(file.text, format!("url = http://u:hunter2@{at}/x"));
    assert!(!format!("{:?}", wanted.rewritings).contains("hunter2"));
}

#[test]
fn a_secret_of_a_file_is_read_where_it_stands_and_any_other_is_written() {
    let secret = |source| GivenFile {
        what: "secret `password`".to_owned(),
        source,
        target: "/run/secrets/password".to_owned(),
        uid: None,
        gid: None,
        mode: None,
        other_fields: IndexMap::new(),
        place: place(9),
        source_place: place(10),
    };
    let mut shop = shop();
    let orders = shop.services.get_mut("orders").unwrap();
    set(orders, "PASSWORD_FILE", "/run/secrets/password");
    let file = FileSource::Host("/project/password.txt".into());
    orders.files.push(secret(file));
    let wanted = want(&shop, &options()).unwrap();
    let password = &environment(&wanted, "orders")["PASSWORD_FILE"];
    assert_eq!(password, "/project/password.txt");

    let orders = shop.services.get_mut("orders").unwrap();
    orders.files = vec![secret(FileSource::Text("hunter2".to_owned()))];
    let wanted = want(&shop, &options()).unwrap();
    let password = &environment(&wanted, "orders")["PASSWORD_FILE"];
    let mut instances = wanted.instances.iter();
    let orders = instances.find(|it| it.id.service == *"orders").unwrap();
    let files = &orders.process().unwrap().files;
    assert_eq!(files.len(), 1);
    assert_eq!(
        (&files[0].path.display().to_string(), files[0].text.as_str()),
        (password, "hunter2")
    );
    assert!(!format!("{wanted:?}").contains("hunter2"));

    let unset = FileSource::Variable {
        name: "PASSWORD".to_owned(),
        value: None,
    };
    let orders = shop.services.get_mut("orders").unwrap();
    orders.files = vec![secret(unset)];
    let expected = "orders: secret `password` is in the variable `PASSWORD`, which is not set";
    assert!(refused(&shop)[0].contains(expected));
}
