//! Where the file of a `mod` declaration lies.

use std::path::{Path, PathBuf};

use syn::ItemMod;

use super::annotation::{self, Paths};

/// Directories that `mod` declarations at some place in a file are looked up in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where `mod name;` has `name.rs`.
    children: PathBuf,
    /// What `#[path]` is relative to.
    paths: PathBuf,
}

impl Place {
    /// The top level of a file; `owns_directory` for crate roots, `mod.rs` and files named by
    /// `#[path]`, whose modules lie beside them.
    pub(super) fn of_file(file: &Path, owns_directory: bool) -> Self {
        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
        let children = match file.file_stem() {
            Some(stem) if !owns_directory => directory.join(stem),
            _ => directory.clone(),
        };
        Self { children, paths: directory }
    }

    /// The inside of an inline module.
    pub(super) fn inside(&self, module: &ItemMod) -> Self {
        let directory = match annotation::paths(&module.attrs).plain {
            Some(path) => self.paths.join(path),
            None => self.children.join(name(module)),
        };
        Self { children: directory.clone(), paths: directory }
    }

    /// The files that `mod name;` may mean, those that exist; each with whether it owns its
    /// directory.
    pub(super) fn files(&self, module: &ItemMod) -> Vec<(PathBuf, bool)> {
        let Paths { plain, conditional } = annotation::paths(&module.attrs);
        if let Some(path) = plain {
            return vec![(self.paths.join(path), true)];
        }
        let name = name(module);
        let named = conditional.into_iter().map(|path| (self.paths.join(path), true));
        let default = [
            (self.children.join(format!("{name}.rs")), false),
            (self.children.join(&name).join("mod.rs"), true),
        ];
        named.chain(default).filter(|(file, _)| file.is_file()).collect()
    }
}

/// Whether a text may hold `mod name;`: parsing costs a hundred times as much as this.
pub(super) fn may_declare(text: &str) -> bool {
    text.match_indices("mod").any(|(at, _)| {
        let rest = &text[at + "mod".len()..];
        let name = rest.trim_start();
        let after = name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '#');
        // A comment may stand between any two tokens.
        name.len() < rest.len() && after.len() < name.len() && after.trim_start().starts_with(';')
            || name.starts_with("//")
            || name.starts_with("/*")
            || after.trim_start().starts_with("/*")
    })
}

/// Name of a module without `r#`.
pub(super) fn name(module: &ItemMod) -> String {
    use syn::ext::IdentExt;
    module.ident.unraw().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_never_overlooked() {
        for text in ["mod a;", "pub mod r#a ;", "mod\n a\n;", "mod /* x */ a;", "mod a /* x */;"] {
            assert!(may_declare(text), "{text}");
        }
        for text in ["mod a { }", "modest;", "// this modifies a; b", "x %= modulo;"] {
            assert!(!may_declare(text), "{text}");
        }
    }
}
