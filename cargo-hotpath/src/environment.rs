//! The machine, the toolchain and the state of the source.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo::config;
use crate::schema::{Environment, Git};

/// Describes where a workload is built and run; what can't be found out stays empty or `None`.
pub fn describe(root: &Path, target: &str, profile: &str, features: Vec<String>) -> Environment {
    let version = config::rustc_version().unwrap_or_default();
    Environment {
        rustc: version.lines().next().unwrap_or_default().to_owned(),
        target: target.to_owned(),
        profile: profile.to_owned(),
        cpu: cpu(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        os: std::env::consts::OS.to_owned(),
        features,
        git: git(root),
    }
}

fn cpu() -> Option<String> {
    if cfg!(target_os = "linux") {
        let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        return model_name(&text);
    }
    if cfg!(target_os = "macos") {
        return output(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]));
    }
    std::env::var("PROCESSOR_IDENTIFIER").ok()
}

fn model_name(cpuinfo: &str) -> Option<String> {
    let (_, name) = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| matches!(key.trim(), "model name" | "Model" | "cpu model"))?;
    Some(name.trim().to_owned())
}

fn git(root: &Path) -> Option<Git> {
    let git = |args: &[&str]| {
        // Looking must not change anything: `status` would refresh the index.
        output(Command::new("git").args(args).current_dir(root).env("GIT_OPTIONAL_LOCKS", "0"))
    };
    let commit = git(&["rev-parse", "--verify", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(Git { commit, dirty: !changes.is_empty() })
}

/// Trimmed standard output of a program that ended well.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_on_either_architecture() {
        let x86 = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(model_name(x86).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(
            model_name("processor : 0\nModel : Board Rev 1\n").as_deref(),
            Some("Board Rev 1")
        );
        assert_eq!(model_name("processor : 0\n"), None);
    }
}
