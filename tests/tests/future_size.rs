//! What measuring adds to the size of futures.

use std::fs;
use std::path::Path;

use hotpath_tests::package::{Package, workspace};

/// How many times the plain size a chain of four measured async functions may take.
const LIMIT: f64 = 1.25;

#[test]
fn a_chain_over_256_bytes_grows_by_less_than_a_quarter() {
    let source = workspace().join("tests/fixtures/future_size/chain.rs");
    let text = fs::read_to_string(source).expect("the fixture is there");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = Package::new(scratch, "future-size", "2024").expect("is made");
    package.write("src/bin/chain.rs", &text).expect("is written");
    let output = package.run("chain").expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("the fixture prints text");
    let mut chains = 0;
    for line in printed.lines() {
        let mut words = line.split(' ');
        let name = words.next().expect("a name");
        let sizes: Vec<f64> = words.map(|size| size.parse().expect("a size")).collect();
        let ratio = sizes[1] / sizes[0];
        println!("{name}: plain {} bytes, measured {} bytes, {ratio:.2} times", sizes[0], sizes[1]);
        assert!(ratio <= LIMIT, "{name}: {ratio}");
        chains += 1;
    }
    assert_eq!(chains, 3);
}
