//! Amounts of processor, memory and the like that an engine refuses, whatever machine it runs on.

use super::wrong;
use crate::forms::scalar_text;
use crate::normal_form::bytes;
use crate::problem::Problems;
use crate::yaml::{Node, shorten};

/// The least memory that Docker's engine gives a container.
const LEAST_MEMORY: i64 = 6 << 20;
/// The least share of a processor: what a period of 100 ms can be cut into.
const LEAST_CPUS: f64 = 0.01;

/// Whole numbers of microseconds with what they may be; 0 says nothing. No such numbers are what
/// kernels of today have no place for (`blkio_config.weight`, `mem_swappiness`): an engine leaves
/// them aside unseen.
const BOUNDS: [(&str, i64, i64); 2] = [
    ("/cpu_period", 1_000, 1_000_000),
    ("/cpu_quota", 1_000, i64::MAX),
];

/// Checks one service.
pub(super) fn check(service: &Node, problems: &mut Problems) {
    for (pointer, least, most) in BOUNDS {
        bounded(service, pointer, (least, most), problems);
    }
    for pointer in ["/cpus", "/deploy/resources/limits/cpus"] {
        cpus(service, pointer, problems);
    }
    for pointer in [
        "/mem_limit",
        "/mem_reservation",
        "/deploy/resources/limits/memory",
        "/deploy/resources/reservations/memory",
    ] {
        if let Some((node, size)) = size(service, pointer)
            && size > 0
            && size < LEAST_MEMORY
        {
            let what = format!(
                "{} is {size} bytes, less than a container can have",
                named(pointer)
            );
            let text = scalar_text(node).unwrap_or_default();
            let hint = match bytes::unit_left_out(&text).filter(|_| node.replaced.is_none()) {
                Some(unit) => format!("write its unit too: `{text}{unit}`"),
                None => "write `6m` or more".to_owned(),
            };
            wrong(problems, what, &node.place, hint);
        }
    }
    swap(service, problems);
    reserved(service, problems);
    ulimits(service, problems);
    quota_beside_cpus(service, problems);
}

/// A field's name for people.
fn named(pointer: &str) -> String {
    format!("`{}`", pointer.trim_start_matches('/').replace('/', "."))
}

fn value<'n>(service: &'n Node, pointer: &str) -> Option<(&'n Node, String)> {
    let node = service.at(pointer).filter(|node| !node.is_null())?;
    Some((node, scalar_text(node)?))
}

fn size<'n>(service: &'n Node, pointer: &str) -> Option<(&'n Node, i64)> {
    let (node, text) = value(service, pointer)?;
    Some((node, bytes::parse(&text).ok()?))
}

fn bounded(service: &Node, pointer: &str, (least, most): (i64, i64), problems: &mut Problems) {
    let Some((node, text)) = value(service, pointer) else {
        return;
    };
    let number = text.trim().parse::<i64>().ok();
    // Less than none is a quota for any time.
    let says = |it: &i64| *it > 0 || *it < 0 && pointer != "/cpu_quota";
    if let Some(number) = number.filter(|it| says(it) && !(least..=most).contains(it)) {
        let bounds = match most {
            i64::MAX => format!("{least} microseconds or more"),
            most => format!("{least} to {most} microseconds"),
        };
        let what = format!("{} is {number}, which no engine takes", named(pointer));
        wrong(problems, what, &node.place, format!("write {bounds}"));
    }
}

fn cpus(service: &Node, pointer: &str, problems: &mut Problems) {
    let Some((node, text)) = value(service, pointer) else {
        return;
    };
    let number = text.trim().parse::<f64>().ok();
    if let Some(number) = number.filter(|it| *it != 0.0)
        && !(number.is_finite() && number >= LEAST_CPUS)
    {
        let what = format!(
            "{} is {}, which is no share of a processor",
            named(pointer),
            shorten(&text)
        );
        wrong(
            problems,
            what,
            &node.place,
            "write 0.01 or more, such as 0.5",
        );
    }
}

/// The memory that a service may have, by whichever of its two names; the other one is the same.
fn limit(service: &Node) -> i64 {
    let limit =
        size(service, "/mem_limit").or_else(|| size(service, "/deploy/resources/limits/memory"));
    limit.map(|(_, size)| size).unwrap_or_default()
}

/// Memory with what may be swapped is no less than memory alone, and needs it.
fn swap(service: &Node, problems: &mut Problems) {
    let limit = limit(service);
    let Some((node, with_swap)) = size(service, "/memswap_limit") else {
        return;
    };
    if limit == 0 && with_swap > 0 {
        let what = format!(
            "`memswap_limit` ({with_swap} bytes) is memory and swap together, and nothing says how \
             much of it is memory"
        );
        wrong(problems, what, &node.place, "write `mem_limit` beside it");
    }
    if limit > 0 && with_swap > 0 && with_swap < limit {
        let what = format!(
            "`memswap_limit` ({with_swap} bytes) is memory and swap together, and less than the \
             memory alone ({limit})"
        );
        wrong(
            problems,
            what,
            &node.place,
            "write that much or more, or -1 for any",
        );
    }
}

fn reserved(service: &Node, problems: &mut Problems) {
    let limit = limit(service);
    for reservation in ["/mem_reservation", "/deploy/resources/reservations/memory"] {
        if let Some((node, asked)) = size(service, reservation)
            && limit > 0
            && asked > limit
        {
            let what = format!(
                "{} ({asked} bytes) is more than the limit ({limit})",
                named(reservation)
            );
            wrong(problems, what, &node.place, "write the limit or less");
        }
    }
}

/// The soft limit of each is no higher than the hard one; -1 is none. As the
/// machine reads them: what is negative is very large.
fn ulimits(service: &Node, problems: &mut Problems) {
    for (key, limit) in service.entries_of("ulimits") {
        let number = |field: &str| {
            let text = scalar_text(limit.get(field)?)?;
            text.trim().parse::<i64>().ok()
        };
        let (Some(soft), Some(hard)) = (number("soft"), number("hard")) else {
            continue;
        };
        if soft.cast_unsigned() > hard.cast_unsigned() {
            let what = format!(
                "the soft limit of `{}` ({soft}) is above the hard one ({hard})",
                shorten(&key.text)
            );
            let node = limit.get("soft").unwrap_or(limit);
            wrong(problems, what, &node.place, "write the hard limit or less");
        }
    }
}

/// The same said in two ways, of which an engine takes one.
fn quota_beside_cpus(service: &Node, problems: &mut Problems) {
    let says = |pointer: &str| {
        let (_, text) = value(service, pointer)?;
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| *number > 0.0)
    };
    if says("/cpus").is_none() && says("/deploy/resources/limits/cpus").is_none() {
        return;
    }
    for field in ["cpu_quota", "cpu_period"] {
        if says(&format!("/{field}")).is_some()
            && let Some(node) = service.get(field)
        {
            let what = format!("`cpus` and `{field}` exclude each other");
            wrong(problems, what, &node.place, "keep one of them");
        }
    }
}
