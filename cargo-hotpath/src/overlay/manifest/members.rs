//! The workspace's members: those outside of its directory are used where they are.

use std::path::Path;

use toml_edit::{Array, DocumentMut};

use super::super::Recipe;
use super::table;
use crate::profile::path::normal;

/// Takes out of the workspace's lists what lies outside of its directory, where the copy has
/// nothing; absolute paths into it lead to the copy.
pub(super) fn keep_those_inside(document: &mut DocumentMut, recipe: &Recipe<'_>) {
    let Some(workspace) = table(document.as_table_mut(), "workspace") else { return };
    for key in ["members", "default-members", "exclude"] {
        let list = workspace.get_mut(key).and_then(toml_edit::Item::as_array_mut);
        if let Some(list) = list {
            rewrite(list, recipe);
        }
    }
}

fn rewrite(list: &mut Array, recipe: &Recipe<'_>) {
    list.retain(|path| {
        path.as_str().is_none_or(|path| normal(&recipe.from.join(path)).starts_with(recipe.from))
    });
    for path in list.iter_mut() {
        let Some(text) = path.as_str().filter(|text| Path::new(text).is_absolute()) else {
            continue;
        };
        let Ok(name) = Path::new(text).strip_prefix(recipe.from) else { continue };
        let text = recipe.to.join(name).to_string_lossy().into_owned();
        *path = toml_edit::Value::from(text).decorated(" ", "");
    }
}
