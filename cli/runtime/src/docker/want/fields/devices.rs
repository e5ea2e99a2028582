//! Devices of the host that a container is given, and what it may take of them.

use bollard::models::{
    DeviceMapping, DeviceRequest, HostConfig, ResourcesBlkioWeightDevice, ResourcesUlimits,
    ThrottleDevice,
};
use serde_json::Value;

use super::super::value::{bytes, number, text, texts};
use super::{Taken, keep, map};

/// Takes a field of this group into `host`.
pub(super) fn apply(name: &str, value: &Value, host: &mut HostConfig) -> Taken {
    match name {
        "blkio_config" => Some(blkio(value, host)),
        "devices" => keep(&mut host.devices, devices(value)),
        "gpus" => {
            let more = requests(value, Some("gpu"))?;
            host.device_requests.get_or_insert_default().extend(more);
            Some(Some(()))
        }
        _ => None,
    }
}

/// Devices that a driver gives: `gpus`, and reservations under `deploy`. Those of `gpus` have its
/// capability, said or not.
pub(super) fn requests(value: &Value, capability: Option<&str>) -> Option<Vec<DeviceRequest>> {
    if value.as_str() == Some("all") {
        return Some(vec![request(&Value::Null, capability)?]);
    }
    let items = value.as_array()?.iter();
    items.map(|item| request(item, capability)).collect()
}

fn request(item: &Value, capability: Option<&str>) -> Option<DeviceRequest> {
    let at = |key: &str| item.get(key).filter(|value| !value.is_null());
    let list = |key: &str| match at(key) {
        Some(value) => texts(value).map(Some),
        None => Some(None),
    };
    let ids = list("device_ids")?;
    let mut capabilities = list("capabilities")?.unwrap_or_default();
    if let Some(capability) = capability
        && !capabilities.iter().any(|it| it == capability)
    {
        capabilities.push(capability.to_owned());
    }
    let count = match at("count") {
        Some(count) if count.as_str() == Some("all") => Some(-1),
        Some(count) => Some(number(count)?),
        // All of them, unless some are named.
        None => ids.is_none().then_some(-1),
    };
    Some(DeviceRequest {
        driver: at("driver").and_then(text),
        count,
        device_ids: ids,
        capabilities: Some(vec![capabilities]),
        options: match at("options") {
            Some(options) => Some(map(options)?),
            None => None,
        },
    })
}

fn blkio(value: &Value, host: &mut HostConfig) -> Option<()> {
    let at = |key: &str| value.get(key).filter(|value| !value.is_null());
    if let Some(weight) = at("weight") {
        host.blkio_weight = Some(u16::try_from(number(weight)?).ok()?);
    }
    if let Some(items) = at("weight_device") {
        let each = items.as_array()?.iter().map(|item| {
            Some(ResourcesBlkioWeightDevice {
                path: Some(text(item.get("path")?)?),
                weight: Some(usize::try_from(number(item.get("weight")?)?).ok()?),
            })
        });
        host.blkio_weight_device = Some(each.collect::<Option<_>>()?);
    }
    for (key, place) in [
        ("device_read_bps", &mut host.blkio_device_read_bps),
        ("device_read_iops", &mut host.blkio_device_read_iops),
        ("device_write_bps", &mut host.blkio_device_write_bps),
        ("device_write_iops", &mut host.blkio_device_write_iops),
    ] {
        if let Some(items) = at(key) {
            *place = Some(throttled(items)?);
        }
    }
    Some(())
}

fn throttled(items: &Value) -> Option<Vec<ThrottleDevice>> {
    let each = items.as_array()?.iter().map(|item| {
        Some(ThrottleDevice {
            path: Some(text(item.get("path")?)?),
            rate: Some(bytes(item.get("rate")?)?),
        })
    });
    each.collect()
}

pub(super) fn ulimits(value: &Value) -> Option<Vec<ResourcesUlimits>> {
    let map = value.as_object()?;
    map.iter()
        .map(|(name, limit)| {
            let (soft, hard) = match limit {
                Value::Object(both) => (number(both.get("soft")?)?, number(both.get("hard")?)?),
                one => (number(one)?, number(one)?),
            };
            Some(ResourcesUlimits {
                name: Some(name.clone()),
                soft: Some(soft),
                hard: Some(hard),
            })
        })
        .collect()
}

fn devices(value: &Value) -> Option<Vec<DeviceMapping>> {
    let items = value.as_array()?.iter();
    items
        .map(|item| {
            if let Value::Object(long) = item {
                let source = text(long.get("source")?)?;
                let target = long.get("target").and_then(text);
                let permissions = long.get("permissions").and_then(text);
                return Some(device(source, target, permissions));
            }
            let item = text(item)?;
            let mut parts = item.splitn(3, ':').map(str::to_owned);
            Some(device(parts.next()?, parts.next(), parts.next()))
        })
        .collect()
}

fn device(source: String, target: Option<String>, permissions: Option<String>) -> DeviceMapping {
    DeviceMapping {
        path_in_container: Some(target.unwrap_or_else(|| source.clone())),
        path_on_host: Some(source),
        cgroup_permissions: Some(permissions.unwrap_or_else(|| "rwm".to_owned())),
    }
}
