//! What a service finds in its files: secrets, configs, mounts and their options; and its links.

use super::testing::{load, load_files, request};
use crate::model::FileSource;

#[test]
fn secrets_and_configs_are_files_with_what_is_in_them() {
    let system = load(
        r#"services:
  a:
    image: a
    secrets: [plain, {source: held, target: other, uid: "7", gid: "8", mode: 0440}]
    configs: [text, {source: text, target: /etc/x.conf, mode: "0600"}]
secrets: {plain: {file: ./p.txt}, held: {environment: HELD}, unused: {external: true}}
configs: {text: {content: "${HELD:-no}thing"}}
"#,
    )
    .system;
    let files = &system.service("a").unwrap().files;
    let files: Vec<_> = files
        .iter()
        .map(|it| {
            (
                it.what.as_str(),
                it.target.as_str(),
                it.uid,
                it.gid,
                it.mode,
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("secret `plain`", "/run/secrets/plain", None, None, None),
            (
                "secret `held`",
                "/run/secrets/other",
                Some(7),
                Some(8),
                Some(0o440)
            ),
            ("config `text`", "/text", None, None, None),
            ("config `text`", "/etc/x.conf", None, None, Some(0o600)),
        ]
    );
    let sources = system.service("a").unwrap().files.iter();
    let sources: Vec<_> = sources.map(|it| it.source.clone()).collect();
    assert_eq!(sources[0], FileSource::Host("/system/p.txt".into()));
    let (name, value) = ("HELD".to_owned(), None);
    assert_eq!(sources[1], FileSource::Variable { name, value });
    assert_eq!(sources[2], FileSource::Text("nothing".to_owned()));
}

#[test]
fn what_is_in_a_secret_is_never_shown() {
    let held = FileSource::Variable {
        name: "PASSWORD".to_owned(),
        value: Some("hunter2".to_owned()),
    };
    let text = FileSource::Text("hunter2".to_owned());
    assert!(!format!("{held:?} {text:?}").contains("hunter2"));
}

#[test]
fn options_of_a_mount_keep_their_names_in_either_form() {
    let system = load(
        r#"services:
  a:
    image: a
    volumes: ["./s:/s:ro,z,rslave", "data:/d:nocopy,cached", {type: bind, source: ./b, target: /b, bind: {create_host_path: false}}]
    tmpfs: ["/t:size=1m"]
    links: ["b:other", b]
  b: {image: b}
volumes: {data: {driver: far, driver_opts: {o: size=1}}}
"#,
    )
    .system;
    let a = system.service("a").unwrap();
    let fields: Vec<Vec<(&str, String)>> = a
        .mounts
        .iter()
        .map(|mount| {
            let fields = mount.other_fields.iter();
            fields
                .map(|(name, it)| (name.as_str(), it.value.to_string()))
                .collect()
        })
        .collect();
    let said = |name: &'static str, value: &str| (name, value.to_owned());
    assert_eq!(
        fields,
        [
            vec![
                said("bind.selinux", r#""z""#),
                said("bind.propagation", r#""rslave""#),
                said("bind.create_host_path", "true")
            ],
            vec![said("volume.nocopy", "true")],
            vec![said("bind.create_host_path", "false")],
            vec![said("tmpfs.options", r#""size=1m""#)],
        ]
    );
    assert_eq!(a.links.len(), 1);
    assert_eq!(
        (a.links[0].service.as_str(), a.links[0].alias.as_str()),
        ("b", "other")
    );
    let volume = &system.volumes["data"];
    assert_eq!(volume.driver.as_ref().unwrap().value, "far");
    assert_eq!(volume.options["o"].value, "size=1");
}

#[test]
fn labels_of_a_file_stand_below_those_of_the_service() {
    let file = "services: {a: {image: a, label_file: l.env, labels: {com.one: two}}}\n";
    let labels = "# who\ncom.one=one\ncom.three=three and more\n";
    let files = [("compose.yaml", file), ("l.env", labels)];
    let system = load_files(&request(), &files).unwrap().system;
    let labels = &system.service("a").unwrap().labels;
    assert_eq!(
        (labels["com.one"].as_str(), labels["com.three"].as_str()),
        ("two", "three and more")
    );
    let missing = load_files(&request(), &files[..1]).unwrap_err().to_string();
    let told = "compose.yaml:1:38: the `label_file` /system/l.env cannot be read: no such file";
    assert!(missing.starts_with(told), "{missing}");
}

#[test]
fn secrets_and_configs_of_an_included_file_know_its_own_settings() {
    let included = "services: {b: {image: b, secrets: [s, t], configs: [c]}}\n\
                    secrets: {s: {environment: OWN}, t: {environment: BOTH}}\n\
                    configs: {c: {environment: ASKED}}\n";
    let asked = "include: [{path: i.yaml, env_file: [e.env]}]\n";
    let files = [
        (
            "compose.yaml",
            "include: [x/m.yaml]\nservices: {a: {image: a}}\n",
        ),
        ("x/m.yaml", asked),
        ("x/i.yaml", included),
        (".env", "BOTH=top\n"),
        ("x/.env", "OWN=middle\nBOTH=middle\n"),
        ("x/e.env", "ASKED=inner\nOWN=inner\n"),
    ];
    let system = load_files(&request(), &files).unwrap().system;
    let files = &system.service("b").unwrap().files;
    let values: Vec<Option<&str>> = files
        .iter()
        .map(|it| match &it.source {
            FileSource::Variable { value, .. } => value.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(values, [Some("middle"), Some("top"), Some("inner")]);
}
