use serde_json::json;

use super::*;
use crate::rules::{self as known, Level, Threshold};

fn config(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    fs::write(&file, text).unwrap();
    let mut config = Config::default();
    let table = read(&file)?.expect("the file is there");
    config.take(&Entry::new(&file, "", &Value::Object(table)))?;
    Ok(config)
}

fn wrong(text: &str) -> (String, String) {
    let error = config(text).expect_err("is refused");
    let (_, what) =
        error.to_string().split_once(FILE).map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    (what, error.hint())
}

fn threshold(config: &Config, rule: &str, name: &str) -> f64 {
    let meta = known::find(rule).unwrap().meta();
    let threshold: &Threshold = meta.thresholds.iter().find(|it| it.name() == name).unwrap();
    config.rules.of(meta).thresholds.of(threshold)
}

fn level(config: &Config, rule: &str) -> Level {
    config.rules.of(known::find(rule).unwrap().meta()).level
}

#[test]
fn levels_floors_and_limits_are_read() {
    let text = "[rules]\nprint-loop = \"allow\"\n\"format-push\" = { level = \"deny\", \
                min_impact_pct = 2, min_executions = 5.5 }\n[rules.clone-in-loop]\nmin_share_pct = 3\n";
    let config = config(text).unwrap();
    assert_eq!(level(&config, "print-loop"), Level::Allow);
    assert_eq!(level(&config, "format-push"), Level::Deny);
    assert_eq!(level(&config, "clone-in-loop"), Level::Warn, "a limit alone changes no level");
    assert_eq!(level(&config, "regex-per-call"), Level::Warn);
    let floor = config.rules.of(known::find("format-push").unwrap().meta()).min_impact_pct;
    assert_eq!(floor, Some(2.0));
    assert_eq!(threshold(&config, "format-push", "min_executions").to_string(), "5.5");
    assert_eq!(threshold(&config, "clone-in-loop", "min_share_pct").to_string(), "3");
    assert_eq!(threshold(&config, "clone-in-loop", "min_executions").to_string(), "100");
    assert_eq!(config.rules.allowed(), ["print-loop"]);
}

#[test]
fn nothing_said_is_nothing_set() {
    for text in ["", "# nothing\n", "[rules]\n"] {
        assert_eq!(config(text).unwrap().rules, Settings::default());
    }
}

#[test]
fn mistakes_name_the_key_and_the_nearest_known_one() {
    for (text, what, hint) in [
        ("[rule]", ": unknown key `rule`", "did you mean `rules`?"),
        ("[budgets]", ": unknown key `budgets`", "did you mean `budget`?"),
        ("rules = 3", ": `rules` is 3, which is no table", "write its entries under `[rules]`"),
        (
            "[rules]\nprint-lop = \"deny\"",
            ": there is no rule `print-lop`",
            "did you mean `print-loop`?",
        ),
        (
            "[rules]\nzzz = \"deny\"",
            ": there is no rule `zzz`",
            "`cargo hotpath explain` lists all rules",
        ),
        (
            "[rules]\nprint-loop = \"deni\"",
            ": `rules.print-loop` is \"deni\", which is no level",
            "did you mean `deny`?",
        ),
        (
            "[rules]\nprint-loop = { level = true }",
            ": `rules.print-loop.level` is true, which is no level",
            "there are: `allow`, `warn`, `deny`",
        ),
        (
            "[rules]\nprint-loop = { min_executoins = 3 }",
            ": unknown key `min_executoins` in `[rules.print-loop]`",
            "did you mean `min_executions`?",
        ),
        (
            "[rules]\nprint-loop = { most = 3 }",
            ": unknown key `most` in `[rules.print-loop]`",
            "there are: `level`, `min_impact_pct`, `min_executions`, `min_share_pct`, `min_print_ns`",
        ),
        (
            "[rules]\nprint-loop = { min_impact_pct = \"2\" }",
            ": `rules.print-loop.min_impact_pct` is \"2\", which is no such number",
            "write a number from 0 to 100, without quotes: `2.5`",
        ),
        (
            "[rules]\nprint-loop = { min_executions = -1 }",
            ": `rules.print-loop.min_executions` is -1, which is no such number",
            "write a number from 0 on, without quotes: `2.5`",
        ),
    ] {
        let found = wrong(text);
        assert!(found.0 == what && found.1.starts_with(hint), "{text}: {found:?}");
    }
    for value in ["nan", "inf", "101", "[]", "1979-05-27"] {
        let text = format!("[rules]\nprint-loop = {{ min_impact_pct = {value} }}");
        assert!(wrong(&text).0.contains("no such number"), "{text}");
    }
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    let (what, hint) = wrong("[rules]\nprint-loop =\n");
    assert!(what.starts_with(":2: "), "{what}");
    assert!(hint.contains("TOML"));
    assert!(wrong("[rules]\na = 1\na = 2\n").0.starts_with(":3: "), "a key twice");
}

#[test]
fn a_file_that_is_not_there_is_none_and_one_that_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read(&dir.path().join(FILE)).unwrap().is_none());
    assert!(matches!(read(dir.path()), Err(ConfigError::Read { .. })));
}

#[test]
fn the_package_goes_before_the_workspace_rule_by_rule() {
    let mut config = Config::default();
    let file = Path::new("Cargo.toml");
    let workspace = json!({"rules": {"print-loop": "deny", "format-push": "allow"}});
    let package = json!({"rules": {"print-loop": {"min_executions": 7}}});
    config.take(&Entry::new(file, "workspace.metadata.hotpath", &workspace)).unwrap();
    config.take(&Entry::new(file, "package.metadata.hotpath", &package)).unwrap();
    assert_eq!(level(&config, "print-loop"), Level::Warn);
    assert_eq!(level(&config, "format-push"), Level::Allow);
    let bad = json!({"rules": {"print-loop": {"x y": 1}}});
    let error = config.take(&Entry::new(file, "package.metadata.hotpath", &bad)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Cargo.toml: unknown key `x y` in `[package.metadata.hotpath.rules.print-loop]`"
    );
}

pub(crate) fn budgets(text: &str) -> BTreeMap<String, BudgetEntry> {
    config(text).unwrap().budgets
}

#[test]
fn budgets_are_of_functions_globs_and_the_workload() {
    let all = budgets(
        "[budget]\n\"orders::parse\" = { allocs_per_call = 3, p99 = \"50 us\" }\n\
         \"orders::**\" = { alloc_bytes_per_call = \"1 KiB\" }\n\"*\" = { allocs = \"+0 %\" }\n",
    );
    let exact = &all["orders::parse"];
    assert_eq!(exact.budget.to_string(), "allocs_per_call = 3, p99 = 50 us");
    assert_eq!(exact.table, "budget");
    assert!(exact.takes("orders::parse") && !exact.takes("orders::parse::x"));
    let glob = &all["orders::**"];
    assert!(glob.takes("orders::parse") && glob.takes("orders::a::b") && !glob.takes("other::a"));
    assert!(all["*"].is_of_workload() && !all["*"].takes("orders::parse"));
}

#[test]
fn a_key_that_could_be_a_pattern_is_the_path_of_a_function_first() {
    let path = "app::<impl Read for [u8; 4]>::{closure#0}";
    let all = budgets(&format!("[budget]\n\"{path}\" = {{ allocs_per_call = 3 }}\n"));
    assert!(all[path].takes(path));
    assert!(!all[path].takes("app::other"));
}

#[test]
fn mistakes_in_budgets_lead_to_what_was_meant() {
    for (text, what, hint) in [
        (
            "\"a::b\" = { alocs_per_call = 3 }",
            ": `budget.\"a::b\".alocs_per_call`: unknown metric `alocs_per_call` in a budget",
            "did you mean `allocs_per_call`?",
        ),
        (
            "\"a::b\" = { p99 = 50 }",
            ": `budget.\"a::b\".p99`: `p99` is a time, and `50` has no unit",
            "write `p99 = \"50 us\"`",
        ),
        (
            "\"a::b\" = { wall = \"5 s\" }",
            ": `budget.\"a::b\".wall` is no metric of a function",
            "write it under `\"*\"`",
        ),
        (
            "\"*\" = { p99 = \"5 s\" }",
            ": `budget.\"*\".p99` is no metric of the whole workload",
            "write it under the path of a function",
        ),
        ("\"a::b\" = {}", ": `budget.\"a::b\"` limits nothing", "write what it may come to"),
        (
            "\"a::b\" = { allocs_per_call = true }",
            ": `budget.\"a::b\".allocs_per_call`: `neither number nor text` is no limit",
            "write `allocs_per_call = 3`",
        ),
        ("\"a::[\" = { allocs = 3 }", ": `a::[` is no pattern for functions", "write a path"),
        ("\"a::b\" = 3", ": `budget.\"a::b\"` is 3, which is no table", "write its entries"),
    ] {
        let (found, hinted) = wrong(&format!("[budget]\n{text}\n"));
        assert!(found.starts_with(what) && hinted.starts_with(hint), "{text}: {found}; {hinted}");
    }
}
