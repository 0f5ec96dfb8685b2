//! What the workspace and cargo's configuration set for a profile.

use std::fs;
use std::path::Path;

use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use crate::run_dir::Codegen;

/// Profiles that inherit from one another without being told to.
const INHERITS: [(&str, &str); 2] = [("bench", "release"), ("test", "dev")];

/// Reads what decides on code generation for `profile`: environment first, then configuration, then the manifest of the workspace's
/// root, then the profile that it inherits from. `None` if that manifest can't be read.
pub fn codegen(root: &Path, configured: &Value, profile: &str) -> Option<Codegen> {
    let text = fs::read_to_string(root.join("Cargo.toml")).ok()?;
    let manifest: DocumentMut = text.parse().ok()?;
    let sources = Sources {
        manifest: &manifest,
        configured,
        variable: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
    };
    Some(sources.codegen(profile))
}

struct Sources<'a> {
    manifest: &'a DocumentMut,
    configured: &'a Value,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    fn codegen(&self, profile: &str) -> Codegen {
        let mut settings = Codegen::default();
        let mut name = Some(profile.to_owned());
        // A chain that turns back on itself is cargo's to refuse.
        for _ in 0..10 {
            let Some(profile) = name else { break };
            settings.lto = settings.lto.or_else(|| self.value(&profile, "lto").map(lto));
            settings.codegen_units = settings.codegen_units.or_else(|| {
                self.value(&profile, "codegen-units").and_then(|value| value.parse().ok())
            });
            name = self.value(&profile, "inherits").or_else(|| {
                let built_in = INHERITS.iter().find(|(name, _)| *name == profile);
                built_in.map(|(_, from)| (*from).to_owned())
            });
        }
        settings
    }

    fn value(&self, profile: &str, key: &str) -> Option<String> {
        let upper = |text: &str| text.to_uppercase().replace('-', "_");
        (self.variable)(&format!("CARGO_PROFILE_{}_{}", upper(profile), upper(key)))
            .or_else(|| configured(&self.configured[profile][key]))
            .or_else(|| written(self.manifest.get("profile")?.get(profile)?.get(key)?))
    }
}

fn configured(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn written(item: &Item) -> Option<String> {
    let text = item.as_str().map(str::to_owned);
    let truth = || item.as_bool().map(|truth| truth.to_string());
    text.or_else(truth).or_else(|| item.as_integer().map(|number| number.to_string()))
}

/// `true` is another name of `fat`.
fn lto(value: String) -> String {
    if value == "true" { "fat".to_owned() } else { value }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(
        manifest: &str,
        configured: &Value,
        profile: &str,
        variables: &[(&str, &str)],
    ) -> Codegen {
        let manifest = manifest.parse().unwrap();
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Sources { manifest: &manifest, configured, variable: &variable }.codegen(profile)
    }

    fn settings(lto: Option<&str>, codegen_units: Option<u64>) -> Codegen {
        Codegen { lto: lto.map(str::to_owned), codegen_units }
    }

    #[test]
    fn environment_configuration_and_manifest_are_asked_in_this_order() {
        let manifest = "[profile.release]\nlto = true\ncodegen-units = 4\n";
        let set = |configured, variables: &[_]| of(manifest, &configured, "release", variables);
        assert_eq!(set(Value::Null, &[]), settings(Some("fat"), Some(4)));
        let configured = json!({"release": {"lto": "thin", "codegen-units": 2}});
        assert_eq!(set(configured.clone(), &[]), settings(Some("thin"), Some(2)));
        let variables = [("CARGO_PROFILE_RELEASE_LTO", "off")];
        assert_eq!(set(configured, &variables), settings(Some("off"), Some(2)));
    }

    #[test]
    fn profiles_inherit() {
        let manifest = "[profile.release]\nlto = false\n[profile.max]\ninherits = \"release\"\n\
                        codegen-units = 1\n";
        assert_eq!(of(manifest, &Value::Null, "max", &[]), settings(Some("false"), Some(1)));
        assert_eq!(of(manifest, &Value::Null, "bench", &[]), settings(Some("false"), None));
        assert_eq!(of(manifest, &Value::Null, "dev", &[]), Codegen::default());
        let circle =
            "[profile.a]\ninherits = \"b\"\n[profile.b]\ninherits = \"a\"\nlto = \"thin\"\n";
        assert_eq!(of(circle, &Value::Null, "a", &[]), settings(Some("thin"), None));
    }

    #[test]
    fn a_root_without_a_manifest_has_no_settings() {
        assert_eq!(super::codegen(Path::new("/nonexistent"), &Value::Null, "release"), None);
    }
}
