//! Colours, when they are asked for.

use anstyle::{AnsiColor, Style};

use crate::schema::Severity;

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Strong,
    Dim,
    Warning,
    Impact(Severity),
}

/// Applies tones, or leaves text as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    color: bool,
}

impl Paint {
    pub(super) fn new(color: bool) -> Self {
        Self { color }
    }

    pub(super) fn is_on(self) -> bool {
        self.color
    }

    pub(super) fn apply(self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain {
            return text.to_owned();
        }
        let style = style(tone);
        format!("{style}{text}{style:#}")
    }
}

fn style(tone: Tone) -> Style {
    let bold = Style::new().bold();
    let of = |color: AnsiColor| bold.fg_color(Some(color.into()));
    match tone {
        Tone::Plain => Style::new(),
        Tone::Heading => bold.underline(),
        Tone::Strong => bold,
        Tone::Dim => Style::new().dimmed(),
        Tone::Warning | Tone::Impact(Severity::Medium) => of(AnsiColor::Yellow),
        Tone::Impact(Severity::High) => of(AnsiColor::Red),
        Tone::Impact(Severity::Low) => of(AnsiColor::Cyan),
        Tone::Impact(Severity::Info) => of(AnsiColor::Blue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_plain_unless_colour_is_asked_for() {
        assert_eq!(Paint::new(false).apply(Tone::Heading, "x"), "x");
        assert_eq!(Paint::new(true).apply(Tone::Plain, "x"), "x");
        let red = Paint::new(true).apply(Tone::Impact(Severity::High), "x");
        assert_eq!(red, "\u{1b}[1m\u{1b}[31mx\u{1b}[0m");
    }
}
