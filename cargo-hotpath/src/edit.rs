//! Changes to the user's own files: shown as a diff, written whole or not at all.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::error::Error;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// Unchanged lines around a change.
pub const CONTEXT: usize = 3;

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name for people, with `/`.
    pub name: String,
    /// The text that the change was made for.
    pub before: String,
    /// What it becomes.
    pub after: String,
}

impl Edit {
    /// The unified diff, as `patch` and `git apply` take it where `color` is off.
    pub fn diff(&self, color: bool) -> String {
        diff(&self.name, &self.before, &self.after, color)
    }

    /// Writes the file, unless it has changed since the edit was made.
    ///
    /// # Errors
    ///
    /// It has changed, or can't be read or written; it is then as it was.
    pub fn apply(&self) -> Result<(), Error> {
        let failed = |source| Error::output(self.path.display(), source);
        // A link stays one.
        let path = fs::canonicalize(&self.path).map_err(failed)?;
        if fs::read_to_string(&path).map_err(failed)? != self.before {
            return Err(Error::usage(
                format!("{} has changed meanwhile", self.name),
                "run the command again: it then works on the file as it is now",
            ));
        }
        replace(&path, &self.after).map_err(failed)
    }
}

/// The same of a part of a file, behind so many lines.
pub fn diff_from(name: &str, skipped: usize, (before, after): (&str, &str)) -> String {
    let whole = diff(name, before, after, false);
    let lines = whole.split_inclusive('\n').map(|line| match line.strip_prefix("@@ -") {
        Some(places) => moved(places, skipped).unwrap_or_else(|| line.to_owned()),
        None => line.to_owned(),
    });
    lines.collect()
}

/// `1,5 +1,4 @@` with both places moved down.
fn moved(places: &str, by: usize) -> Option<String> {
    let (old, rest) = places.split_once(" +")?;
    let (new, rest) = rest.split_once(" @@")?;
    let down = |place: &str| {
        let (line, count) = place.split_once(',').unwrap_or((place, "1"));
        let line = line.parse::<usize>().ok()? + by;
        Some(if count == "1" { line.to_string() } else { format!("{line},{count}") })
    };
    Some(format!("@@ -{} +{} @@{rest}", down(old)?, down(new)?))
}

/// The unified diff of a file, as `patch` and `git apply` take it where `color` is off.
pub fn diff(name: &str, before: &str, after: &str, color: bool) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        paint(&mut text, color.then_some(PLACE), &format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', None),
                ChangeTag::Delete => ('-', Some(REMOVED)),
                ChangeTag::Insert => ('+', Some(ADDED)),
            };
            let missing =
                if change.missing_newline() { "\n\\ No newline at end of file\n" } else { "" };
            let line = format!("{sign}{}{missing}", change.value());
            paint(&mut text, style.filter(|_| color), &line);
        }
    }
    text
}

fn paint(text: &mut String, style: Option<Style>, line: &str) {
    match style {
        Some(style) => {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            // Writing to a string can't fail.
            let _ = write!(text, "{style}{line}{style:#}{end}");
        }
        None => text.push_str(line),
    }
}

/// Beside it and renamed, with the permissions that it had.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".hotpath-").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(path: PathBuf) -> Edit {
        Edit {
            path,
            name: "src/a.rs".to_owned(),
            before: "one\ntwo\nthree".to_owned(),
            after: "one\n2\nthree".to_owned(),
        }
    }

    #[test]
    fn a_diff_is_one_that_tools_take() {
        let expected = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
                        \\ No newline at end of file\n";
        assert_eq!(edit(PathBuf::new()).diff(false), expected);
        assert!(edit(PathBuf::new()).diff(true).contains("\u{1b}["));
    }

    #[test]
    fn a_file_that_has_changed_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.rs");
        fs::write(&path, "another").unwrap();
        assert!(edit(path.clone()).apply().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a.rs"), dir.path().join("link.rs"));
        fs::write(&file, "one\ntwo\nthree").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        edit(link.clone()).apply().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\n2\nthree");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
