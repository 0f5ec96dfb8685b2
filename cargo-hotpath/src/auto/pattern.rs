//! Which functions `--auto=GLOB` takes: by the path of the file, or of the function itself.

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::error::Error;
use crate::source::SourceFunction;

/// A glob over files (`src/parser/**`) or functions (`orders::parser::*`); it takes what lies below
/// what it matches, too.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    files: Option<GlobMatcher>,
    functions: Option<GlobMatcher>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// With `::` it is about functions, with `/` or `.` about files, else about either, in any place.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the glob.
    pub fn new(text: &str) -> Result<Self, Error> {
        let slashed = text.replace('\\', "/");
        let slashed = slashed.trim_start_matches("./").trim_end_matches('/');
        let of_functions = text.contains("::");
        let of_files = !of_functions && (slashed.contains('/') || text.contains('.'));
        let path = match text.strip_prefix("crate::") {
            // The crate's name stands there in paths.
            Some(rest) => format!("*::{rest}"),
            None if of_functions => text.to_owned(),
            None => format!("**::{text}"),
        };
        let file = if slashed.contains('/') { slashed.to_owned() } else { format!("**/{slashed}") };
        let compile = |wanted: bool, glob: &str| {
            wanted.then(|| compiled(glob)).transpose().map_err(|error| {
                Error::usage(
                    format!("`{text}` is no pattern for --auto: {}", error.kind()),
                    "write a glob of files (`src/parser/**`) or of functions (`orders::parser::*`)",
                )
            })
        };
        Ok(Self {
            files: compile(!of_functions, &file)?,
            functions: compile(!of_files, &path.replace("::", "/"))?,
            text: text.to_owned(),
        })
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it takes a function.
    pub fn takes(&self, function: &SourceFunction) -> bool {
        let path = format!("{}::{}", function.module, function.name).replace("::", "/");
        self.files.as_ref().is_some_and(|files| files.is_match(&function.file))
            || self.functions.as_ref().is_some_and(|functions| functions.is_match(&path))
    }

    /// What it could have meant: files or paths of these functions, as it was written.
    pub fn candidates(&self, functions: &[&SourceFunction]) -> Vec<String> {
        let names = functions.iter().flat_map(|function| {
            let path = format!("{}::{}", function.module, function.name);
            let file = self.files.as_ref().map(|_| function.file.clone());
            let by_name = self.functions.is_some();
            [file, by_name.then(|| function.module.clone()), by_name.then_some(path)]
        });
        let mut names: Vec<String> = names.flatten().collect();
        names.sort();
        names.dedup();
        names
    }
}

fn compiled(glob: &str) -> Result<GlobMatcher, globset::Error> {
    let one = |glob: &str| -> Result<Glob, globset::Error> {
        GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build()
    };
    // Checked alone first: an error is then about what was written.
    one(glob)?;
    Ok(one(&format!("{{{glob},{glob}/**}}")).or_else(|_| one(glob))?.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(glob: &str, file: &str, path: &str) -> bool {
        let (module, name) = path.rsplit_once("::").unwrap();
        Pattern::new(glob).unwrap().takes(&SourceFunction {
            module: module.to_owned(),
            name: name.to_owned(),
            file: file.to_owned(),
            ..SourceFunction::default()
        })
    }

    #[test]
    fn files_and_functions_are_told_apart_by_their_separators() {
        let file = "members/orders/src/parser/lex.rs";
        let path = "orders::parser::lex::next";
        for glob in [
            "members/orders/**",
            "**/parser/*.rs",
            "members/orders",
            "./members/*/src/",
            "lex.rs",
            "*.rs",
            "orders::parser::*",
            "orders::**::next",
            "crate::parser",
            "orders::parser::lex::next",
            "next",
            "parser",
            "{other,parser}",
        ] {
            assert!(takes(glob, file, path), "{glob}");
        }
        for glob in [
            "src/**",
            "orders/*",
            "parse",
            "orders::lex",
            "crate::next",
            "*::next",
            "lex.r",
            "nex?t",
        ] {
            assert!(!takes(glob, file, path), "{glob}");
        }
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let error = Pattern::new("src/[a").unwrap_err();
        assert!(error.to_string().contains("`src/[a` is no pattern"), "{error}");
        assert!(error.hint().unwrap().contains("src/parser/**"));
    }

    #[test]
    fn candidates_are_of_the_kind_that_was_asked_for() {
        let function = SourceFunction {
            module: "m".to_owned(),
            name: "f".to_owned(),
            file: "src/a.rs".to_owned(),
            ..SourceFunction::default()
        };
        let of = |glob: &str| Pattern::new(glob).unwrap().candidates(&[&function]);
        assert_eq!(of("src/b.rs"), ["src/a.rs"]);
        assert_eq!(of("m::g"), ["m", "m::f"]);
    }
}
