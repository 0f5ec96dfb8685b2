//! The runtime in a manifest of the copy: one package for all, under the name that is there already.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::{DEPENDENCIES, Dependency, table};

/// The workspace's dependencies on the package `runtime`: by key, the features.
pub(super) fn inherited(root: &DocumentMut, runtime: &str) -> BTreeMap<String, Vec<String>> {
    let dependencies = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Item::as_table_like);
    let Some(dependencies) = dependencies else { return BTreeMap::new() };
    let ours = dependencies.iter().filter(|(key, item)| package(key, item) == runtime);
    ours.map(|(key, item)| (key.to_owned(), features(item))).collect()
}

/// Makes every dependency on another version of the runtime one on this, its name and features kept.
pub(super) fn redirect(
    root: &mut Table,
    runtime: &Dependency,
    inherited: &BTreeMap<String, Vec<String>>,
) {
    each_table(root, &mut |dependencies| {
        for (key, item) in dependencies.iter_mut() {
            let inherits = item.get("workspace").is_some();
            let ours = if inherits {
                inherited.contains_key(key.get())
            } else {
                package(key.get(), item) == runtime.name
            };
            if !ours {
                continue;
            }
            let mut all = features(item);
            all.extend(
                inherited.get(key.get()).filter(|_| inherits).into_iter().flatten().cloned(),
            );
            let mut entry = entry(key.get(), runtime, all);
            for kept in ["optional", "default-features"] {
                if let Some(kept_value) = item.get(kept).and_then(Item::as_value) {
                    entry.insert(kept, kept_value.clone().decorated(" ", ""));
                }
            }
            *item = value(entry);
        }
    });
}

/// Makes the runtime a dependency of this package that it has in every build, under this name.
pub(super) fn add(root: &mut Table, name: &str, runtime: &Dependency) {
    let mut was_optional = false;
    each_table(root, &mut |dependencies| {
        let Some(item) = dependencies.get_mut(name) else { return };
        let Some(table) = item.as_table_like_mut() else { return };
        was_optional |= table.remove("optional").is_some();
    });
    if was_optional {
        free_features(root, name);
    }
    let dependencies = root.entry("dependencies").or_insert_with(|| Item::Table(Table::new()));
    let Some(dependencies) = dependencies.as_table_like_mut() else { return };
    let mut all = dependencies.get(name).map(features).unwrap_or_default();
    all.extend(runtime.features.iter().cloned());
    dependencies.insert(name, value(entry(name, runtime, all)));
}

/// Features can only name optional dependencies: those that switched on one that no longer is
/// switch on what else they did.
fn free_features(root: &mut Table, name: &str) {
    let [explicit, weak] = [format!("dep:{name}"), format!("{name}?/")];
    let declared = table(root, "features").is_some_and(|features| features.contains_key(name));
    let mut is_explicit = false;
    if let Some(features) = table(root, "features") {
        for (_, list) in features.iter_mut() {
            let Some(list) = list.as_array_mut() else { continue };
            let mut kept = Array::new();
            for item in list.iter() {
                let Some(text) = item.as_str() else { continue };
                is_explicit |= text == explicit;
                if text == explicit {
                    continue;
                }
                kept.push(match text.strip_prefix(&weak) {
                    Some(feature) => format!("{name}/{feature}"),
                    None => text.to_owned(),
                });
            }
            *list = kept;
        }
    }
    if !declared && !is_explicit {
        // The feature that an optional dependency is without having been declared.
        let features = root.entry("features").or_insert_with(|| Item::Table(Table::new()));
        if let Some(features) = features.as_table_like_mut() {
            features.insert(name, value(Array::new()));
        }
    }
}

/// Every table of dependencies in a manifest, the workspace's own too.
fn each_table(root: &mut Table, visit: &mut dyn FnMut(&mut dyn TableLike)) {
    let mut of = |parent: &mut dyn TableLike| {
        for key in DEPENDENCIES {
            if let Some(dependencies) = table(parent, key) {
                visit(dependencies);
            }
        }
    };
    of(root);
    if let Some(targets) = table(root, "target") {
        for (_, target) in targets.iter_mut() {
            if let Some(target) = target.as_table_like_mut() {
                of(target);
            }
        }
    }
    if let Some(workspace) = table(root, "workspace") {
        of(workspace);
    }
}

fn entry(key: &str, runtime: &Dependency, mut features: Vec<String>) -> InlineTable {
    let mut entry = InlineTable::new();
    if key != runtime.name {
        entry.insert("package", Value::from(runtime.name.as_str()));
    }
    entry.insert("path", Value::from(runtime.path.to_string_lossy().into_owned()));
    features.sort();
    features.dedup();
    if !features.is_empty() {
        entry.insert("features", Value::Array(features.iter().collect()));
    }
    entry
}

/// The package that a dependency is on.
fn package<'i>(key: &'i str, item: &'i Item) -> &'i str {
    item.get("package").and_then(Item::as_str).unwrap_or(key)
}

fn features(item: &Item) -> Vec<String> {
    let list = item.get("features").and_then(Item::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
