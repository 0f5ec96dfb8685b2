//! The copy's lock file: what the runtime needs in a newer version than the user has locked is raised.

use std::collections::BTreeMap;

use cargo_metadata::semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, Table, TableLike};

/// The lock file with the needed packages raised to the oldest version that will do, and nothing else
/// changed; `None` where it will do as it is, or isn't understood: cargo then says what is wrong.
///
/// Cargo by itself would not: dependencies of a package that is no member count as settled by the
/// lock file, so that it finds a conflict instead.
pub(super) fn raised(text: &str, needed: &BTreeMap<String, Version>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut raised: Vec<(String, String, String)> = Vec::new();
    for package in packages(&mut document) {
        let Some((name, locked)) = from_registry(package) else { continue };
        let Some(wanted) = needed.get(&name) else { continue };
        if locked >= *wanted || !is_compatible(&locked, wanted) {
            continue;
        }
        let wanted = wanted.to_string();
        package.insert("version", toml_edit::value(&wanted));
        // Of the other version; cargo puts it in.
        package.remove("checksum");
        raised.push((name, locked.to_string(), wanted));
    }
    for (name, locked, wanted) in &raised {
        rename(&mut document, name, locked, wanted);
    }
    (!raised.is_empty()).then(|| document.to_string())
}

/// Whether a lock file has a package of the registry, in a version that will do.
pub fn is_locked(text: &str, name: &str, wanted: &VersionReq) -> bool {
    let Ok(mut document) = text.parse::<DocumentMut>() else { return false };
    let mut locked = packages(&mut document).filter_map(|package| from_registry(package));
    locked.any(|(locked, version)| locked == name && wanted.matches(&version))
}

fn packages(document: &mut DocumentMut) -> impl Iterator<Item = &mut Table> {
    let packages = document.get_mut("package").and_then(Item::as_array_of_tables_mut);
    packages.into_iter().flat_map(|packages| packages.iter_mut())
}

/// Name and version of a package that cargo may take another version of.
fn from_registry(package: &Table) -> Option<(String, Version)> {
    let text = |key: &str| package.get(key).and_then(Item::as_str);
    let source = text("source")?;
    if !source.starts_with("registry+") && !source.starts_with("sparse+") {
        return None;
    }
    Some((text("name")?.to_owned(), text("version")?.parse().ok()?))
}

/// Whether cargo has only one of the two in a build.
fn is_compatible(locked: &Version, wanted: &Version) -> bool {
    let range = VersionReq::parse(&format!("^{locked}"));
    range.is_ok_and(|range| range.matches(wanted))
}

/// Says the other version wherever the package is named with its version: `name 1.0.0`, and with
/// its source after that; old lock files keep checksums in a table of their own.
fn rename(document: &mut DocumentMut, name: &str, locked: &str, wanted: &str) {
    let start = format!("{name} {locked}");
    let renamed = |text: &str| {
        let rest = text.strip_prefix(&start)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| format!("{name} {wanted}{rest}"))
    };
    for package in packages(document) {
        let list = package.get_mut("dependencies").and_then(Item::as_array_mut);
        for dependency in list.into_iter().flat_map(toml_edit::Array::iter_mut) {
            if let Some(text) = dependency.as_str().and_then(renamed) {
                let decor = dependency.decor().clone();
                *dependency = text.into();
                *dependency.decor_mut() = decor;
            }
        }
    }
    let checksum = format!("checksum {start} ");
    if let Some(metadata) = document.get_mut("metadata").and_then(Item::as_table_mut) {
        let keys = metadata.iter().map(|(key, _)| key.to_owned());
        let of_it: Vec<String> = keys.filter(|key| key.starts_with(&checksum)).collect();
        for key in of_it {
            TableLike::remove(metadata, &key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(text: &str) -> Option<String> {
        let needed = [("libc", "0.2.180"), ("quote", "1.0.47"), ("syn", "3.0.9")];
        let needed = needed.map(|(name, version)| (name.to_owned(), version.parse().unwrap()));
        raised(text, &BTreeMap::from(needed))
    }

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, rest: &str) -> String {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\n{rest}\n"
        )
    }

    #[test]
    fn what_is_too_old_for_the_runtime_is_raised_and_nothing_else() {
        let rest =
            package("serde", "1.0.2", "dependencies = [\n \"libc 0.2.16\",\n \"quote\",\n]\n")
                + &package("syn", "2.0.1", "checksum = \"cc\"\n");
        let before = format!(
            "version = 3\n\n{}{}{rest}",
            package("libc", "0.2.16", "checksum = \"aa\"\n"),
            package("quote", "1.0.47", "checksum = \"bb\"\n"),
        );
        let after = raise(&before).unwrap();
        let expected = format!(
            "version = 3\n\n{}{}{}",
            package("libc", "0.2.180", ""),
            package("quote", "1.0.47", "checksum = \"bb\"\n"),
            rest.replace("libc 0.2.16", "libc 0.2.180"),
        );
        assert_eq!(after, expected);
        assert_eq!(raise(&after), None, "once is enough");
    }

    #[test]
    fn newer_versions_and_those_of_another_source_stay() {
        assert_eq!(raise(&package("libc", "0.2.190", "")), None);
        assert_eq!(raise(&package("libc", "0.1.12", "")), None, "both can be in a build");
        assert_eq!(raise("[[package]]\nname = \"libc\"\nversion = \"0.2.16\"\n"), None, "by path");
        assert_eq!(raise("<<<<<<< conflict"), None);
    }

    #[test]
    fn lock_files_of_the_first_format_are_raised_too() {
        let source = |version: &str| format!("libc {version} ({REGISTRY})");
        let before = package("libc", "0.2.16", "")
            + &package("a", "1.0.0", &format!("dependencies = [\"{}\"]\n", source("0.2.16")))
            + &format!("[metadata]\n\"checksum {}\" = \"aa\"\n", source("0.2.16"));
        let after = raise(&before).unwrap();
        assert!(after.contains(&format!("\"{}\"", source("0.2.180"))), "{after}");
        assert!(!after.contains("0.2.16 ") && !after.contains("checksum"), "{after}");
    }
}
