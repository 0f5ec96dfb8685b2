//! Builds the workload with its probes on, beside the user's own artefacts.

use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Artifact, BuildScript, CompilerMessage, Message, PackageId};

use super::metadata::{Workspace, manifest_flags, spec};
use super::select::{Kind, Selection, is_library};
use crate::cli::{Color, ManifestArgs};
use crate::error::Error;
use crate::interrupt::Interrupts;
use crate::options::RunOptions;
use crate::term::Term;

/// What was built.
#[derive(Debug, Default)]
pub struct Built {
    /// The workload's executable.
    pub executable: PathBuf,
    /// Its `opt-level`.
    pub opt_level: String,
    /// Whether it has debug assertions.
    pub debug_assertions: bool,
    /// Features of the workload's package that were on.
    pub features: Vec<String>,
    /// Whether the program has a global allocator of its own, so that ours was left out.
    pub own_allocator: bool,
    /// Directories of shared libraries that the build made.
    pub library_dirs: Vec<PathBuf>,
    /// What the package's build script set for it, `OUT_DIR` included.
    pub script_env: Vec<(String, String)>,
    /// The package's binaries: integration tests may start them.
    pub binaries: Vec<(String, PathBuf)>,
}

/// What is built, and how.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The user's workspace, or a copy of it.
    pub workspace: &'a Workspace,
    /// What is selected there.
    pub selection: &'a Selection<'a>,
    /// How cargo is to read it.
    pub manifest: &'a ManifestArgs,
    /// Everything else that was asked for.
    pub options: &'a RunOptions,
    /// Whether the program is known to have a global allocator, so that ours isn't tried first.
    pub has_allocator: bool,
    /// Whether it is a copy, whose sources change in other ways than somebody at work on them would.
    pub is_copy: bool,
}

/// Builds; a second time without our allocator where the program has its own.
pub fn build(order: Order<'_>, interrupts: &Interrupts, term: &Term) -> Result<Built, Error> {
    let selection = order.selection;
    let attempt = |allocator| {
        let command = compose(order, allocator, term)?;
        Attempt {
            package: &selection.package.id,
            selection,
            term,
            conflict: false,
            built: Built::default(),
        }
        .run(command, interrupts)
    };
    match attempt(!order.has_allocator)? {
        Outcome::Built(built) => Ok(*built),
        Outcome::AllocatorConflict => {
            term.status(
                "Rebuilding",
                "without our allocator: the program has a global allocator of its own",
            );
            match attempt(false)? {
                Outcome::Built(built) => Ok(Built { own_allocator: true, ..*built }),
                Outcome::AllocatorConflict => Err(Error::Build),
            }
        }
    }
}

/// The whole cargo command line.
fn compose(order: Order<'_>, allocator: bool, term: &Term) -> Result<Command, Error> {
    let Order { workspace, selection, manifest, options, .. } = order;
    let mut command = Command::new(super::program());
    match selection.kind {
        Kind::Bin | Kind::Example => command.arg("build"),
        Kind::Lib | Kind::Test => command.args(["test", "--no-run"]),
        Kind::Bench => command.args(["bench", "--no-run"]),
    };
    command.arg("--package").arg(spec(selection.package));
    match selection.kind {
        Kind::Lib => command.arg("--lib"),
        kind => command.arg(format!("--{kind}")).arg(&selection.target.name),
    };
    command.args(feature_flags(selection, options, allocator)?);
    command.arg("--profile").arg(&options.profile);
    if order.is_copy && options.profile != "dev" {
        // An optimising compiler that is killed leaves code of the sources it had in what the next
        // one takes for that of the sources before: functions would go on without their probes.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command.arg("--target-dir").arg(workspace.data_dir.join("build"));
    command.arg("--manifest-path").arg(match &manifest.manifest_path {
        Some(path) => path.clone(),
        None => workspace.root().join("Cargo.toml"),
    });
    if let Some(target) = &options.build.target {
        command.arg("--target").arg(target);
    }
    if let Some(jobs) = &options.build.jobs {
        command.arg(format!("--jobs={jobs}"));
    }
    command.args(manifest_flags(manifest));
    command.args(display_flags(term));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// The user's features, and those that switch the probes on.
///
/// Where a dependency of the workload holds the switch, it has to be selected too. What the user said of
/// features then still only concerns the workload: it is spelled out for that package, so that selecting
/// the dependency doesn't also give it its default features.
fn feature_flags(
    selection: &Selection<'_>,
    options: &RunOptions,
    allocator: bool,
) -> Result<Vec<OsString>, Error> {
    let asked = &options.features;
    let package = selection.package;
    let Some(switch) = &selection.switch else {
        return Err(Error::MissingDependency { package: package.name.to_string() });
    };
    let own = switch.package.id == package.id;
    let mut flags: Vec<OsString> = Vec::new();
    let mut features = vec![format!("{}/enabled", switch.name)];
    if allocator {
        features.push(format!("{}/global-allocator", switch.name));
    }
    let words = asked.features.iter().flat_map(|list| list.split([' ', ',']));
    let words = words.filter(|word| !word.is_empty());
    if own {
        features.extend(words.map(str::to_owned));
        flags.extend(asked.all_features.then(|| "--all-features".into()));
        flags.extend(asked.no_default_features.then(|| "--no-default-features".into()));
    } else {
        let qualified = |name: &str| format!("{}/{name}", package.name);
        flags.extend([
            "--package".into(),
            spec(switch.package).into(),
            "--no-default-features".into(),
        ]);
        features.extend(
            words.map(|word| if word.contains('/') { word.to_owned() } else { qualified(word) }),
        );
        if asked.all_features {
            features.extend(package.features.keys().map(|name| qualified(name)));
        } else if !asked.no_default_features && package.features.contains_key("default") {
            features.push(qualified("default"));
        }
    }
    flags.extend(["--features".into(), features.join(",").into()]);
    Ok(flags)
}

fn display_flags(term: &Term) -> Vec<&'static str> {
    let mut flags = Vec::new();
    match term.color {
        Some(Color::Always) => flags.push("--color=always"),
        Some(Color::Never) => flags.push("--color=never"),
        Some(Color::Auto) | None => {}
    }
    flags.push(if term.color_stderr() {
        "--message-format=json-diagnostic-rendered-ansi"
    } else {
        "--message-format=json"
    });
    if term.quiet {
        flags.push("--quiet");
    }
    flags.extend(std::iter::repeat_n("--verbose", usize::from(term.verbose)));
    flags
}

enum Outcome {
    Built(Box<Built>),
    AllocatorConflict,
}

/// One run of cargo.
struct Attempt<'a> {
    package: &'a PackageId,
    selection: &'a Selection<'a>,
    term: &'a Term,
    conflict: bool,
    built: Built,
}

impl Attempt<'_> {
    fn run(mut self, mut command: Command, interrupts: &Interrupts) -> Result<Outcome, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawn = |source| Error::Spawn { program: program.clone(), source };
        let mut child = interrupts.spawn(&mut command).map_err(spawn)?;
        let watch = interrupts.watch(&child, false);
        if let Some(stdout) = child.stdout.take() {
            self.read(stdout);
        }
        let status = child.wait().map_err(spawn)?;
        drop(watch);
        if interrupts.received() {
            return Err(Error::Interrupted);
        }
        match (status.success(), self.conflict) {
            (false, true) => Ok(Outcome::AllocatorConflict),
            (false, false) => Err(Error::Build),
            (true, _) if self.built.executable.as_os_str().is_empty() => {
                let Selection { kind, target, .. } = self.selection;
                Err(Error::NoExecutable(format!("{kind} `{}`", target.name)))
            }
            (true, _) => Ok(Outcome::Built(Box::new(self.built))),
        }
    }

    fn read(&mut self, stdout: ChildStdout) {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            match message {
                Ok(Message::CompilerArtifact(artifact)) => self.artifact(artifact),
                Ok(Message::CompilerMessage(message)) => self.diagnostic(&message),
                Ok(Message::BuildScriptExecuted(script)) => self.script(script),
                Ok(Message::TextLine(line)) => self.term.passthrough(&format!("{line}\n")),
                // A message that this version of cargo_metadata doesn't know carries nothing for us.
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn artifact(&mut self, artifact: Artifact) {
        let shared = |path: &&cargo_metadata::camino::Utf8PathBuf| {
            matches!(path.extension(), Some("so" | "dylib" | "dll"))
        };
        let dirs = artifact.filenames.iter().filter(shared).filter_map(|path| path.parent());
        self.built.library_dirs.extend(dirs.map(|dir| dir.as_std_path().to_owned()));
        if artifact.package_id != *self.package {
            return;
        }
        let Some(executable) = artifact.executable else { return };
        let executable = executable.into_std_path_buf();
        let Selection { kind, target, .. } = self.selection;
        let harness = artifact.profile.test;
        if artifact.target.is_bin() && !harness {
            self.built.binaries.push((artifact.target.name.clone(), executable.clone()));
        }
        // A harness with `harness = false` isn't marked as a test.
        let right_mode = harness == kind.is_harness() || !is_library(&artifact.target);
        if artifact.target.name == target.name && kind.fits(&artifact.target) && right_mode {
            self.built.executable = executable;
            self.built.opt_level = artifact.profile.opt_level;
            self.built.debug_assertions = artifact.profile.debug_assertions;
            self.built.features = artifact.features;
        }
    }

    fn script(&mut self, script: BuildScript) {
        let dirs = script.linked_paths.iter().map(|path| {
            let path = path.as_str();
            Path::new(path.split_once('=').map_or(path, |(_, path)| path)).to_owned()
        });
        self.built.library_dirs.extend(dirs);
        if script.package_id == *self.package {
            self.built.script_env = script.env;
            self.built.script_env.push(("OUT_DIR".to_owned(), script.out_dir.into_string()));
        }
    }

    /// Prints as cargo would, without rustc's closing lines, and without the conflict that we mend.
    fn diagnostic(&mut self, message: &CompilerMessage) {
        let diagnostic = &message.message;
        if diagnostic.level == DiagnosticLevel::Error
            && diagnostic.message.contains("conflicts with global allocator in")
        {
            self.conflict = true;
            return;
        }
        let text = &diagnostic.message;
        let closing = text.starts_with("aborting due to")
            || text.ends_with("warning emitted")
            || text.ends_with("warnings emitted")
            || text.starts_with("For more information about");
        if let Some(rendered) = diagnostic.rendered.as_ref().filter(|_| !closing) {
            self.term.passthrough(rendered);
        }
    }
}
