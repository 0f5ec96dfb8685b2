//! Flags that say what the report shows, and where it goes.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::REPORT;

/// What the report shows, and where it goes.
#[derive(Debug, Args)]
pub struct ReportFlags {
    /// List at most this many functions [default: 10]
    #[arg(long, value_name = "N", env = "CARGO_HOTPATH_TOP", help_heading = REPORT,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Hide findings that gain less than this percentage of the wall time [default: 0.5, or 1 % of
    /// the allocations; `min_impact_pct` of a rule in the configuration goes first]
    #[arg(long, value_name = "PCT", env = "CARGO_HOTPATH_MIN_IMPACT", help_heading = REPORT)]
    pub min_impact: Option<String>,
    /// Show every finding, however small, but for what the source or the configuration allows
    #[arg(long, env = "CARGO_HOTPATH_ALL", help_heading = REPORT,
        value_parser = FalseyValueParser::new(), conflicts_with = "min_impact")]
    pub all: bool,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", env = "CARGO_HOTPATH_FORMAT", help_heading = REPORT,
        value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the report to a file
    #[arg(short, long, value_name = "FILE", env = "CARGO_HOTPATH_OUTPUT", help_heading = REPORT)]
    pub output: Option<PathBuf>,
    /// Write the report in another format to a file, too (`sarif=hotpath.sarif`)
    #[arg(long, value_name = "FORMAT=FILE", env = "CARGO_HOTPATH_ALSO", help_heading = REPORT,
        value_parser = also)]
    pub also: Vec<Also>,
}

/// A format, and the file that it goes to beside the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Also {
    /// Format.
    pub format: Format,
    /// File.
    pub path: PathBuf,
}

fn also(text: &str) -> Result<Also, String> {
    let names: Vec<&str> = Format::value_variants().iter().map(|format| format.name()).collect();
    let known = || format!("write `FORMAT=FILE`, FORMAT one of {}", names.join(", "));
    let (format, path) =
        text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(known)?;
    Ok(Also { format: Format::from_str(format, false).map_err(|_| known())?, path: path.into() })
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document, with a schema
    Json,
    /// For pull requests, issues and job summaries
    Markdown,
    /// Annotations of GitHub's workflows, and the job summary
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// XML as that of `JUnit`, for test reports
    Junit,
}

impl Format {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn other_formats_are_each_for_a_file() {
        assert_eq!(also("junit=a=b.xml").unwrap().path, Path::new("a=b.xml"));
        assert_eq!(also("sarif=x").unwrap().format, Format::Sarif);
        for bad in ["sarif", "sarif=", "xml=x", "=x", ""] {
            assert!(also(bad).unwrap_err().contains("one of human, json"), "{bad}");
        }
    }
}
