//! For which machine an image is: `OS/ARCHITECTURE[/VARIANT]`, as engines and registries read it.

use std::fmt;

use bollard::models::ImageInspect;
use msvc_system::model::Service;

/// What the file says of the machine that a service is for.
pub(in crate::docker) fn asked(service: &Service) -> Option<&str> {
    let field = service.other_fields.get("platform")?;
    field.value.as_str().filter(|it| !it.is_empty())
}

/// An operating system, an architecture, and a variant of that or nothing; each by the one name that
/// registries have for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::docker) struct Platform {
    system: String,
    architecture: String,
    variant: String,
}

/// Operating systems that may stand alone: for a machine as this one is.
const SYSTEMS: [&str; 4] = ["linux", "windows", "darwin", "freebsd"];

/// Architectures that may stand alone.
const ARCHITECTURES: [&str; 14] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
    "ppc64le", "riscv64", "s390x", "wasm",
];

impl Platform {
    /// One as the file writes it; none where nobody knows what it means.
    pub(in crate::docker) fn of(text: &str) -> Option<Self> {
        let is_sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| !part.is_empty() && part.chars().all(is_sign);
        if !parts.iter().all(is_word) {
            return None;
        }
        match parts[..] {
            [alone] if SYSTEMS.contains(&alone.to_ascii_lowercase().as_str()) => {
                Some(Self::by_its_names(alone, std::env::consts::ARCH, ""))
            }
            [alone] => {
                let found = Self::by_its_names("linux", alone, "");
                let is_known = ARCHITECTURES.contains(&found.architecture.as_str());
                is_known.then_some(found)
            }
            [system, architecture] => Some(Self::by_its_names(system, architecture, "")),
            [system, architecture, variant] => {
                Some(Self::by_its_names(system, architecture, variant))
            }
            _ => None,
        }
    }

    /// This machine, whose programs containers run.
    pub(in crate::docker) fn here() -> Self {
        Self::by_its_names("linux", std::env::consts::ARCH, "")
    }

    /// Whether both are one system on one architecture, be it of another variant.
    pub(in crate::docker) fn is_one_machine_with(&self, other: &Self) -> bool {
        (&self.system, &self.architecture) == (&other.system, &other.architecture)
    }

    /// That of an image; none where the engine does not tell.
    pub(in crate::docker) fn of_image(image: &ImageInspect) -> Option<Self> {
        let told = |text: &Option<String>| text.clone().filter(|it| !it.is_empty());
        let (system, architecture) = (told(&image.os)?, told(&image.architecture)?);
        let variant = image.variant.as_deref().unwrap_or_default();
        Some(Self::by_its_names(&system, &architecture, variant))
    }

    fn by_its_names(system: &str, architecture: &str, variant: &str) -> Self {
        let [system, architecture, variant] =
            [system, architecture, variant].map(str::to_ascii_lowercase);
        let system = match system.as_str() {
            "macos" => "darwin",
            other => other,
        };
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("amd64" | "x86_64" | "x86-64", "v1") => ("amd64", ""),
            ("amd64" | "x86_64" | "x86-64", variant) => ("amd64", variant),
            ("arm64" | "aarch64", "8" | "v8") => ("arm64", ""),
            ("arm64" | "aarch64", variant) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" | "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        Self {
            system: system.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.system, self.architecture)?;
        match self.variant.as_str() {
            "" => Ok(()),
            variant => write!(f, "/{variant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_has_many_names_and_is_one() {
        for (text, shown) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("Linux/AMD64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("arm64", "linux/arm64"),
            ("windows/amd64", "windows/amd64"),
        ] {
            let found = Platform::of(text).map(|it| it.to_string());
            assert_eq!(found.as_deref(), Some(shown), "{text}");
        }
        let own = format!("linux/{}", std::env::consts::ARCH);
        assert_eq!(Platform::of("Linux"), Platform::of(&own));
        for none in ["", "nonsense", "linux/", "a/b/c/d", "linux/am d"] {
            assert_eq!(Platform::of(none), None, "{none}");
        }
    }

    #[test]
    fn an_image_is_for_the_machine_that_the_engine_tells() {
        let image = |architecture: &str, variant: &str| ImageInspect {
            os: Some("linux".to_owned()),
            architecture: Some(architecture.to_owned()),
            variant: Some(variant.to_owned()),
            ..ImageInspect::default()
        };
        let of = |architecture, variant| Platform::of_image(&image(architecture, variant));
        assert_eq!(of("arm64", "v8"), Platform::of("linux/arm64"));
        assert_eq!(of("arm", ""), Platform::of("linux/arm/v7"));
        assert_ne!(of("amd64", ""), Platform::of("linux/arm64"));
        assert_eq!(of("", ""), None);
    }
}
