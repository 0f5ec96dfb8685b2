//! Where the workspace lies in its checkout: CI systems name files from the checkout's root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What goes before a path that is relative to the workspace: empty, or with `/` at its end.
///
/// The root is what GitHub's workflows check out to, else the next directory up that git works in.
pub fn prefix(workspace: &Path) -> String {
    below(workspace, std::env::var_os("GITHUB_WORKSPACE").as_deref())
}

fn below(workspace: &Path, github: Option<&OsStr>) -> String {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let workspace = real(workspace);
    let github = github.filter(|path| !path.is_empty()).map(|path| real(Path::new(path)));
    let github = github.filter(|root| workspace.starts_with(root));
    let git = || workspace.ancestors().find(|dir| dir.join(".git").exists()).map(PathBuf::from);
    let root = github.or_else(git);
    let path = root.and_then(|root| workspace.strip_prefix(root).ok().map(PathBuf::from));
    let mut prefix = String::new();
    for name in path.iter().flat_map(|path| path.iter()) {
        prefix.push_str(&name.to_string_lossy());
        prefix.push('/');
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_githubs_or_gits() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repository");
        let workspace = root.join("a b/backend");
        std::fs::create_dir_all(&workspace).unwrap();
        assert_eq!(below(&workspace, Some(root.as_os_str())), "a b/backend/");
        assert_eq!(below(&workspace, Some(workspace.as_os_str())), "");
        std::fs::create_dir(root.join(".git")).unwrap();
        for none in [None, Some(OsStr::new("")), Some(OsStr::new("/elsewhere"))] {
            assert_eq!(below(&workspace, none), "a b/backend/", "{none:?}");
        }
        // A checkout in a directory of the checkout: GitHub names files from its own.
        assert_eq!(below(&workspace, Some(dir.path().as_os_str())), "repository/a b/backend/");
        // As a worktree or a submodule has it.
        std::fs::write(workspace.join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(below(&workspace, None), "");
    }
}
