use std::fs;
use std::thread::sleep;
use std::time::Duration;

use super::*;
use crate::source::Root;

/// A workspace on disk, and a place for its copy inside of its target directory.
struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let case = Self { directory: tempfile::tempdir().unwrap() };
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

    fn sync_with(&self, choice: Option<Choice<'_>>) -> Result<Synced, OverlayError> {
        let (from, to) = (self.root(), self.copy());
        let root = |file: &str| Root {
            package: "p".to_owned(),
            target: "p".to_owned(),
            edition: "2024".to_owned(),
            file: PathBuf::from(file),
            workspace_root: from.clone(),
        };
        let targets = Source::scan(&[root("src/lib.rs")]);
        let foreign = Source::scan(&[root("build.rs")]);
        sync(&Recipe {
            from: &from,
            to: &to,
            without: &[from.join("target")],
            members: &[from.join("Cargo.toml")],
            runtime: &Dependency {
                name: "hotpath-runtime".to_owned(),
                path: PathBuf::from("/the/runtime"),
                features: vec!["enabled".to_owned()],
            },
            annotated: &files_of(&targets, &foreign),
            attribute: "#[a]",
            choice,
        })
    }

    fn sync(&self) -> Synced {
        self.sync_with(None).unwrap()
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
    assert_eq!((synced.files, synced.written, synced.functions), (7, 7, 2));
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
    assert_eq!((synced.written, synced.removed, synced.functions), (1, 1, 1));
    assert_eq!(case.read("src/a.rs"), "#[a] fn gg() {}");
    assert!(!case.has("src/gone"));
}

#[test]
fn another_choice_makes_the_copy_anew_but_leaves_what_stays_the_same() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod a; fn f() {}"),
        ("src/a.rs", "fn g() {}"),
    ]);
    case.sync();
    let only_g = |_: &Path, function: &Bare| function.path == "g";
    let synced = case.sync_with(Some(Choice { name: "g", takes: &only_g })).unwrap();
    assert_eq!((synced.written, synced.functions), (1, 1));
    assert_eq!(case.read("src/lib.rs"), "mod a; fn f() {}");
    assert_eq!(case.read("src/a.rs"), "#[a] fn g() {}");
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
        ("src/lib.rs", ""),
        ("x.log", ""),
        ("big/x", ""),
        (".hidden", ""),
        (".git/HEAD", ""),
        (".cargo/config.toml", ""),
        ("target/debug/x", ""),
        ("sub/target/CACHEDIR.TAG", ""),
        ("sub/target/x", ""),
    ]);
    case.sync();
    for (name, expected) in [
        ("Cargo.lock", true),
        (".hidden", true),
        (".gitignore", true),
        ("x.log", false),
        ("big", false),
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
fn what_cannot_be_parsed_is_copied_and_said() {
    let case = Case::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod a; fn f() {}"),
        ("src/a.rs", "fn g() {}\nfn ("),
    ]);
    let synced = case.sync();
    assert_eq!(case.read("src/a.rs"), "fn g() {}\nfn (");
    let [note] = synced.notes.as_slice() else { panic!("{:?}", synced.notes) };
    assert!(note.starts_with("src/a.rs:2: not instrumented"), "{note}");
}

#[test]
fn a_broken_manifest_is_an_error_that_names_it() {
    let case = Case::new(&[("Cargo.toml", "[package"), ("src/lib.rs", "")]);
    let error = case.sync_with(None).unwrap_err().to_string();
    assert!(error.contains("Cargo.toml"), "{error}");
}
