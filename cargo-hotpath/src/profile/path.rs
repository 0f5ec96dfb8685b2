//! Names of source files as data carries them: relative to the workspace root, with `/`.

use std::path::{Component, Path, PathBuf};

/// `file` relative to `workspace_root` where it lies below it, absolute outside of it; `.` and
/// `..` resolved by name only, so that `src/a/../b.rs` and `src/b.rs` are the same file.
///
/// A relative `file` is taken to be relative to the workspace root, where cargo starts rustc.
pub fn relative(workspace_root: &Path, file: &Path) -> String {
    let root = normal(workspace_root);
    let whole = normal(&root.join(file));
    let shown = whole.strip_prefix(&root).unwrap_or(&whole);
    slashed(shown)
}

/// Resolves `.` and `..` without asking the file system.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    out
}

fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> String {
        relative(Path::new("/work/space"), Path::new(file))
    }

    #[test]
    fn files_below_the_root_lose_it() {
        assert_eq!(of("/work/space/src/lib.rs"), "src/lib.rs");
        assert_eq!(of("src/lib.rs"), "src/lib.rs");
        assert_eq!(of("./src/./lib.rs"), "src/lib.rs");
        assert_eq!(of("src/a/../lib.rs"), "src/lib.rs");
        assert_eq!(of("member/../src/lib.rs"), "src/lib.rs");
    }

    #[test]
    fn files_outside_stay_absolute() {
        assert_eq!(of("/elsewhere/lib.rs"), "/elsewhere/lib.rs");
        assert_eq!(of("../sibling/lib.rs"), "/work/sibling/lib.rs");
        assert_eq!(of("/work/spaces/lib.rs"), "/work/spaces/lib.rs");
    }

    #[test]
    fn parents_of_the_file_system_root_are_the_root() {
        assert_eq!(normal(Path::new("/../a")), PathBuf::from("/a"));
        assert_eq!(normal(Path::new("../a")), PathBuf::from("../a"));
    }
}
