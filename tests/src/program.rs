//! Published programs with a workload: built and run as their users do, and by `run --auto`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fs, io};

use crate::binary;
use crate::hotpath::Hotpath;
use crate::published::Published;

/// Both builds have these, so that they share their dependencies and a profiler can tell functions
/// apart. The profile is cargo's own, whatever the package chose: some would link for minutes.
const SHARED_SETTINGS: [(&str, &str); 7] = [
    ("RUSTFLAGS", "--cap-lints=allow -Cforce-frame-pointers=yes"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "1"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
    ("CARGO_PROFILE_RELEASE_LTO", "false"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_PANIC", "unwind"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
];

/// A program, or a library with a program of ours that uses it.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Where it comes from.
    pub published: Published,
    /// What is run.
    pub workload: Workload,
    /// Its arguments; `{md}` and so on are files of [`Inputs`].
    pub args: &'static [&'static str],
    /// Whether all its work is on one thread.
    pub single: bool,
}

/// What is run of a package.
#[derive(Clone, Copy, Debug)]
pub enum Workload {
    /// The binary of this name.
    Bin(&'static str),
    /// The example of this name.
    Example(&'static str),
    /// A `main.rs` of ours, in a workspace with the library.
    Main(&'static str),
}

/// Files for programs to read, the same in every run: made of this repository's sources.
#[derive(Debug)]
pub struct Inputs(PathBuf);

impl Inputs {
    /// Writes those that these programs read to a directory.
    ///
    /// # Errors
    ///
    /// They can't be written.
    pub fn new(directory: &Path, programs: &[Program]) -> io::Result<Self> {
        let arguments = || programs.iter().flat_map(|program| program.args);
        let is_read = |name: &str| arguments().any(|argument| argument.contains(name));
        fs::create_dir_all(directory)?;
        let repository = binary::repository();
        let fixture = |name: &str| fs::read_to_string(repository.join(name));
        let rust = fixture("tests/src/report.rs")?;
        let text = fixture("LICENSE-APACHE")?;
        fs::write(directory.join("input.rs"), rust.repeat(200))?;
        let mut markdown = String::new();
        for (number, part) in text.split("\n\n").enumerate() {
            let words: Vec<&str> = part.split_whitespace().collect();
            let heading = format!("## Part *{number}*\n\n");
            let item = format!("\n\n- `{number}` [a](b)\n- **c** _d_\n");
            let table = "\n| a | b |\n|---|---|\n| 1 | 2 |\n\n";
            markdown.extend([&heading, &words.join(" "), &item, table]);
        }
        fs::write(directory.join("input.md"), markdown.repeat(150))?;
        fs::write(directory.join("input.bin"), text.repeat(300))?;
        let row = |number: usize| {
            format!("{number},name {number},\"a \"\"b\"\" {number}\",{}\n", number * 7)
        };
        fs::write(directory.join("input.csv"), (0..100_000).map(row).collect::<String>())?;
        let tree = directory.join("tree");
        for folder in 0..if is_read("{tree}") { 40 } else { 0 } {
            let folder = tree.join(format!("folder{folder}"));
            fs::create_dir_all(&folder)?;
            for file in 0..25 {
                fs::write(folder.join(format!("file{file}.rs")), rust.repeat(10))?;
            }
        }
        let many = directory.join("many");
        for folder in 0..if is_read("{many}") { 200 } else { 0 } {
            let folder = many.join(format!("folder{folder}"));
            fs::create_dir_all(&folder)?;
            for file in 0..200 {
                fs::write(folder.join(format!("file{file}.rs")), "")?;
            }
        }
        Ok(Self(directory.to_owned()))
    }

    /// An argument with the names of files in the place of `{rs}`, `{md}`, `{bin}`, `{csv}`, and of
    /// directories in the place of `{tree}` (large files) and `{many}` (empty ones).
    fn fill(&self, argument: &str) -> String {
        let path = |name: &str| self.0.join(name).display().to_string();
        let mut filled = argument.replace("{tree}", &path("tree"));
        filled = filled.replace("{many}", &path("many"));
        for kind in ["rs", "md", "bin", "csv"] {
            filled = filled.replace(&format!("{{{kind}}}"), &path(&format!("input.{kind}")));
        }
        filled
    }
}

/// A program with its sources unpacked.
#[derive(Debug)]
pub struct Unpacked<'a> {
    program: Program,
    root: PathBuf,
    target: PathBuf,
    inputs: &'a Inputs,
}

impl Program {
    /// Copies the sources below `scratch`.
    ///
    /// # Errors
    ///
    /// The crate can't be fetched or copied.
    pub fn unpack<'a>(self, scratch: &Path, inputs: &'a Inputs) -> io::Result<Unpacked<'a>> {
        let name = self.published.name;
        let source = self.published.source(scratch)?;
        let root = scratch.join("programs").join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        match self.workload {
            Workload::Main(main) => {
                copy_tree(&source, &root.join(name))?;
                self.write_main(&root, main)?;
            }
            Workload::Bin(_) | Workload::Example(_) => {
                copy_tree(&source, &root)?;
                // It lies below the repository, whose workspace it is no part of.
                let manifest = root.join("Cargo.toml");
                let text = fs::read_to_string(&manifest)?;
                fs::write(&manifest, text + "\n[workspace]\n")?;
            }
        }
        Ok(Unpacked { program: self, root, target: scratch.join("programs-target"), inputs })
    }

    /// A workspace of the library and a package with this program.
    fn write_main(&self, root: &Path, main: &str) -> io::Result<()> {
        let Published { name, no_default_features, features, .. } = self.published;
        fs::create_dir_all(root.join("work/src"))?;
        fs::write(root.join("work/src/main.rs"), main)?;
        // The versions of this repository, as far as there are such.
        fs::copy(binary::repository().join("Cargo.lock"), root.join("Cargo.lock"))?;
        fs::write(
            root.join("Cargo.toml"),
            format!("[workspace]\nmembers = [\"work\", \"{name}\"]\nresolver = \"2\"\n"),
        )?;
        fs::write(
            root.join("work/Cargo.toml"),
            format!(
                "[package]\nname = \"work\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{name} = {{ path = \"../{name}\", default-features = {}, \
                 features = {features:?} }}\n",
                !no_default_features,
            ),
        )
    }
}

impl Unpacked<'_> {
    /// Root of its workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Builds it as it is; the executable, kept from what later builds put in its place.
    ///
    /// # Errors
    ///
    /// What cargo says.
    pub fn build(&self) -> io::Result<PathBuf> {
        // Where `run` builds too, so that dependencies are built once.
        let target = self.target.join("hotpath/build");
        let output = self
            .set(Command::new(binary::cargo()).args(["build", "--release", "--quiet"]))
            .args(self.choice())
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let (folder, name) = match self.program.workload {
            Workload::Bin(name) => ("release", name),
            Workload::Example(name) => ("release/examples", name),
            Workload::Main(_) => ("release", "work"),
        };
        let kept = self.target.join(format!("{}-plain", self.program.published.name));
        fs::copy(target.join(folder).join(name), &kept)?;
        Ok(kept)
    }

    /// Runs the executable.
    ///
    /// # Errors
    ///
    /// It can't be started.
    pub fn run(&self, executable: &Path) -> io::Result<Output> {
        self.command(executable).output()
    }

    /// The executable with the workload's arguments.
    pub fn command(&self, executable: &Path) -> Command {
        let mut command = Command::new(executable);
        command.args(self.arguments()).current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// `run --auto`, with the report going to a file.
    pub fn hotpath(&self, output: &Path, options: &[&str]) -> Hotpath {
        let mut run = Hotpath::new(&self.root, &["run", "--auto", "--format", "json"])
            .args(["--output".as_ref(), output.as_os_str()])
            .args(["--target-dir".as_ref(), self.target.as_os_str()])
            .args(options)
            .args(self.choice())
            .args(["--"])
            .args(self.arguments());
        for (name, value) in SHARED_SETTINGS {
            run = run.env(name, value);
        }
        if self.is_offline() { run } else { run.without_env("CARGO_NET_OFFLINE") }
    }

    /// The report of the last run as people see it.
    pub fn report(&self) -> Hotpath {
        Hotpath::new(&self.root, &["report"])
            .args(["--target-dir".as_ref(), self.target.as_os_str()])
    }

    fn is_offline(&self) -> bool {
        self.program.published.version == crate::published::LOCKED
    }

    fn arguments(&self) -> Vec<String> {
        self.program.args.iter().map(|argument| self.inputs.fill(argument)).collect()
    }

    fn choice(&self) -> Vec<String> {
        let Published { no_default_features, features, .. } = self.program.published;
        let mut words = match self.program.workload {
            Workload::Bin(name) => vec!["--bin", name],
            Workload::Example(name) => vec!["--example", name],
            // Its manifest has the features.
            Workload::Main(_) => return ["-p", "work"].map(str::to_owned).to_vec(),
        };
        words.extend(no_default_features.then_some("--no-default-features"));
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        if !features.is_empty() {
            words.extend(["--features".to_owned(), features.join(",")]);
        }
        words
    }

    fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(SHARED_SETTINGS);
        if self.is_offline() { command.env("CARGO_NET_OFFLINE", "true") } else { command }
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".cargo" || name == ".cargo-ok" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
