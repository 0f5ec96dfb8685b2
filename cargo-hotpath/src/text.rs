//! Text in lines of a given width.

/// The text in lines of at most `width` characters, broken at spaces. A word that is longer is
/// broken where it must be, a number is not parted from its digits or unit. Runs of spaces stay as
/// they are inside a line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.trim_end().chars().collect();
    while rest.len() > width {
        let at = (1..=width).rev().find(|at| may_break(&rest, *at)).unwrap_or(width);
        let tail = rest.split_off(at);
        lines.push(rest.iter().collect::<String>().trim_end().to_owned());
        rest = tail.into_iter().skip_while(|character| *character == ' ').collect();
    }
    lines.push(rest.iter().collect());
    lines
}

/// Words that belong to the number before them.
const UNITS: &[&str] = &["%", "ns", "µs", "ms", "s", "B", "KiB", "MiB", "GiB", "TiB"];

fn may_break(text: &[char], at: usize) -> bool {
    if text[at] != ' ' {
        return false;
    }
    if !text[..at].last().is_some_and(char::is_ascii_digit) {
        return true;
    }
    let next: String = text[at + 1..]
        .iter()
        .take_while(|c| **c != ' ')
        .filter(|c| !",.;:()".contains(**c))
        .collect();
    !next.starts_with(|c: char| c.is_ascii_digit()) && !UNITS.contains(&next.as_str())
}

/// The text cut to `width` characters, with `…` where something is gone: at the front, as the end
/// of a path tells more.
pub(crate) fn cut_front(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(length - width.saturating_sub(1)).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aa bb cc", 8), ["aa bb cc"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn words_that_are_too_long_break() {
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("ééé éé", 3), ["ééé", "éé"]);
    }

    #[test]
    fn numbers_stay_whole() {
        assert_eq!(wrap("ran 1 000 000 times", 9), ["ran", "1 000 000", "times"]);
        assert_eq!(wrap("took 4.0 ms, (22.9 MiB)", 10), ["took", "4.0 ms,", "(22.9 MiB)"]);
    }

    #[test]
    fn paths_keep_their_end() {
        assert_eq!(cut_front("app::parse::line", 7), "…::line");
        assert_eq!(cut_front("app", 7), "app");
    }
}
