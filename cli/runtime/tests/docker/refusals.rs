//! What cannot be had is told by name, and nothing half-made is left.

use std::collections::BTreeMap;
use std::net::TcpListener;

use msvc_report::exit::Exit;
use msvc_runtime::docker::Engine;
use msvc_runtime::docker::image::BuildFrom;

use crate::support::{server, with_project};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_had_is_named_with_the_registrys_answer() {
    with_project(|project| async move {
        for more in ["", ", pull_policy: never"] {
            let compose = format!("services:\n  web: {{image: \"localhost:1/none:1\"{more}}}\n");
            let failed = project.up(&compose).await.unwrap_err();
            assert_eq!(failed.exit(), Exit::CouldNot);
            let told = failed.to_string();
            assert!(
                told.starts_with("image localhost:1/none:1 of web cannot be had: "),
                "{told}"
            );
        }
        assert!(!project.runtime.is_there().await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_with_who_has_it_and_no_container_stays() {
    with_project(|project| async move {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let compose = format!(
            "services:\n  web: {{{}}}\n",
            server(&format!(", ports: [\"127.0.0.1:{port}:8080\"]")),
        );
        let failed = project.up(&compose).await.unwrap_err();
        assert_eq!(failed.exit(), Exit::CouldNot);
        let told = failed.to_string();
        assert!(
            told.contains(&format!("127.0.0.1:{port} is taken by ")),
            "{told}"
        );
        assert!(!project.runtime.is_there().await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_in_the_image_is_the_services_own_fault() {
    with_project(|project| async move {
        let compose = "services:\n  web: {build: ., command: [nowhere]}\n";
        let failed = project.up(compose).await.unwrap_err();
        assert_eq!(failed.exit(), Exit::Failed, "{failed}");
        assert!(failed.to_string().contains("nowhere"), "{failed}");
        assert!(!project.runtime.is_there().await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_network_that_is_not_there_is_told_before_anything_is_made() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  web: {{{}, networks: [far]}}\nnetworks: {{far: {{external: true, name: {}-far}}}}\n",
            server(""),
            project.name,
        );
        let failed = project.up(&compose).await.unwrap_err();
        assert_eq!(failed.exit(), Exit::CouldNot);
        assert!(failed.to_string().contains("-far (`far`)"), "{failed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_in_a_build_context_is_named() {
    with_project(|project| async move {
        project.write("Dockerfile", "FROM scratch\nCOPY . /\n");
        let _socket =
            std::os::unix::net::UnixListener::bind(project.root().join("s.sock")).unwrap();
        let compose = "services:\n  web: {build: .}\n";
        let failed = project
            .up_from(compose, BuildFrom::Dockerfile)
            .await
            .unwrap_err();
        assert_eq!(failed.exit(), Exit::Input);
        assert!(
            failed
                .to_string()
                .contains("s.sock: a socket cannot be sent"),
            "{failed}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_not_there_is_told_with_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let host = format!("unix://{}/none.sock", folder.path().display());
    let environment = BTreeMap::from([("DOCKER_HOST".to_owned(), host)]);
    let told = Engine::find(&environment).await.unwrap_err();
    assert_eq!(told.exit(), Exit::CouldNot);
    assert!(
        told.to_string().contains("none.sock (DOCKER_HOST)"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_too_old_or_dies_midway_is_told() {
    for (answer, expected) in [
        (
            r#"{"Version":"19.03.1","ApiVersion":"1.40"}"#,
            "is too old: version 19.03.1 speaks API 1.40, needed is 1.41",
        ),
        ("", "does not answer"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("old.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let body = answer.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut asked = [0; 1024];
                let _ = std::io::Read::read(&mut stream, &mut asked);
                if !body.is_empty() {
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
                }
            }
        });
        let host = format!("unix://{}", socket.display());
        let environment = BTreeMap::from([("DOCKER_HOST".to_owned(), host)]);
        let told = Engine::find(&environment).await.unwrap_err();
        assert_eq!(told.exit(), Exit::CouldNot);
        assert!(told.to_string().contains(expected), "{told}");
    }
}
