//! Values go in the order of the plain program, whatever is measured: what a program prints while
//! it drops them is compared, in each edition.

use std::fs;
use std::path::Path;

use hotpath_tests::package::{Package, workspace};

fn same_order(edition: &str) {
    let source = workspace().join("tests/fixtures/drop_order/functions.rs");
    let text = fs::read_to_string(source).expect("the fixture is there");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package =
        Package::new(scratch, &format!("drop-order-{edition}"), edition).expect("is made");
    let printed = |name: &str, attribute: &str| {
        let text = text.replace("#[measured]", attribute);
        package.write(&format!("src/bin/{name}.rs"), &text).expect("is written");
        let output = package.run(name).expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the fixture prints text")
    };
    let plain = printed(&format!("plain_{edition}"), "");
    let measured = printed(&format!("measured_{edition}"), "#[hotpath_runtime::hotpath]");
    assert!(plain.lines().count() > 200, "{plain}");
    for (line, (plain, measured)) in plain.lines().zip(measured.lines()).enumerate() {
        assert_eq!(plain, measured, "line {line} of what is printed");
    }
    assert_eq!(plain, measured);
}

#[test]
fn values_go_in_the_same_order_in_2021() {
    same_order("2021");
}

#[test]
fn values_go_in_the_same_order_in_2024() {
    same_order("2024");
}
