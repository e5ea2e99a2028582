//! What engines before API 1.44 read of a container that the client library has no field for.

use bollard::models::ContainerCreateBody;
use bollard::{Docker, body_full};
use serde_json::Value;

use crate::docker::want::networks::MAC_ADDRESS;

/// The client that makes a container with the address of hardware that is asked for it, where one is.
pub(super) fn addressed(docker: &Docker, asked: &Value, body: &ContainerCreateBody) -> Docker {
    let docker = docker.clone();
    let Some(text) = with_address(asked, body) else {
        return docker;
    };
    docker.with_request_modifier(move |request| request.map(|_| body_full(text.clone().into())))
}

fn with_address(asked: &Value, body: &ContainerCreateBody) -> Option<String> {
    let address = asked.get(MAC_ADDRESS)?;
    let mut body = serde_json::to_value(body).ok()?;
    body.as_object_mut()?
        .insert(MAC_ADDRESS.to_owned(), address.clone());
    Some(body.to_string())
}
