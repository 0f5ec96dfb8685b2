use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::source::{Root, annotate};

/// A workspace on disk, and a place for its copy inside of its target directory.
struct Case {
    directory: tempfile::TempDir,
    members: Vec<(&'static str, String)>,
}

/// An attribute before every function.
fn edits(file: &Path) -> Option<Edits> {
    let text = fs::read_to_string(file).ok()?;
    let functions = annotate::bare_functions(&text).ok()?;
    let edit = |byte| Edit { range: byte..byte, text: "#[a] ".to_owned() };
    let list = functions.iter().map(|function| edit(function.insertion.byte)).collect();
    Some(Edits::new(&text, list))
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let members = vec![("Cargo.toml", "hotpath-runtime".to_owned())];
        let case = Self { directory: tempfile::tempdir().unwrap(), members };
        for (name, text) in files {
            case.write(name, text);
        }
        case
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("the workspace")
    }

    fn copy(&self) -> PathBuf {
        self.root().join("target/hotpath/overlay")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn try_sync(&self) -> Result<Synced, OverlayError> {
        self.sync_with(&edits).0
    }

    /// The same with these edits, and the time that it took once they were known.
    fn sync_with(
        &self,
        edits: &dyn Fn(&Path) -> Option<Edits>,
    ) -> (Result<Synced, OverlayError>, Duration) {
        let (from, to) = (self.root(), self.copy());
        let root = |file: &str| Root {
            package: "p".to_owned(),
            target: "p".to_owned(),
            edition: "2024".to_owned(),
            file: PathBuf::from(file),
            workspace_root: from.clone(),
            implicit: false,
        };
        let targets = Source::scan(&[root("src/lib.rs")]);
        let foreign = Source::scan(&[root("build.rs")]);
        let files = files_of(&targets, &foreign);
        let members = self.members.iter().map(|(m, name)| (from.join(m), name.clone())).collect();
        let edits = files.iter().filter_map(|file| Some((file.clone(), edits(file)?))).collect();
        let runtime = Dependency {
            name: "hotpath-runtime".to_owned(),
            path: PathBuf::from("/the/runtime"),
            features: vec!["enabled".to_owned()],
        };
        let recipe = Recipe {
            from: &from,
            to: &to,
            without: &[from.join("target")],
            needed: targets.files(),
            members: &members,
            runtime: &runtime,
            edits: &edits,
        };
        let start = Instant::now();
        (sync(&recipe), start.elapsed())
    }

    fn sync(&self) -> Synced {
        self.try_sync().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.copy().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.copy().join(name)).is_ok()
    }
}

const MANIFEST: &str = "[package]\nname = \"p\" # a comment\nversion = \"0.1.0\"\n";

#[test]
fn sources_are_annotated_and_the_rest_is_copied_as_it_is() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", "lock"),
        ("src/lib.rs", "mod a;\nfn f() {}\n"),
        ("src/a.rs", "pub fn g() {}"),
        ("src/data.rs", "fn not_a_module() {}"),
        ("build.rs", "fn main() {}"),
        ("assets/x.bin", "fn f() {}"),
    ]);
    let synced = case.sync();
    assert_eq!((synced.files, synced.written), (7, 7));
    assert_eq!(case.read("src/lib.rs"), "mod a;\n#[a] fn f() {}\n");
    assert_eq!(case.read("src/a.rs"), "#[a] pub fn g() {}");
    assert_eq!(case.read("src/data.rs"), "fn not_a_module() {}");
    assert_eq!(case.read("build.rs"), "fn main() {}");
    assert_eq!(case.read("Cargo.lock"), "lock");
    assert_eq!(
        case.read("Cargo.toml"),
        format!(
            "{MANIFEST}\n[workspace]\n\n[dependencies]\nhotpath-runtime = \
             {{ path = \"/the/runtime\", features = [\"enabled\"] }}\n"
        )
    );
}

#[test]
fn a_copy_that_was_left_half_done_is_done_again() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod z; fn f() {}"),
        ("src/z.rs", "fn g() {}"),
    ]);
    case.sync();
    // With other changes it gets as far as the second file.
    let half = |file: &Path| file.ends_with("z.rs").then(|| Edits::new("of another text", vec![]));
    assert!(matches!(case.sync_with(&half).0, Err(OverlayError::Changed { .. })));
    assert_eq!(case.read("src/lib.rs"), "mod z; fn f() {}");
    case.sync();
    assert_eq!(case.read("src/lib.rs"), "mod z; #[a] fn f() {}");
    assert_eq!(case.read("src/z.rs"), "#[a] fn g() {}");
    // Nor does what it brought stay when the workspace has it no more.
    for name in ["src/a.rs", "member/Cargo.toml"] {
        case.write(name, if name.ends_with("rs") { "" } else { MANIFEST });
        assert!(case.sync_with(&half).0.is_err());
        assert!(case.has(name));
        fs::remove_file(case.root().join(name)).unwrap();
        case.sync();
        assert!(!case.has(name), "{name}");
    }
}

#[test]
fn what_is_locked_in_too_old_a_version_for_the_runtime_is_raised() {
    let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let lock = format!(
        "version = 4\n\n[[package]]\nname = \"proc-macro2\"\nversion = \"1.0.9\"\n{source}\n"
    );
    let case = Case::new(&[("Cargo.toml", MANIFEST), ("Cargo.lock", &lock), ("src/lib.rs", "")]);
    case.sync();
    let needed = runtime::needs()["proc-macro2"].to_string();
    assert_eq!(case.read("Cargo.lock"), lock.replace("1.0.9", &needed));
    // What cargo adds to it stays while the user's is the same.
    std::fs::write(case.copy().join("Cargo.lock"), "settled").unwrap();
    case.sync();
    assert_eq!(case.read("Cargo.lock"), "settled");
}

#[test]
fn what_a_build_script_uses_too_is_not_annotated() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod shared; fn f() {}"),
        ("src/shared.rs", "fn g() {}"),
        ("build.rs", "#[path = \"src/shared.rs\"] mod shared; fn main() {}"),
    ]);
    case.sync();
    assert_eq!(case.read("src/lib.rs"), "mod shared; #[a] fn f() {}");
    assert_eq!(case.read("src/shared.rs"), "fn g() {}");
}

#[test]
fn only_what_changed_is_written() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod a; fn f() {}"),
        ("src/a.rs", "fn g() {}"),
        ("src/gone/x.txt", "x"),
    ]);
    assert_eq!(case.sync().written, 4);
    assert_eq!(case.sync(), Synced { files: 4, ..Synced::default() });
    sleep(Duration::from_millis(20));
    case.write("src/a.rs", "fn gg() {}");
    fs::remove_dir_all(case.root().join("src/gone")).unwrap();
    let synced = case.sync();
    assert_eq!((synced.written, synced.removed), (1, 1));
    assert_eq!(case.read("src/a.rs"), "#[a] fn gg() {}");
    assert!(!case.has("src/gone"));
}

#[test]
fn a_copy_that_lost_files_or_its_state_is_mended() {
    let case = Case::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", "fn f() {}")]);
    case.sync();
    fs::remove_file(case.copy().join("src/lib.rs")).unwrap();
    assert_eq!(case.sync().written, 1);
    fs::write(case.copy().join(".hotpath-overlay.json"), "{").unwrap();
    fs::write(case.copy().join("src/lib.rs"), "half").unwrap();
    assert_eq!(case.sync().written, 1);
    assert_eq!(case.read("src/lib.rs"), "#[a] fn f() {}");
}

#[test]
fn ignore_rules_hold_but_not_for_what_cargo_needs() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", "lock"),
        (".gitignore", "*.log\n/Cargo.lock\n/big\n"),
        ("src/lib.rs", "#[path = \"../generated/mod.rs\"] mod generated;"),
        ("x.log", ""),
        ("big/x", ""),
        (".hidden", ""),
        (".git/HEAD", ""),
        (".cargo/config.toml", ""),
        ("target/debug/x", ""),
        ("sub/target/CACHEDIR.TAG", ""),
        ("sub/target/x", ""),
        ("generated/.gitignore", "*"),
        ("generated/mod.rs", ""),
    ]);
    case.sync();
    for (name, expected) in [
        ("Cargo.lock", true),
        (".hidden", true),
        (".gitignore", true),
        ("x.log", false),
        ("big", false),
        ("generated/mod.rs", true),
        (".git", false),
        (".cargo", false),
        ("target", false),
        ("sub", false),
    ] {
        assert_eq!(case.has(name), expected, "{name}");
    }
}

#[test]
fn paths_that_leave_the_workspace_become_absolute() {
    let case = Case::new(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\nz = { path = \"../z\" }\n\
             b = { path = \"b\" }\n[patch.crates-io]\nq = { path = \"../q\", package = \"qq\" }\n\
             [replace]\n\"r:0.1.0\" = { path = \"../r\" }\n",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nbuild = \"../../build.rs\"\n[lib]\npath = \"../shared.rs\"\n\
             [dependencies]\nb = { path = \"../b\" }\nc.path = \"../../c\"\nd = \"1\"\n\
             ignored = { path = \"../ignored\" }\n\
             [dev-dependencies.e]\npath = \"../../e\"\n\
             [target.'cfg(unix)'.build-dependencies]\nf = { path = \"../../f\" }\n\
             [[bin]]\nname = \"x\"\npath = \"../../x.rs\"\n",
        ),
        ("b/Cargo.toml", MANIFEST),
        ("shared.rs", ""),
        ("data/Cargo.toml", "no manifest ["),
        ("ignored/Cargo.toml", MANIFEST),
        ("ignored/CACHEDIR.TAG", ""),
    ]);
    case.sync();
    let outside = fs::canonicalize(case.directory.path()).unwrap();
    let outside = outside.to_str().unwrap();
    let root = case.read("Cargo.toml").replace(case.directory.path().to_str().unwrap(), "@");
    let member = case.read("a/Cargo.toml").replace(case.directory.path().to_str().unwrap(), "@");
    assert!(!outside.is_empty());
    for expected in
        ["z = { path = \"@/z\" }", "b = { path = \"b\" }", "path = \"@/q\"", "path = \"@/r\""]
    {
        assert!(root.contains(expected), "{expected}: {root}");
    }
    for expected in [
        "build = \"@/build.rs\"",
        "path = \"../shared.rs\"",
        "b = { path = \"../b\" }",
        "c.path = \"@/c\"",
        "ignored = { path = \"@/the workspace/ignored\" }",
        "path = \"@/e\"",
        "f = { path = \"@/f\" }",
        "path = \"@/x.rs\"",
    ] {
        assert!(member.contains(expected), "{expected}: {member}");
    }
    assert_eq!(case.read("data/Cargo.toml"), "no manifest [");
}

#[cfg(unix)]
#[test]
fn links_never_lead_writes_into_the_users_tree() {
    use std::os::unix::fs::symlink;

    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "fn f() {}"),
        ("real.txt", "real"),
        ("../outside.txt", "outside"),
    ]);
    symlink("real.txt", case.root().join("inner")).unwrap();
    symlink("../outside.txt", case.root().join("outer")).unwrap();
    case.sync();
    assert_eq!(fs::read_link(case.copy().join("inner")).unwrap(), Path::new("real.txt"));
    assert_eq!(case.read("outer"), "outside");
    // A link that became a file, and a file that became a link.
    fs::remove_file(case.root().join("outer")).unwrap();
    case.write("outer", "mine");
    fs::remove_file(case.root().join("real.txt")).unwrap();
    symlink("src/lib.rs", case.root().join("real.txt")).unwrap();
    case.sync();
    assert_eq!(case.read("outer"), "mine");
    assert_eq!(fs::read_to_string(case.root().join("../outside.txt")).unwrap(), "outside");
    assert_eq!(case.read("real.txt"), "#[a] fn f() {}");
    assert_eq!(fs::read_to_string(case.root().join("src/lib.rs")).unwrap(), "fn f() {}");
}

#[test]
fn a_file_may_become_a_directory_and_back() {
    let case = Case::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("x", "file")]);
    case.sync();
    fs::remove_file(case.root().join("x")).unwrap();
    case.write("x/y", "inner");
    case.sync();
    assert_eq!(case.read("x/y"), "inner");
    fs::remove_dir_all(case.root().join("x")).unwrap();
    case.write("x", "file");
    case.sync();
    assert_eq!(case.read("x"), "file");
}

#[test]
fn a_broken_manifest_is_an_error_that_names_it() {
    let case = Case::new(&[("Cargo.toml", "[package"), ("src/lib.rs", "")]);
    let error = case.try_sync().unwrap_err().to_string();
    assert!(error.contains("Cargo.toml"), "{error}");
}

/// Manifest of the only package, in the copy.
fn adapted(name: &str, manifest: &str) -> String {
    let mut case = Case::new(&[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    case.members = vec![("Cargo.toml", name.to_owned())];
    case.sync();
    case.read("Cargo.toml")
}

const RUNTIME: &str = "path = \"/the/runtime\", features = [\"enabled\"]";

#[test]
fn another_version_of_the_runtime_gives_way_under_its_name() {
    for (name, dependency, expected) in [
        (
            "hotpath-runtime",
            "[dependencies]\nhotpath-runtime = \"0.0.1\" # old\n",
            format!("[dependencies]\nhotpath-runtime = {{ {RUNTIME} }}"),
        ),
        (
            "rt",
            "[dependencies.rt]\npackage = \"hotpath-runtime\"\ngit = \"x\"\nfeatures = [\"enabled\"]\n",
            format!("rt = {{ package = \"hotpath-runtime\", {RUNTIME} }}"),
        ),
        (
            "rt",
            "[dev-dependencies]\nrt = { package = \"hotpath-runtime\", version = \"1\" }\n",
            "[dev-dependencies]\nrt = { package = \"hotpath-runtime\", path = \"/the/runtime\" }"
                .to_owned(),
        ),
        (
            "rt",
            "[dependencies]\nrt.workspace = true\n[workspace.dependencies]\nrt = { package = \"hotpath-runtime\", version = \"1\", features = [\"reader\"] }\n",
            "rt = { package = \"hotpath-runtime\", path = \"/the/runtime\", features = [\"enabled\", \"reader\"] }"
                .to_owned(),
        ),
    ] {
        let text = adapted(name, &format!("{MANIFEST}{dependency}"));
        assert!(text.contains(&expected), "{expected}\n---\n{text}");
        assert_eq!(text.matches("enabled").count(), 1, "{text}");
        text.parse::<toml_edit::DocumentMut>().unwrap();
    }
}

#[test]
fn an_optional_runtime_is_one_no_longer() {
    let text = adapted(
        "hotpath-runtime",
        &format!(
            "{MANIFEST}[features]\nprofile = [\"dep:hotpath-runtime\", \"hotpath-runtime?/reader\", \"other\"]\nother = []\n\
             [dependencies]\nhotpath-runtime = {{ version = \"1\", optional = true }}\n"
        ),
    );
    assert!(text.contains("profile = [\"hotpath-runtime/reader\", \"other\"]"), "{text}");
    assert!(!text.contains("optional"), "{text}");
    let text = adapted(
        "hotpath-runtime",
        &format!(
            "{MANIFEST}[dependencies]\nhotpath-runtime = {{ version = \"1\", optional = true }}\n"
        ),
    );
    assert!(text.contains("[features]\nhotpath-runtime = []"), "{text}");
}

#[test]
fn members_outside_of_the_workspace_are_dropped() {
    let case = Case::new(&[(
        "Cargo.toml",
        "[workspace]\nmembers = [\"a\", \"../b\", \"c/../../d\", \"e/*\"]\ndefault-members = [\"../b\", \"a\"]\n",
    )]);
    let mut case = case;
    case.members.clear();
    case.sync();
    let text = case.read("Cargo.toml");
    assert!(text.contains("members = [\"a\", \"e/*\"]"), "{text}");
    assert!(
        text.contains("default-members = [\"a\"]") || text.contains("default-members = [ \"a\"]"),
        "{text}"
    );
}

#[test]
fn what_stands_above_the_copy_is_kept_and_named() {
    let case = Case::new(&[("Cargo.toml", "[package]\nname = \"p\"\n"), ("src/lib.rs", "")]);
    case.write("target/hotpath", "the user's");
    let error = case.try_sync().unwrap_err().to_string();
    assert!(error.contains("hotpath"), "{error}");
    assert_eq!(fs::read_to_string(case.root().join("target/hotpath")).unwrap(), "the user's");
}

#[cfg(unix)]
#[test]
fn the_place_of_the_copy_may_be_a_link() {
    let case = Case::new(&[("Cargo.toml", "[package]\nname = \"p\"\n"), ("src/lib.rs", "")]);
    let other = case.directory.path().join("elsewhere");
    fs::create_dir(&other).unwrap();
    case.write("target/hotpath/x", "");
    std::os::unix::fs::symlink(&other, case.copy()).unwrap();
    case.sync();
    assert!(case.copy().is_symlink());
    assert!(other.join("src/lib.rs").is_file());
}

/// What a run pays for the copy when nothing has changed. With the time, on
/// a machine that does nothing else:
/// `cargo test --release -p cargo-hotpath a_workspace_of_300_files -- --ignored --nocapture`
#[test]
#[ignore = "compares times: wants a quiet machine and optimised code"]
fn a_workspace_of_300_files_that_is_in_sync_costs_little() {
    let module = include_str!("../overlay.rs");
    let modules: Vec<String> = (0..300).map(|number| format!("mod m{number};")).collect();
    let case = Case::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", &modules.join("\n"))]);
    for number in 0..300 {
        case.write(&format!("src/m{number}.rs"), module);
    }
    assert_eq!(case.sync().written, 302);
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let (synced, time) = case.sync_with(&edits);
            assert_eq!(synced.unwrap(), Synced { files: 302, ..Synced::default() });
            time
        })
        .collect();
    times.sort();
    println!("302 files of {} lines, nothing to do: {:?}", module.lines().count(), times[4]);
    assert!(times[4] < Duration::from_millis(300), "{times:?}");
}
