//! What a container finds inside: secrets, configs, mounts as they were asked for, names that it
//! alone has for others, volumes of another.

use msvc_runtime::contract::RuntimeError;
use msvc_runtime::up::UpError;

use crate::support::{Project, server, with_project};

async fn finds(project: &Project, service: &str, role: &str) {
    let ended = project.run_in(service, role).await;
    assert_eq!(ended.status, Some(0), "{role}: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_configs_are_files_and_a_changed_one_makes_the_container_anew() {
    with_project(|project| async move {
        project.write("file", "from-a-file");
        let compose = |text: &str| {
            format!(
                "services:\n  web: {{{}, user: \"1000\", secrets: [file, {{source: held, target: /deep/er/held, uid: \"1000\", mode: 0400}}], configs: [text]}}\n\
                 secrets: {{file: {{file: ./file}}, held: {{environment: HELD}}}}\nconfigs: {{text: {{content: {text}}}}}\n",
                server(""),
            )
        };
        project.up(&compose("first")).await.unwrap();
        finds(&project, "web", "holds /deep/er/held 400 1000 held").await;
        finds(&project, "web", "holds /text 444 0 first").await;
        let owner = std::os::unix::fs::MetadataExt::uid(&project.root().metadata().unwrap());
        let role = format!("holds /run/secrets/file 644 {owner} from-a-file");
        finds(&project, "web", &role).await;
        assert!(!project.up(&compose("first")).await.unwrap().changed);
        assert!(project.up(&compose("second")).await.unwrap().changed);
        finds(&project, "web", "holds /text 444 0 second").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_whose_file_is_missing_is_told_and_no_folder_is_made_in_its_place() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  web: {{{}, secrets: [gone]}}\nsecrets: {{gone: {{file: ./gone}}}}\n",
            server(""),
        );
        let told = project.up(&compose).await.unwrap_err();
        let UpError::Runtime(RuntimeError::NotTaken { why, .. }) = &told else {
            panic!("{told:?}");
        };
        assert!(
            why.contains("does not exist") && why.contains("/gone"),
            "{why}"
        );
        assert!(!project.root().join("gone").exists());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_are_as_they_were_asked_for() {
    with_project(|project| async move {
        let folder = project.root().join("made");
        let compose = format!(
            "services:\n  web: {{{}, tmpfs: [\"/t:size=1m\"], volumes: [{{type: tmpfs, target: /u, tmpfs: {{size: 2m, mode: 0700}}}}, \"./made:/m:ro,rprivate\", \"limited:/l\"]}}\n\
             volumes: {{limited: {{driver_opts: {{type: tmpfs, device: tmpfs, o: size=3m}}}}}}\n",
            server(""),
        );
        assert!(!folder.exists());
        project.up(&compose).await.unwrap();
        assert!(folder.is_dir(), "a missing folder of the host is made, as Compose has it");
        for role in [
            "mounted /t size=1024k",
            "mounted /u size=2048k",
            "mounted /u mode=700",
            "mounted /m ro",
            "mounted /l size=3072k",
        ] {
            finds(&project, "web", role).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_its_caller_alone_a_name_and_volumes_are_lent() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  \
             web: {{{}, links: [\"db:database\"], volumes_from: [\"db:ro\"]}}\n  \
             other: {{{}}}\n  \
             db: {{{}, volumes: [\"data:/data\"]}}\nvolumes: {{data: }}\n",
            server(""),
            server(""),
            server(""),
        );
        project.up(&compose).await.unwrap();
        assert!(project.reaches("web", "database:8080").await);
        assert!(!project.reaches("other", "database:8080").await);
        finds(&project, "db", "write /data/x").await;
        finds(&project, "web", "read /data/x").await;
        finds(&project, "web", "mounted /data ro").await;
        finds(&project, "other", "lacks /data").await;
    })
    .await;
}
