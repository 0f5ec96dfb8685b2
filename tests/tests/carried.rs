//! The runtime that the command line carries is the repository's, and builds wherever it is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use cargo_hotpath::overlay::runtime;
use hotpath_runtime::segment::reader::{self, Node};
use hotpath_tests::binary;
use hotpath_tests::carried::{Program, cargo, metadata};
use serde_json::{Value, json};

/// Packages that are published, each before those that depend on it.
const PACKAGES: [&str; 4] =
    ["hotpath-runtime-syntax", "hotpath-runtime-macros", "hotpath-runtime", "cargo-hotpath"];

/// An empty directory, under a path with spaces.
fn empty(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("carried by the tool").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("the last run's files go");
    }
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// What a package declares that its users see, by name.
fn declared(metadata: &Value) -> BTreeMap<String, Value> {
    let packages = metadata["packages"].as_array().expect("packages");
    let named = packages.iter().filter_map(|package| {
        let name = package["name"].as_str().expect("a name");
        PACKAGES[..3].contains(&name).then(|| (name.to_owned(), facts(package)))
    });
    named.collect()
}

fn facts(package: &Value) -> Value {
    let mut facts = BTreeMap::new();
    for key in ["version", "edition", "rust_version", "license", "links", "features"] {
        facts.insert(key, package[key].clone());
    }
    let mut dependencies: Vec<Value> = package["dependencies"]
        .as_array()
        .expect("dependencies")
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .cloned()
        .collect();
    for dependency in &mut dependencies {
        // Where it lies is what differs.
        dependency.as_object_mut().expect("a table").remove("path");
    }
    dependencies.sort_by_key(|dependency| dependency["name"].to_string());
    facts.insert("dependencies", Value::Array(dependencies));
    let targets = package["targets"].as_array().expect("targets");
    let built = targets.iter().filter(|target| {
        !["test", "bench", "example"].iter().any(|kind| target["kind"][0] == *kind)
    });
    let built = built.map(|target| json!([target["name"], target["kind"], target["crate_types"]]));
    facts.insert("targets", built.collect());
    json!(facts)
}

#[test]
fn manifests_declare_what_those_of_the_repository_do() {
    let package = runtime::install(&empty("manifests")).expect("the runtime is written");
    let written = declared(&metadata(package.parent().expect("a workspace")));
    let own = declared(&metadata(binary::repository()));
    assert_eq!(own.len(), 3, "{:?}", own.keys());
    for (name, facts) in &own {
        assert_eq!(written.get(name), Some(facts), "{name}");
    }
}

/// The node of `weigh`, of the only segment in a directory.
fn measured(segments: &Path) -> Node {
    let files: Vec<PathBuf> =
        fs::read_dir(segments).expect("segments").map(|it| it.expect("an entry").path()).collect();
    let [file] = &files[..] else { panic!("not one segment: {files:?}") };
    let bytes = fs::read(file).expect("the segment is readable");
    let segment = reader::read(&bytes, None).expect("a segment");
    let index = segment.functions.iter().position(|function| function.name == "weigh");
    let mut nodes = segment.slabs.into_iter().flat_map(|slab| slab.nodes);
    nodes.find(|node| node.function == index).expect("the function was called")
}

/// Builds and runs a program against an installed runtime.
fn program_is_measured(directory: &Path, runtime: &Path) {
    let program = Program::new(&directory.join("a program"), runtime).expect("a program");
    let segments = directory.join("segments");
    let output = program.run(&segments).expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let node = measured(&segments);
    assert_eq!((node.calls, node.allocs.count, node.allocs.bytes), (3, 3, 6));
}

#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn program_is_built_against_what_was_written() {
    let directory = empty("program");
    // Around it a workspace that knows nothing of it.
    fs::write(directory.join("Cargo.toml"), "[workspace]\n").expect("a manifest is written");
    let runtime = runtime::install(&directory.join("data dir")).expect("the runtime is written");
    program_is_measured(&directory, &runtime);
}

/// The program of the packaged test: what `cargo hotpath` does with what it carries.
const INSTALLER: &str = "\
fn main() {
    let to = std::env::args_os().nth(1).expect(\"a directory\");
    let runtime = cargo_hotpath::overlay::runtime::install(to.as_ref());
    print!(\"{}\", runtime.expect(\"the runtime is written\").display());
}
";

/// Packs the published packages, and unpacks them into `to`.
fn unpack(to: &Path) {
    let packed = to.join("packed");
    let mut package = cargo(binary::repository());
    package.args(["package", "--no-verify", "--allow-dirty", "--offline", "--target-dir"]);
    package.arg(&packed).args(PACKAGES.iter().flat_map(|name| ["--package", name]));
    let status = package.status().expect("cargo starts");
    assert!(status.success(), "cargo package: {status}");
    for entry in fs::read_dir(packed.join("package")).expect("packages") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "crate") {
            let status = Command::new("tar").arg("-xzf").arg(path).current_dir(to).status();
            assert!(status.expect("tar starts").success());
        }
    }
    fs::remove_dir_all(packed).expect("the packages go");
}

/// A workspace of the unpacked packages alone, and a program that uses the command line's library.
fn workspace_of_packages(root: &Path) {
    let version = env!("CARGO_PKG_VERSION");
    let mut manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"cargo-hotpath-{version}\", \"installer\"]\n\n[patch.crates-io]\n"
    );
    for name in PACKAGES {
        let _ = writeln!(manifest, "{name} = {{ path = \"{name}-{version}\" }}");
    }
    fs::write(root.join("Cargo.toml"), manifest).expect("a manifest is written");
    let lock = binary::repository().join("Cargo.lock");
    fs::copy(lock, root.join("Cargo.lock")).expect("a lock file");
    let installer = root.join("installer");
    fs::create_dir_all(installer.join("src")).expect("a directory");
    let manifest = format!(
        "[package]\nname = \"installer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ncargo-hotpath = \"={version}\"\n"
    );
    fs::write(installer.join("Cargo.toml"), manifest).expect("a manifest is written");
    fs::write(installer.join("src/main.rs"), INSTALLER).expect("a source is written");
}

fn built(root: &Path, binary: &str) -> PathBuf {
    root.join("target/debug").join(format!("{binary}{}", env::consts::EXE_SUFFIX))
}

#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
#[ignore = "packs all packages and builds the command line from them: minutes"]
fn packages_carry_a_runtime_that_builds() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    let root = elsewhere.path().canonicalize().expect("a path");
    unpack(&root);
    workspace_of_packages(&root);
    let status = cargo(&root).args(["build", "--offline"]).status().expect("cargo starts");
    assert!(status.success(), "cargo build: {status}");

    let repository = binary::repository().to_str().expect("the repository's path is UTF-8");
    for name in ["cargo-hotpath", "installer"] {
        let bytes = fs::read(built(&root, name)).expect("cargo built it");
        let is_named = bytes.windows(repository.len()).any(|at| at == repository.as_bytes());
        assert!(!is_named, "{name} knows of {repository}");
    }
    let data = root.join("data dir");
    let output =
        Command::new(built(&root, "installer")).arg(&data).output().expect("the installer starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let runtime = String::from_utf8(output.stdout).expect("a path");
    program_is_measured(&root.join("use"), Path::new(&runtime));
}
