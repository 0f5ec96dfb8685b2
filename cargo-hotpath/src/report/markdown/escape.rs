//! Text that is shown as it is, whatever it holds: nothing in it is read as Markdown or HTML.

/// What means something to Markdown, GitHub's additions included.
const SPECIAL: &str = "\\`*_[]<>|~&$#";

/// Text in a line, with what stands in backticks as code.
pub(crate) fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((inner, left)) = after.split_once('`') else { break };
        shown += &plain(before);
        shown += &if inner.trim().is_empty() { plain(&format!("`{inner}`")) } else { code(inner) };
        rest = left;
    }
    shown + &plain(rest)
}

/// Code in a line.
pub(crate) fn code(code: &str) -> String {
    let code = one_line(code);
    if code.is_empty() {
        return code;
    }
    let fence = "`".repeat(longest_run(&code) + 1);
    // One space on both sides is taken away again; without it a backtick would join the fence.
    let is_edged = |edge: char| code.starts_with(edge) && code.ends_with(edge);
    let pad = if code.starts_with('`') || code.ends_with('`') || is_edged(' ') { " " } else { "" };
    format!("{fence}{pad}{code}{pad}{fence}")
}

/// Code in a table, where a `|` ends a cell even in code.
pub(crate) fn cell(content: &str) -> String {
    if content.contains("\\|") {
        // There a backslash before an escaped one can't be written as code.
        return plain(content).replace("\\|", "&#124;");
    }
    code(content).replace('|', "\\|")
}

/// Code in lines of its own.
pub(crate) fn fenced(language: &str, content: &str) -> String {
    let fence = "`".repeat(longest_run(content).max(2) + 1);
    let content: String =
        content.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    format!("{fence}{language}\n{}\n{fence}", content.trim_end_matches('\n'))
}

fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        if SPECIAL.contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Line breaks and what a terminal would take for a command as spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_as_markdown() {
        assert_eq!(
            text("<b>*x*</b> a_b | [l](u) ~s~ &amp; #1 $m$ \\"),
            "\\<b\\>\\*x\\*\\</b\\> a\\_b \\| \\[l\\](u) \\~s\\~ \\&amp; \\#1 \\$m\\$ \\\\"
        );
        assert_eq!(text("a\nb\u{1b}[31m"), "a b \\[31m");
    }

    #[test]
    fn code_stays_code() {
        assert_eq!(text("copy of a `Vec<_>`, `x`"), "copy of a `Vec<_>`, `x`");
        assert_eq!(text("a ` alone"), "a \\` alone");
        assert_eq!(text("`` empty"), "\\`\\` empty");
        assert_eq!(text("`a` b `"), "`a` b \\`");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a``"), "``` `a`` ```");
        assert_eq!(code(" a "), "`  a  `");
        assert_eq!(fenced("rust", "/// ```\nf()\n"), "````rust\n/// ```\nf()\n````");
        assert_eq!(fenced("sh", "a\u{1b}b"), "```sh\nab\n```");
    }

    #[test]
    fn cells_end_where_they_should() {
        assert_eq!(cell("f(|x| x)"), "`f(\\|x\\| x)`");
        assert_eq!(cell("r\"a\\|b\""), "r\"a\\\\&#124;b\"");
    }
}
