//! `annotate` on a little workspace: only attributes come and go.

use std::fs;

use hotpath_tests::Hotpath;

const SOURCE: &str = "//! A program.\n\nmod parser;\n\n// Where it all begins.\nfn main() {\n    \
                      println!(\"{}\", parser::count(\"a b c\"));\n}\n";
const PARSER: &str = "/// Words.\n#[inline(never)]\npub(crate) fn count(text: &str) -> usize {\n    \
                      text.split(' ').count()\n}\n\npub struct Parser;\n\nimpl Parser {\n    \
                    pub fn all(text: &str) -> Vec<&str> {\n        \
                      text.split(',').collect()\n    }\n}\n";

fn package(dependencies: &str) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("with space ").tempdir().expect("a directory");
    let manifest = format!(
        "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
         [dependencies]\n{dependencies}"
    );
    fs::create_dir(dir.path().join("src")).expect("it is made");
    for (name, text) in
        [("Cargo.toml", &manifest[..]), ("src/main.rs", SOURCE), ("src/parser.rs", PARSER)]
    {
        fs::write(dir.path().join(name), text).expect("it is written");
    }
    dir
}

fn parser(dir: &tempfile::TempDir) -> String {
    fs::read_to_string(dir.path().join("src/parser.rs")).expect("it is there")
}

fn annotate(dir: &tempfile::TempDir, flags: &[&str]) -> hotpath_tests::Finished {
    Hotpath::new(dir.path(), &["annotate"]).args(flags).run()
}

#[test]
fn attributes_are_shown_then_written_then_taken_away() {
    let dir = package("hotpath-runtime = \"0.1\"\n");
    let shown = annotate(&dir, &["words::parser::*"]).expect_code(0);
    assert!(shown.stdout.contains("+++ b/src/parser.rs"), "{shown:?}");
    assert!(shown.stdout.contains("\n+#[hotpath_runtime::hotpath]\n"), "{shown:?}");
    assert_eq!(parser(&dir), PARSER);

    let _ = annotate(&dir, &["words::parser::*", "--apply"]).expect_code(0);
    let expected = PARSER
        .replace("pub(crate) fn", "#[hotpath_runtime::hotpath]\npub(crate) fn")
        .replace("    pub fn all", "    #[hotpath_runtime::hotpath]\n    pub fn all");
    assert_eq!(parser(&dir), expected);
    let again = annotate(&dir, &["words::parser::*", "--apply"]).expect_code(0);
    assert!(again.stderr.contains("carry it already"), "{again:?}");

    let _ = annotate(&dir, &["--remove", "words::parser::count", "--apply"]).expect_code(0);
    assert_eq!(
        parser(&dir),
        PARSER.replace("    pub fn all", "    #[hotpath_runtime::hotpath]\n    pub fn all")
    );
    let _ = annotate(&dir, &["--remove", "--apply"]).expect_code(0);
    assert_eq!(parser(&dir), PARSER);
}

#[test]
fn a_rename_and_an_import_are_respected() {
    let dir = package("hp = { package = \"hotpath-runtime\", version = \"0.1\" }\n");
    let path = dir.path().join("src/parser.rs");
    fs::write(&path, format!("use hp::hotpath;\n{PARSER}")).expect("it is written");
    let shown = annotate(&dir, &["src/parser.rs"]).expect_code(0);
    assert!(shown.stdout.contains("\n+#[hotpath(crate = ::hp)]\n"), "{shown:?}");
}

#[test]
fn what_is_missing_is_said() {
    let dir = package("");
    let refused = annotate(&dir, &["words::parser::*"]).expect_code(2);
    assert!(refused.stderr.contains("cargo hotpath init -p words"), "{refused:?}");
    let refused = annotate(&dir, &["words::parser::cuont"]).expect_code(2);
    assert!(refused.stderr.contains("did you mean `words::parser::count`?"), "{refused:?}");
    let refused = annotate(&dir, &[]).expect_code(2);
    assert!(refused.stderr.contains("--hot"), "{refused:?}");
    let refused = annotate(&dir, &["--hot"]).expect_code(2);
    assert!(refused.stderr.contains("nothing has run here yet"), "{refused:?}");
}
