//! Manifests of the runtime's packages that stand alone: those of the repository inherit from its
//! workspace, and a test holds that these declare the same.

/// All packages, with their manifests.
pub(super) const PACKAGES: [(&str, &str); 3] = [
    ("hotpath-runtime", RUNTIME),
    ("hotpath-runtime-macros", MACROS),
    ("hotpath-runtime-syntax", SYNTAX),
];

/// A workspace of their own: else cargo takes the one around for theirs.
pub(super) const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["hotpath-runtime", "hotpath-runtime-macros", "hotpath-runtime-syntax"]
"#;

/// What follows the name in `[package]`.
macro_rules! package {
    ($name:literal, $rest:expr) => {
        concat!(
            "[package]\nname = \"",
            $name,
            "\"\nversion = \"",
            env!("CARGO_PKG_VERSION"),
            "\"\nedition = \"2024\"\nrust-version = \"",
            env!("CARGO_PKG_RUST_VERSION"),
            "\"\nlicense = \"",
            env!("CARGO_PKG_LICENSE"),
            "\"\npublish = false\nbuild = false\n\n",
            $rest
        )
    };
}

/// One of the packages as a dependency of another; more keys may follow.
macro_rules! sibling {
    ($name:literal) => {
        concat!(
            $name,
            " = { path = \"../",
            $name,
            "\", version = \"=",
            env!("CARGO_PKG_VERSION"),
            "\""
        )
    };
}

const RUNTIME: &str = package!(
    "hotpath-runtime",
    concat!(
        r#"[lib]
name = "hotpath_runtime"

[features]
enabled = ["dep:libc", "hotpath-runtime-macros/enabled"]
global-allocator = ["enabled"]
stream = ["dep:futures-core", "hotpath-runtime-macros/stream"]
reader = ["dep:libc"]
sources = ["hotpath-runtime-macros/sources"]

[dependencies]
"#,
        sibling!("hotpath-runtime-macros"),
        r#" }
futures-core = { version = "0.3.0", default-features = false, optional = true }

[target.'cfg(unix)'.dependencies]
libc = { version = "0.2.180", optional = true }
"#
    )
);

const MACROS: &str = package!(
    "hotpath-runtime-macros",
    concat!(
        r#"[lib]
name = "hotpath_runtime_macros"
proc-macro = true

[features]
enabled = ["dep:hotpath-runtime-syntax", "dep:proc-macro2", "dep:quote", "dep:syn"]
stream = []
sources = ["dep:hotpath-runtime-syntax", "hotpath-runtime-syntax/sources"]

[dependencies]
"#,
        sibling!("hotpath-runtime-syntax"),
        r#", optional = true }
proc-macro2 = { version = "1.0.107", optional = true }
quote = { version = "1.0.47", optional = true }

[dependencies.syn]
version = "3.0.9"
optional = true
default-features = false
features = ["full", "parsing", "printing", "visit-mut", "clone-impls", "proc-macro"]
"#
    )
);

const SYNTAX: &str = package!(
    "hotpath-runtime-syntax",
    r#"[lib]
name = "hotpath_runtime_syntax"

[features]
sources = []

[dependencies]
proc-macro2 = "1.0.107"
quote = "1.0.47"

[dependencies.syn]
version = "3.0.9"
default-features = false
features = ["full", "parsing", "visit-mut", "clone-impls", "printing"]
"#
);
