//! Paths with parameters in braces, and requests that fit them.

/// How many parts of `path` are fixed in `template`; `None` when the path does not fit. A
/// parameter takes one part, or what stands between fixed text within one.
pub(super) fn fixed_parts(template: &str, path: &str) -> Option<usize> {
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    let mut fixed = 0;
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(fixed),
            (Some(wanted), Some(given)) if !wanted.contains('{') => {
                if wanted != given {
                    return None;
                }
                fixed += 1;
            }
            (Some(wanted), Some(given)) if fits(wanted, given) => {}
            _ => return None,
        }
    }
}

/// One part with at least one parameter: the text around and between parameters stands in order.
fn fits(template: &str, part: &str) -> bool {
    let Some((before, _)) = template.split_once('{') else {
        return template == part;
    };
    let after = template.rsplit_once('}').map_or("", |(_, after)| after);
    part.len() > before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
}

/// Names of a path's parameters, in order.
pub(super) fn parameters(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}
