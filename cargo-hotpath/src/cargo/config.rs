//! What cargo's configuration says of running programs: `runner`, `[env]` and `build.target`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use cargo_metadata::cargo_platform::{Cfg, Platform};
use serde_json::Value;

/// Configuration that matters when the workload runs.
#[derive(Debug, Default)]
pub struct Config {
    /// Target triple of the build.
    pub target: String,
    /// Whether that triple was asked for, by flag or configuration.
    pub explicit_target: bool,
    /// Program and arguments to put before the workload.
    pub runner: Vec<OsString>,
    /// `[env]`: name, value, and whether it replaces what is set.
    pub env: Vec<(String, OsString, bool)>,
    /// `[profile]`, as it is written.
    pub profiles: Value,
}

/// Reads the configuration as seen from `directory`; `target` is the user's `--target`.
///
/// A cargo that can't print its configuration counts as one without any.
pub fn read(directory: &Path, root: &Path, target: Option<&str>) -> Config {
    let values = merged(directory).unwrap_or(Value::Null);
    let asked = target.map(str::to_owned).or_else(|| built_for(&values));
    let triple = asked.clone().unwrap_or_else(host);
    let runner = runner_variable(&triple).unwrap_or_else(|| {
        let words = runner(&values, &triple);
        words.into_iter().enumerate().map(|(i, word)| place(word, i == 0, root)).collect()
    });
    Config {
        explicit_target: asked.is_some(),
        target: triple,
        runner,
        env: env(&values, root),
        profiles: values["profile"].clone(),
    }
}

/// Cargo prints its merged configuration only to those who ask for unstable features.
fn merged(directory: &Path) -> Option<Value> {
    let output = Command::new(super::program())
        .args(["-Zunstable-options", "config", "get", "--format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

fn built_for(values: &Value) -> Option<String> {
    let variable = std::env::var("CARGO_BUILD_TARGET").ok().filter(|triple| !triple.is_empty());
    let target = &values["build"]["target"];
    variable.or_else(|| target.as_str().or_else(|| target[0].as_str()).map(str::to_owned))
}

fn rustc() -> Command {
    let mut command =
        Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Triple that rustc builds for when it isn't told.
fn host() -> String {
    rustc_version()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
        })
        .unwrap_or_default()
}

/// `rustc -vV`.
pub fn rustc_version() -> Option<String> {
    let output = rustc().arg("-vV").output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Where the toolchain keeps the standard library, for programs that link it dynamically.
pub fn target_libraries() -> Option<PathBuf> {
    let output = rustc().args(["--print", "target-libdir"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim_end())).filter(|path| path.is_absolute())
}

/// `CARGO_TARGET_<TRIPLE>_RUNNER`.
fn runner_variable(triple: &str) -> Option<Vec<OsString>> {
    let name = triple.to_uppercase().replace(['-', '.'], "_");
    let value = std::env::var(format!("CARGO_TARGET_{name}_RUNNER")).ok()?;
    Some(value.split_whitespace().map(OsString::from).collect())
}

/// `target.<triple>.runner`, else the first matching `target.'cfg(..)'.runner`.
fn runner(values: &Value, triple: &str) -> Vec<String> {
    let Some(tables) = values["target"].as_object() else { return Vec::new() };
    let exact = tables.get(triple).map(|table| words(&table["runner"])).unwrap_or_default();
    if !exact.is_empty() {
        return exact;
    }
    let mut conditional = tables
        .iter()
        .filter(|(key, table)| key.starts_with("cfg(") && !table["runner"].is_null())
        .peekable();
    if conditional.peek().is_none() {
        return Vec::new();
    }
    let cfgs = cfgs(triple);
    conditional
        .find(|(key, _)| Platform::from_str(key).is_ok_and(|p| p.matches(triple, &cfgs)))
        .map(|(_, table)| words(&table["runner"]))
        .unwrap_or_default()
}

fn cfgs(triple: &str) -> Vec<Cfg> {
    let output = rustc().args(["--print", "cfg", "--target", triple]).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(|line| Cfg::from_str(line).ok()).collect()
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A program given by a relative path is relative to where the configuration lies.
fn place(word: String, program: bool, root: &Path) -> OsString {
    let relative = PathBuf::from(&word);
    if program && relative.is_relative() && relative.components().count() > 1 {
        return root.join(relative).into_os_string();
    }
    word.into()
}

fn env(values: &Value, root: &Path) -> Vec<(String, OsString, bool)> {
    let Some(table) = values["env"].as_object() else { return Vec::new() };
    let entry = |(name, value): (&String, &Value)| {
        if let Some(text) = value.as_str() {
            return Some((name.clone(), text.into(), false));
        }
        let text = value["value"].as_str()?;
        let relative = value["relative"].as_bool().unwrap_or(false);
        let text = if relative { root.join(text).into_os_string() } else { text.into() };
        Some((name.clone(), text, value["force"].as_bool().unwrap_or(false)))
    };
    table.iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_exact_triple_wins_over_cfg() {
        let values = json!({"target": {
            "cfg(all())": {"runner": "a b"},
            "t": {"runner": ["c", "d e"]},
        }});
        assert_eq!(runner(&values, "t"), ["c", "d e"]);
    }

    #[test]
    fn env_entries_have_their_three_forms() {
        let values = json!({"env": {
            "A": "plain",
            "B": {"value": "x", "relative": true},
            "C": {"value": "y", "force": true},
            "D": {"value": 3},
        }});
        let env = env(&values, Path::new("root"));
        let expected = Path::new("root").join("x");
        assert_eq!(env[0], ("A".to_owned(), "plain".into(), false));
        assert_eq!(env[1], ("B".to_owned(), expected.into_os_string(), false));
        assert_eq!(env[2], ("C".to_owned(), "y".into(), true));
        assert_eq!(env.len(), 3);
    }

    #[test]
    fn only_a_path_is_placed() {
        let root = Path::new("root");
        assert_eq!(place("qemu".to_owned(), true, root), "qemu");
        assert_eq!(place("a/b".to_owned(), true, root), root.join("a/b"));
        assert_eq!(place("a/b".to_owned(), false, root), "a/b");
    }
}
