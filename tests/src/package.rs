//! A throw-away package beside the workspace, with the probes switched on.
//!
//! A package of its own, because the feature `enabled` would otherwise unify
//! over every member of the workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// One error or warning of the compiler.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// `error`, `warning` and so on.
    pub level: String,
    /// As a terminal would show it, without colour.
    pub rendered: String,
    /// The compiler's code or lint name; `None` for what a macro says.
    pub code: Option<String>,
    /// File of the primary span, relative to the package, where there is one.
    pub file: Option<String>,
}

/// A package that depends on the runtime with the feature `enabled`.
pub struct Package {
    root: PathBuf,
    target: PathBuf,
}

impl Package {
    /// Makes `<scratch>/<name>` a package of this edition, with the workspace's lock file so that
    /// nothing is fetched. Packages in one scratch directory share their build.
    ///
    /// # Errors
    ///
    /// The files can't be written.
    pub fn new(scratch: &Path, name: &str, edition: &str) -> io::Result<Self> {
        let root = scratch.join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(root.join("src"))?;
        let workspace = workspace();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\nautobins = true\n\n[workspace]\n\n\
             [dependencies]\nhotpath-runtime = {{ path = '{}', features = [\"enabled\"] }}\n",
            workspace.join("hotpath-runtime").display()
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock"))?;
        Ok(Self { root, target: scratch.join("target") })
    }

    /// Adds dependencies: lines of the manifest.
    ///
    /// # Errors
    ///
    /// The manifest can't be written.
    pub fn depend(&self, lines: &str) -> io::Result<()> {
        let path = self.root.join("Cargo.toml");
        fs::write(&path, fs::read_to_string(&path)? + lines)
    }

    /// Writes a file of the package.
    ///
    /// # Errors
    ///
    /// As [`fs::write`].
    pub fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.root.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    }

    /// Runs a cargo command that compiles, and returns what the compiler said of this package.
    ///
    /// # Errors
    ///
    /// Cargo can't be started, or failed before it compiled anything.
    pub fn cargo(&self, arguments: &[&str]) -> io::Result<Vec<Diagnostic>> {
        let output = self.command(arguments).arg("--message-format=json").output()?;
        let diagnostics = diagnostics(&output.stdout);
        if !output.status.success() && diagnostics.iter().all(|it| it.level != "error") {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(diagnostics)
    }

    /// Builds and runs one binary.
    ///
    /// # Errors
    ///
    /// Cargo can't be started.
    pub fn run(&self, binary: &str) -> io::Result<std::process::Output> {
        self.command(&["run", "--quiet", "--bin", binary])
            .env("CARGO_HOTPATH_SUMMARY", "0")
            .output()
    }

    /// Runs the tests of the package.
    ///
    /// # Errors
    ///
    /// Cargo can't be started.
    pub fn test(&self) -> io::Result<std::process::Output> {
        self.command(&["test", "--quiet"]).env("CARGO_HOTPATH_SUMMARY", "0").output()
    }

    /// A file of the package.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// A cargo command in the package, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(arguments)
            .arg("--offline")
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        // What was set for this workspace says nothing about the package.
        for name in
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_HOTPATH_DIR", "CARGO_BUILD_TARGET"]
        {
            command.env_remove(name);
        }
        command
    }
}

/// Root of the workspace under test.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// The files that errors lie in.
pub fn files_with_errors(diagnostics: &[Diagnostic]) -> BTreeSet<String> {
    let errors = diagnostics.iter().filter(|it| it.level == "error");
    errors.filter_map(|it| it.file.clone()).collect()
}

/// What the compiler said, from cargo's messages.
pub fn diagnostics(messages: &[u8]) -> Vec<Diagnostic> {
    String::from_utf8_lossy(messages).lines().filter_map(diagnostic).collect()
}

fn diagnostic(line: &str) -> Option<Diagnostic> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-message" {
        return None;
    }
    let message = &message["message"];
    let spans = message["spans"].as_array()?;
    let primary = spans.iter().find(|span| span["is_primary"] == true);
    Some(Diagnostic {
        level: message["level"].as_str()?.to_owned(),
        rendered: message["rendered"].as_str()?.to_owned(),
        code: message["code"]["code"].as_str().map(str::to_owned),
        file: primary.and_then(outermost).map(str::to_owned),
    })
}

/// The file in this package: an error inside a macro of another crate lies where that is called.
fn outermost(span: &serde_json::Value) -> Option<&str> {
    match &span["expansion"]["span"] {
        serde_json::Value::Null => span["file_name"].as_str(),
        outer => outermost(outer),
    }
}
