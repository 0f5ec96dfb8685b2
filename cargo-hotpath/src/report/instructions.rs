//! Instruction counts in words.

use crate::schema::{Instructions, Report};
use crate::units;

/// `Instructions: 1 234 567 by callgrind, in user space, probes included; 1 234 500 to 1 234 600 in 3 runs.`, or
/// why there are none; nothing where nobody asked.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let Instructions { count, source, reason } = report.totals.instructions.as_ref()?;
    let unknown = || "nobody knows why".to_owned();
    let Some(count) = count else {
        let reason = reason.clone().unwrap_or_else(unknown);
        return Some(format!("Instructions: not counted: {reason}."));
    };
    let counts = || report.runs.iter().filter_map(|run| run.instructions);
    let range = counts().min().zip(counts().max()).filter(|_| counts().count() > 1);
    let range = range.map(|(least, most)| {
        let (runs, least) = (counts().count(), units::count(least));
        format!("; {least} to {} in {runs} runs", units::count(most))
    });
    Some(format!(
        "Instructions: {} by {}, in user space, probes included{}.",
        units::count(*count),
        source.name(),
        range.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, repetition, report};
    use crate::schema::{InstructionSource, Run};

    #[test]
    fn a_count_is_said_with_its_spread_and_a_missing_one_with_its_reason() {
        let mut report = report(&busy(), |_, _| {});
        assert_eq!(sentence(&report), None);
        let source = InstructionSource::Callgrind;
        let counted = Instructions { count: Some(1_000_001), source, reason: None };
        report.totals.instructions = Some(counted);
        let run = |count| Run { instructions: Some(count), ..repetition(1) };
        report.runs = vec![run(1_000_001), run(1_000_000), run(1_000_002)];
        assert_eq!(
            sentence(&report).unwrap(),
            "Instructions: 1 000 001 by callgrind, in user space, probes included; 1 000 000 to \
             1 000 002 in 3 runs."
        );
        let reason = Some("valgrind is not installed".to_owned());
        report.totals.instructions = Some(Instructions { count: None, source, reason });
        let missing = "Instructions: not counted: valgrind is not installed.";
        assert_eq!(sentence(&report).unwrap(), missing);
    }
}
