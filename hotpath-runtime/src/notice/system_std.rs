//! The environment and stderr of systems that are not Unix, but have both.

extern crate std;

use std::io::Write as _;

pub(super) fn is_required() -> bool {
    std::env::var_os("CARGO_HOTPATH_REQUIRE").is_some_and(|value| !value.is_empty() && value != "0")
}

pub(super) fn say(line: &str) {
    // Whether it is written is nobody's concern.
    let _ = std::writeln!(std::io::stderr(), "{line}");
}
