//! Why a run has nothing to report: not a single call was counted.

use crate::error::Error;
use crate::profile::Profile;
use crate::repeat::{Repetitions, ending};

/// The first of four reasons that holds; `annotated` counts the functions that could have been hit,
/// `auto` says that they were chosen for the user.
///
/// The sources are read only where the answer depends on them.
pub fn reason(repetitions: &Repetitions, auto: bool, annotated: impl FnOnce() -> usize) -> Error {
    let failed = repetitions.failed().map(|(_, failed)| ending(failed));
    if let Some(reason) = not_stored(&repetitions.profiles[repetitions.median()]) {
        return Error::NotStored { reason, failed };
    }
    if let Some(ending) = failed {
        return Error::Workload { ending };
    }
    match annotated() {
        0 => Error::NothingHit {
            message: "the workload ran, but no function is annotated with `#[hotpath]`".to_owned(),
            hint: "write `#[hotpath_runtime::hotpath]` above the functions to measure".to_owned(),
        },
        annotated if auto => Error::NothingHit {
            message: not_reached(annotated, "instrumented"),
            hint: "give it input or arguments (after `--`) that do, or instrument more than `--auto=GLOB` takes".to_owned(),
        },
        annotated => Error::NothingHit {
            message: not_reached(annotated, "`#[hotpath]`"),
            hint: "give it input or arguments (after `--`) that do, or annotate what it does; `cargo hotpath list` shows what is annotated".to_owned(),
        },
    }
}

fn not_reached(functions: usize, which: &str) -> String {
    match functions {
        1 => format!("the workload ran, but didn't reach its only {which} function"),
        _ => format!("the workload ran, but reached none of its {functions} {which} functions"),
    }
}

/// What kept the counters from the profile: they are made at the first call, so there were some.
fn not_stored(profile: &Profile) -> Option<String> {
    if profile.processes > 0 {
        return None;
    }
    let [first, others @ ..] = profile.notes.as_slice() else { return None };
    Some(match others.len() {
        0 => first.clone(),
        more => format!("{first} (and {more} more)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;
    use crate::run_dir::Repetition;
    use crate::schema;

    fn ended(code: i32, notes: &[&str]) -> Repetitions {
        Repetitions {
            stored: vec![Repetition {
                profile: String::new(),
                wall_ns: 1,
                cpu_ns: None,
                allocs: None,
                instructions: None,
                exit: schema::Exit { code: Some(code), signal: None },
                timed_out: false,
                stopped: false,
                failure: None,
            }],
            profiles: vec![Profile {
                notes: notes.iter().map(|note| (*note).to_owned()).collect(),
                ..Profile::default()
            }],
            ..Repetitions::default()
        }
    }

    #[test]
    fn counters_that_were_not_stored_are_not_taken_for_calls_that_were_not_made() {
        let error = reason(&ended(0, &["no space", "again"]), false, || unreachable!());
        assert_eq!(error.exit(), Exit::NothingHit);
        let text = error.to_string();
        assert!(text.contains("counters could not be stored: no space (and 1 more)"), "{text}");
        assert!(error.hint().is_some_and(|hint| hint.contains("ulimit")));
        let error = reason(&ended(3, &["no space"]), false, || unreachable!());
        assert_eq!(error.exit(), Exit::Workload);
        assert!(error.to_string().starts_with("the workload exited with code 3, but its counters"));
    }

    #[test]
    fn without_a_note_the_workload_or_its_input_is_the_reason() {
        assert!(matches!(reason(&ended(3, &[]), false, || unreachable!()), Error::Workload { .. }));
        let message = |annotated| reason(&ended(0, &[]), false, || annotated).to_string();
        assert!(message(0).contains("no function is annotated"));
        assert!(message(1).contains("its only `#[hotpath]` function"));
        assert!(message(7).contains("none of its 7"));
        let chosen = reason(&ended(0, &[]), true, || 7).to_string();
        assert!(chosen.contains("none of its 7 instrumented functions"), "{chosen}");
    }
}
