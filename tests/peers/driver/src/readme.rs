//! Sections of the README that this program writes: between two comments that name them.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Puts `text` between the section's comments. The file is replaced as a whole or not at all.
pub(crate) fn write(path: &Path, section: &'static str, text: &str) -> Result<(), Error> {
    let file = |error| Error::File { path: path.into(), error };
    let old = fs::read_to_string(path).map_err(file)?;
    let new = replace(&old, section, text)
        .ok_or_else(|| Error::Markers { path: path.into(), section })?;
    if new == old {
        return Ok(());
    }
    let temporary = path.with_extension("md.new");
    fs::write(&temporary, new).and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        // What went wrong is worth more than whether this does.
        let _ = fs::remove_file(&temporary);
        file(error)
    })
}

fn replace(old: &str, section: &str, text: &str) -> Option<String> {
    let begin = format!("<!-- {section}:begin -->\n");
    let end = format!("<!-- {section}:end -->");
    let (before, rest) = old.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::replace;

    const OLD: &str = "a\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nb\n";

    #[test]
    fn only_what_lies_between_the_comments_is_replaced() {
        let new = replace(OLD, "peers", "new\n").expect("both comments");
        assert_eq!(new, "a\n<!-- peers:begin -->\n\nnew\n\n<!-- peers:end -->\nb\n");
        assert_eq!(replace(&new, "peers", "new\n").as_ref(), Some(&new), "the same again");
    }

    #[test]
    fn a_file_without_both_comments_is_left_alone() {
        assert_eq!(replace(OLD, "builds", "new"), None);
        assert_eq!(replace("<!-- peers:begin -->\n", "peers", "new"), None);
        assert_eq!(replace("<!-- peers:end -->\n<!-- peers:begin -->\n", "peers", "new"), None);
    }
}
