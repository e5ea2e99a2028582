//! Who reaches whom, and under which name.

use crate::support::{server, with_project};

#[tokio::test(flavor = "multi_thread")]
async fn names_aliases_and_fixed_addresses_are_reached_on_common_networks_only() {
    with_project(|project| async move {
        // Beside the ranges that msvc itself chooses, 10.192.0.0/11.
        let subnet = format!("10.{}.{}", 150 + std::process::id() % 40, std::process::id() % 250);
        let compose = format!(
            "services:\n  \
             front: {{{}, networks: [a]}}\n  \
             back: {{{}, container_name: {name}-store, networks: {{a: {{aliases: [shelf]}}, b: {{ipv4_address: {subnet}.9}}}}}}\n  \
             deep: {{{}, networks: [b]}}\n\
             networks:\n  a: {{}}\n  b: {{internal: true, ipam: {{config: [{{subnet: {subnet}.0/24}}]}}}}\n",
            server(""),
            server(""),
            server(""),
            name = project.name,
        );
        project.up(&compose).await.unwrap();
        for name in ["back", "shelf", &format!("{}-store", project.name)] {
            assert!(project.reaches("front", &format!("{name}:8080")).await, "{name}");
        }
        assert!(project.reaches("deep", &format!("{subnet}.9:8080")).await);
        assert!(!project.reaches("front", "deep:8080").await);

        // A network that changes is made anew, and everybody on it starts anew.
        let wider = compose.replace("internal: true, ", "");
        let up = project.up(&wider).await.unwrap();
        let plan = up.plan.to_string();
        assert!(plan.contains(&format!("make network {}_b  (its settings changed)", project.name)), "{plan}");
        assert!(plan.contains("/deep/1#2") && !plan.contains("/front/1#2"), "{plan}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_anothers_network_namespace_shares_its_loopback_and_starts_anew_with_it() {
    with_project(|project| async move {
        let compose = |value: &str| {
            format!(
                "services:\n  host: {{{}, environment: {{A: \"{value}\"}}}}\n  guest: {{build: ., command: [{}], network_mode: \"service:host\", stop_signal: SIGKILL}}\n",
                server(""),
                crate::roles::words("serve 9090"),
            )
        };
        project.up(&compose("1")).await.unwrap();
        assert!(project.reaches("guest", "127.0.0.1:8080").await);
        let up = project.up(&compose("2")).await.unwrap();
        assert!(up.plan.to_string().contains("(host is started anew)"), "{}", up.plan);
        assert!(project.reaches("guest", "127.0.0.1:8080").await);
    })
    .await;
}
