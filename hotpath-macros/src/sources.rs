//! The sources that the command line carries: found here, so that nobody keeps a list of them.
//!
//! The compiler notes every file that `include_str!` names, and a new one comes with a `mod` in one
//! of those: a build never holds an old state.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use proc_macro::TokenStream;

/// `&[("package", &[("path", include_str!("/whole/path")), ..]), ..]`.
pub(crate) fn expand() -> TokenStream {
    let code = text().unwrap_or_else(|error| {
        let message = format!("can't list the sources of the runtime: {error}");
        format!("::core::compile_error!({message:?})")
    });
    code.parse().unwrap_or_default()
}

fn text() -> io::Result<String> {
    // Cargo says it of the package that is being built: the runtime.
    let runtime = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let packages = [
        ("hotpath-runtime", runtime.as_str()),
        ("hotpath-runtime-macros", env!("CARGO_MANIFEST_DIR")),
        ("hotpath-runtime-syntax", hotpath_runtime_syntax::DIRECTORY),
    ];
    let mut text = String::from("&[");
    for (package, directory) in packages {
        let root = Path::new(directory).join("src");
        // Writing into a `String` can't fail.
        let _ = write!(text, "({package:?}, &[");
        for path in files(&root)? {
            let name = path.strip_prefix(&root).map_err(io::Error::other)?;
            let name = spelled(name)?.replace('\\', "/");
            let _ = write!(text, "({name:?}, ::core::include_str!({:?})),", spelled(&path)?);
        }
        text.push_str("]),");
    }
    text.push(']');
    Ok(text)
}

/// The Rust files below a directory, in one order everywhere, without those that only tests reach.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", directory.display()))
        })?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with('.') {
                // What editors keep beside a file.
                continue;
            }
            if path.is_dir() && name != "tests" {
                directories.push(path);
            } else if path.extension() == Some("rs".as_ref())
                && name != "tests.rs"
                && name != "testing.rs"
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn spelled(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::Error::other(format!("the path {} is no UTF-8", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_files_in_order_without_tests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let found = files(&root).unwrap();
        let names: Vec<&str> =
            found.iter().filter_map(|path| path.strip_prefix(&root).ok()?.to_str()).collect();
        assert!(names.contains(&"lib.rs") && names.contains(&"sources.rs"), "{names:?}");
        let below = Path::new("expand").join("mod.rs");
        assert!(names.contains(&below.to_str().unwrap()), "{names:?}");
        let tests = root.join("expand/tests.rs");
        assert!(tests.is_file() && !found.contains(&tests));
        assert!(found.is_sorted());
    }

    #[test]
    fn missing_directory_is_named() {
        let error = files(Path::new("/nowhere/src")).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }
}
