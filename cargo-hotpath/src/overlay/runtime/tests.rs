use std::time::SystemTime;

use super::*;

/// What was written, with the times: to see what is written again.
fn times(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let names = present(root).unwrap();
    let time = |name: &PathBuf| fs::metadata(root.join(name)).unwrap().modified().unwrap();
    names.iter().map(|name| (name.clone(), time(name))).collect()
}

#[test]
fn all_packages_are_carried() {
    let packages: Vec<&str> = SOURCES.iter().map(|(package, _)| *package).collect();
    assert_eq!(packages, manifest::PACKAGES.map(|(package, _)| package));
    for (package, files) in SOURCES {
        assert!(files.iter().any(|(name, _)| *name == "lib.rs"), "{package} has no root");
        let test = files.iter().find(|(name, _)| name.ends_with("tests.rs"));
        assert!(test.is_none(), "{package} carries {test:?}");
    }
    let (_, runtime) = SOURCES[0];
    assert!(runtime.iter().any(|(name, _)| *name == "segment/layout.rs"));
}

#[test]
fn manifests_are_those_of_this_version() {
    for (package, text) in manifest::PACKAGES {
        let manifest: toml_edit::DocumentMut = text.parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(package));
        assert_eq!(manifest["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(manifest["package"]["rust-version"].as_str(), Some(RUST_VERSION));
    }
}

#[test]
fn lines_of_the_sources_stay() {
    let directory = tempfile::tempdir().unwrap();
    let package = install(directory.path()).unwrap();
    let text = fs::read_to_string(package.join("src/lib.rs")).unwrap();
    let (_, sources) = SOURCES[0];
    let (_, source) = sources.iter().find(|(name, _)| *name == "lib.rs").unwrap();
    assert_eq!(text.strip_prefix(SILENCE), Some(*source));
    assert!(!SILENCE.contains('\n'));
}

#[test]
fn only_what_differs_is_written_and_what_else_there_is_goes() {
    let directory = tempfile::tempdir().unwrap();
    let package = install(directory.path()).unwrap();
    let root = directory.path().join(DIRECTORY);
    let before = times(&root);

    fs::write(package.join("src/alloc.rs"), "another").unwrap();
    fs::create_dir_all(package.join("src/stale/deep")).unwrap();
    fs::write(package.join("src/stale/deep/old.rs"), "").unwrap();
    // Once a module in a directory, now one in a file.
    fs::remove_file(package.join("src/slab.rs")).unwrap();
    fs::create_dir(package.join("src/slab.rs")).unwrap();
    fs::write(package.join("src/slab.rs/mod.rs"), "").unwrap();

    assert_eq!(install(directory.path()).unwrap(), package);
    let mut after = times(&root);
    assert!(!package.join("src/stale").exists());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (name, text) in files() {
        assert_eq!(fs::read_to_string(root.join(&name)).unwrap(), text, "{}", name.display());
    }
    let rewritten = ["src/alloc.rs", "src/slab.rs"].map(|name| Path::new(PACKAGE).join(name));
    after.retain(|name, _| !rewritten.contains(name));
    for (name, time) in after {
        assert_eq!(before[&name], time, "{} was written again", name.display());
    }
}

#[cfg(unix)]
#[test]
fn what_links_lead_to_is_left_alone() {
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("mine");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("kept.rs"), "kept").unwrap();
    let data = directory.path().join("data");
    fs::create_dir_all(&data).unwrap();

    symlink(&other, data.join(DIRECTORY)).unwrap();
    let package = install(&data).unwrap();
    assert!(!fs::symlink_metadata(data.join(DIRECTORY)).unwrap().is_symlink());

    fs::remove_dir_all(package.join("src")).unwrap();
    symlink(&other, package.join("src")).unwrap();
    install(&data).unwrap();
    assert!(package.join("src/lib.rs").is_file());
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(other.join("kept.rs")).unwrap(), "kept");
}

#[test]
fn file_in_the_place_of_a_directory_above_is_named_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("target");
    fs::write(&file, "mine").unwrap();
    let error = install(&file.join("hotpath")).unwrap_err();
    assert!(matches!(&error, OverlayError::Write { .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn data_directory_may_be_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (real, data) = (directory.path().join("real"), directory.path().join("data"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &data).unwrap();
    install(&data).unwrap();
    assert!(fs::symlink_metadata(&data).unwrap().is_symlink());
    assert!(real.join(DIRECTORY).join(PACKAGE).join("src/lib.rs").is_file());
}

#[test]
fn what_the_runtime_needs_is_known_by_version() {
    let needs = needs();
    let names: Vec<&str> = needs.keys().map(String::as_str).collect();
    assert_eq!(names, ["futures-core", "libc", "proc-macro2", "quote", "syn"]);
    assert!(needs["syn"].major >= 2, "{}", needs["syn"]);
}
