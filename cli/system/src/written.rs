//! What the files of a system say, kept beside what was read of it: where a field stands is asked
//! when somebody refuses what it says, and what could not be once it is known who is to start.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::problem::Place;
use crate::yaml::Node;

/// The files' tree in long form; nothing where a system was made without files.
#[derive(Clone, Default)]
pub struct Written(Option<Arc<Node>>);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Written").finish_non_exhaustive()
    }
}

impl Written {
    pub(crate) fn of(tree: Node) -> Self {
        Self(Some(Arc::new(tree)))
    }

    pub(crate) fn tree(&self) -> Option<&Node> {
        self.0.as_deref()
    }

    /// The resolved Compose file: merged, interpolated, in long form, dollar signs escaped, so that
    /// it loads to the same again. Made anew each time it is asked for.
    #[must_use]
    pub fn resolved(&self) -> Value {
        self.tree()
            .map_or(Value::Null, |tree| escaped(tree.to_json()))
    }

    /// Where a field of a service stands, where the files say something of it: `deploy/resources`
    /// is one that stands in another.
    #[must_use]
    pub fn field(&self, service: &str, field: &str) -> Option<Place> {
        let mut node = self.tree()?.get("services")?.get(service)?;
        let mut place = None;
        for step in field.split('/') {
            let (key, value) = node.entry(step).filter(|(_, value)| !value.is_null())?;
            // What the long form adds stands where nobody wrote its name.
            place = Some(key.place.clone());
            node = value;
        }
        place
    }

    /// Where the first address stands that a service asks for on its networks.
    #[must_use]
    pub fn address(&self, service: &str) -> Option<Place> {
        const FIELDS: [&str; 3] = ["ipv4_address", "ipv6_address", "link_local_ips"];
        let service = self.tree()?.get("services")?.get(service)?;
        let networks = service.entries_of("networks").iter();
        let mut asked =
            networks.flat_map(|(_, node)| FIELDS.iter().filter_map(|field| node.get(field)));
        asked.next().map(|node| node.place.clone())
    }

    /// Where a network says which addresses it has.
    #[must_use]
    pub fn addresses(&self, network: &str) -> Option<Place> {
        let network = self.tree()?.get("networks")?.get(network)?;
        let configs = network.at("/ipam/config")?.items().iter();
        let mut said = configs.filter_map(|it| it.get("ip_range").or_else(|| it.get("subnet")));
        said.next().map(|node| node.place.clone())
    }

    /// Where a network stands, where the files say something of it.
    #[must_use]
    pub fn network(&self, key: &str) -> Option<Place> {
        self.declared("networks", key)
    }

    /// Where a volume stands, where the files say something of it.
    #[must_use]
    pub fn volume(&self, key: &str) -> Option<Place> {
        self.declared("volumes", key)
    }

    fn declared(&self, section: &str, key: &str) -> Option<Place> {
        let (key, _) = self.tree()?.get(section)?.entry(key)?;
        Some(key.place.clone())
    }
}

/// Dollar signs doubled in every text, so that nothing is interpolated again. Keys stay: nobody looks for
/// variables there.
fn escaped(mut value: Value) -> Value {
    match &mut value {
        Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        Value::Array(items) => {
            for item in items {
                *item = escaped(item.take());
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                *field = escaped(field.take());
            }
        }
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use crate::load::testing::load;

    #[test]
    fn a_field_is_found_where_it_is_written() {
        let text = "services:\n  a:\n    image: x\n    deploy:\n      resources: {limits: {pids: 5}}\nnetworks:\n  n:\n    ipam:\n      config: [{subnet: 10.1.1.0/24}]\n";
        let written = load(text).system.written;
        let field = |name| written.field("a", name).map(|place| place.line);
        assert_eq!(field("image"), Some(3));
        assert_eq!(field("deploy/resources/limits"), Some(5));
        assert_eq!(field("cap_add"), None);
        assert_eq!(written.field("b", "image"), None);
        assert_eq!(written.network("n").map(|place| place.line), Some(7));
        assert_eq!(written.addresses("n").map(|place| place.line), Some(9));
        assert_eq!(written.addresses("default"), None);
    }
}
