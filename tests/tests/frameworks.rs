//! The attribute beside those of tokio and async-trait, on functions that return futures and
//! iterators, and around the macros that poll, log and trace: all still compile, run and test.

use std::fs;
use std::path::Path;

use hotpath_tests::package::{Package, workspace};

const DEPENDENCIES: &str = r#"async-trait = "0.1"
futures = "0.3"
log = "0.4"
tokio = { version = "1", features = ["macros", "rt-multi-thread", "sync", "time"] }
tracing = "0.1"
"#;

fn works(edition: &str, attribute: &str, name: &str) {
    let source = workspace().join("tests/fixtures/frameworks/main.rs");
    let text = fs::read_to_string(source).expect("the fixture is there");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = Package::new(scratch, name, edition).expect("is made");
    package.depend(DEPENDENCIES).expect("is written");
    let text = text.replace("#[hotpath]", attribute);
    package.write(&format!("src/bin/{name}.rs"), &text).expect("is written");
    let diagnostics = package.cargo(&["build", "--bins", "--tests"]).expect("cargo builds");
    let messages: Vec<&str> = diagnostics.iter().map(|it| it.rendered.as_str()).collect();
    assert!(messages.is_empty(), "{}", messages.join("\n"));
    let output = package.run(name).expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tested = package.test().expect("cargo tests");
    let told = String::from_utf8_lossy(&tested.stdout);
    assert!(told.contains("5 passed"), "{told}{}", String::from_utf8_lossy(&tested.stderr));
}

#[test]
fn in_2021() {
    works("2021", "#[hotpath]", "frameworks-2021");
}

#[test]
fn in_2024_with_every_call() {
    works("2024", "#[hotpath(sites = all)]", "frameworks-2024");
}
