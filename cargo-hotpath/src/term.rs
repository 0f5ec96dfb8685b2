//! Everything that is printed beside the report: the only place that knows anstream and indicatif.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{Color, DisplayArgs};
use crate::error::Error;

const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// How much is printed, and with which colours.
#[derive(Clone, Debug, Default)]
pub struct Term {
    /// `--color` as given; cargo gets the same.
    pub color: Option<Color>,
    /// No progress.
    pub quiet: bool,
    /// Count of `-v`.
    pub verbose: u8,
}

/// A stage that is under way; a spinner on a terminal until it is dropped.
#[derive(Debug)]
pub struct Step(Option<ProgressBar>);

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Term {
    /// Sets the process's colours once.
    pub fn new(args: &DisplayArgs) -> Self {
        match args.color {
            Some(Color::Always) => ColorChoice::Always.write_global(),
            Some(Color::Never) => ColorChoice::Never.write_global(),
            // anstream's own default follows NO_COLOR, CLICOLOR and the stream.
            Some(Color::Auto) | None => {}
        }
        Self { color: args.color, quiet: args.quiet, verbose: args.verbose }
    }

    /// A line of progress as cargo prints them, the verb right-aligned.
    pub fn status(&self, verb: &str, text: impl Display) {
        if !self.quiet {
            line(format_args!("{GREEN}{verb:>12}{GREEN:#} {text}"));
        }
    }

    /// What changes in the user's files; printed even with `-q`.
    pub fn change(&self, verb: &str, text: impl Display) {
        line(format_args!("{GREEN}{verb:>12}{GREEN:#} {text}"));
    }

    /// A line for `-v`.
    pub fn detail(&self, verb: &str, text: impl Display) {
        if self.verbose > 0 {
            line(format_args!("{CYAN}{verb:>12}{CYAN:#} {text}"));
        }
    }

    /// Something that changes how the result is to be read; printed even with `-q`.
    pub fn warning(&self, text: impl Display) {
        line(format_args!("{YELLOW}warning{YELLOW:#}: {text}"));
    }

    /// An error with its next step.
    pub fn error(&self, error: &Error) {
        line(format_args!("{RED}error{RED:#}: {error}"));
        if let Some(hint) = error.hint() {
            line(format_args!("  {CYAN}help{CYAN:#}: {hint}"));
        }
    }

    /// Something that doesn't pass, though a report could be made.
    pub fn failure(&self, text: impl Display) {
        line(format_args!("{RED}error{RED:#}: {text}"));
    }

    /// Text that is another program's, such as a compiler diagnostic.
    pub fn passthrough(&self, text: &str) {
        let _ = write!(anstream::stderr().lock(), "{text}");
    }

    /// Starts a stage of ours that may take a moment.
    pub fn step(&self, verb: &str, text: &str) -> Step {
        if self.quiet {
            return Step(None);
        }
        if !io::stderr().is_terminal() {
            self.status(verb, text);
            return Step(None);
        }
        let bar = ProgressBar::new_spinner().with_message(format!("{verb:>12} {text}"));
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg} {spinner}").unwrap_or_else(|_| {
            // The template is a constant; the default serves should a version dislike it.
            ProgressStyle::default_spinner()
        }));
        bar.enable_steady_tick(Duration::from_millis(100));
        Step(Some(bar))
    }

    /// Whether what goes to standard output may be coloured.
    pub fn color_stdout(&self) -> bool {
        anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
    }

    /// Whether diagnostics on standard error may be coloured.
    pub fn color_stderr(&self) -> bool {
        anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
    }

    /// Columns to format the report for: `COLUMNS`, else those of the terminal that standard output
    /// is, else 100.
    pub fn width(&self) -> usize {
        let terminal = terminal_size::terminal_size_of(io::stdout())
            .map(|(terminal_size::Width(columns), _)| usize::from(columns));
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        width(columns, terminal)
    }
}

/// A terminal that doesn't know its size says 0.
fn width(columns: Option<usize>, terminal: Option<usize>) -> usize {
    const PLAIN: usize = 100;
    columns.into_iter().chain(terminal).find(|&width| width > 0).unwrap_or(PLAIN).min(160)
}

/// Writes to standard output; a reader that went away is [`Error::Closed`].
pub fn write_stdout(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|source| {
        match source.kind() {
            ErrorKind::BrokenPipe => Error::Closed,
            _ => Error::output("the report to standard output", source),
        }
    })
}

fn line(text: std::fmt::Arguments<'_>) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::width;

    #[test]
    fn what_was_asked_for_comes_before_the_terminal() {
        assert_eq!(width(Some(80), None), 80);
        assert_eq!(width(None, Some(120)), 120);
        assert_eq!(width(Some(80), Some(120)), 80);
        assert_eq!(width(None, None), 100);
        assert_eq!(width(Some(0), Some(0)), 100);
        assert_eq!((width(None, Some(50)), width(None, Some(999))), (50, 160));
    }
}
