//! Healthchecks that stand in an image's Dockerfile and not in the Compose file.

use crate::whole::{Change, compose, each, write};

const PARTLY: &str = "partly";
const READY: &str = "ready";

const RUN: &[Change] = &[
    ("healthchecks of images", READY, |it| {
        compose(it, "    healthcheck: {test: [CMD, 'true']}\n", "");
        for part in ["orders", "users"] {
            let text = "FROM x\nHEALTHCHECK --interval=5s CMD curl -f http://localhost\n";
            write(it, &format!("{part}/Dockerfile"), text);
        }
    }),
    ("healthchecks of the stages that are built", READY, |it| {
        let check = "HEALTHCHECK CMD curl -f http://localhost\n";
        compose(it, "    healthcheck: {test: [CMD, 'true']}\n", "");
        compose(
            it,
            "build: ./orders",
            "build: {context: ./orders, target: dev}",
        );
        let text = format!("FROM x AS dev\n{check}FROM y\n");
        write(it, "orders/Dockerfile", &text);
        let text = format!("FROM x AS base\n{check}FROM base\n");
        write(it, "users/Dockerfile", &text);
    }),
    ("healthchecks of other stages, or none", PARTLY, |it| {
        compose(it, "    healthcheck: {test: [CMD, 'true']}\n", "");
        let check = "HEALTHCHECK CMD curl -f http://localhost\n";
        write(
            it,
            "orders/Dockerfile",
            &format!("FROM x AS a\n{check}FROM y\n"),
        );
        write(
            it,
            "users/Dockerfile",
            &format!("FROM x\n{check}HEALTHCHECK NONE\n"),
        );
    }),
    (
        "healthchecks of images that the file puts off",
        PARTLY,
        |it| {
            compose(
                it,
                "healthcheck: {test: [CMD, 'true']}",
                "healthcheck: {disable: true}",
            );
            for part in ["orders", "users"] {
                write(
                    it,
                    &format!("{part}/Dockerfile"),
                    "FROM x\nHEALTHCHECK CMD x\n",
                );
            }
        },
    ),
];

#[test]
fn an_image_may_ask_for_its_own_health() {
    each("operational-overhead", RUN);
}
