//! Snapshots as they stand in files: counts apart from times, which differ in every run and would
//! else change every line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Count, Each, Figures, Fingerprint, Identity, SiteFigures, Totals};
use crate::profile::FirstCall;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    workload: Identity,
    environment: Fingerprint,
    totals: Totals,
    functions: BTreeMap<String, Counts>,
    sites: BTreeMap<String, SiteFigures>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    times: BTreeMap<String, Times>,
}

/// Counts of a function, each one number where all repetitions agree, else one of each.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    calls: Written<u64>,
    allocs: Option<Written<u64>>,
    alloc_bytes: Option<Written<u64>>,
    reallocs: Option<Written<u64>>,
    self_allocs: Option<Written<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    polls: Option<Written<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    future_bytes: Option<Count>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Written<Option<FirstCall>>>,
}

/// Times of a function, of each repetition.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "fields carry their unit")]
struct Times {
    self_ns: Vec<u64>,
    p50_ns: Vec<u64>,
    p95_ns: Vec<u64>,
    p99_ns: Vec<u64>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Each(Vec<T>),
    Same(T),
}

impl<T: Copy + PartialEq> Written<T> {
    fn of(each: &[Each], of: fn(&Each) -> T) -> Option<Self> {
        let first = each.first().map(of)?;
        let is_same = each.iter().all(|it| of(it) == first);
        Some(if is_same { Self::Same(first) } else { Self::Each(each.iter().map(of).collect()) })
    }

    /// Repetitions that it tells apart.
    fn length(&self) -> Option<usize> {
        match self {
            Self::Each(all) => Some(all.len()),
            Self::Same(_) => None,
        }
    }

    fn at(&self, index: usize) -> Option<T> {
        match self {
            Self::Each(all) => all.get(index).copied(),
            Self::Same(value) => Some(*value),
        }
    }
}

impl From<&Figures> for Counts {
    fn from(figures: &Figures) -> Self {
        let each = &figures.each;
        let if_known = |count: Option<Count>, of| count.and_then(|_| Written::of(each, of));
        Self {
            calls: Written::of(each, |it| it.calls).unwrap_or(Written::Same(0)),
            allocs: if_known(figures.allocs, |it| it.allocs),
            alloc_bytes: if_known(figures.alloc_bytes, |it| it.alloc_bytes),
            reallocs: if_known(figures.reallocs, |it| it.reallocs),
            self_allocs: if_known(figures.self_allocs, |it| it.self_allocs),
            polls: if_known(figures.polls, |it| it.polls),
            future_bytes: figures.future_bytes,
            first: Written::of(each, |it| it.first)
                .filter(|first| !matches!(first, Written::Same(None))),
        }
    }
}

impl TryFrom<Counts> for Figures {
    type Error = String;

    fn try_from(counts: Counts) -> Result<Self, String> {
        let Counts { calls, allocs, alloc_bytes, reallocs, self_allocs, polls, .. } = &counts;
        let optional = [allocs, alloc_bytes, reallocs, self_allocs, polls].map(Option::as_ref);
        let measured = [allocs, alloc_bytes, reallocs, self_allocs].map(Option::is_some);
        if measured != [measured[0]; 4] {
            return Err("some counts of allocations are there and others aren't".to_owned());
        }
        let of_first = counts.first.as_ref().and_then(Written::length);
        let lengths = [Some(calls)].into_iter().chain(optional).flatten();
        let mut lengths: Vec<usize> = lengths.filter_map(Written::length).chain(of_first).collect();
        lengths.dedup();
        let length = match lengths.as_slice() {
            [] => 1,
            [length] if *length > 1 => *length,
            _ => return Err("counts of different numbers of repetitions".to_owned()),
        };
        let at = |written: &Option<Written<u64>>, index| {
            written.as_ref().and_then(|it| it.at(index)).unwrap_or_default()
        };
        let each = (0..length).map(|index| Each {
            calls: calls.at(index).unwrap_or_default(),
            allocs: at(allocs, index),
            alloc_bytes: at(alloc_bytes, index),
            reallocs: at(reallocs, index),
            self_allocs: at(self_allocs, index),
            polls: at(polls, index),
            first: counts.first.as_ref().and_then(|first| first.at(index).flatten()),
        });
        let figures = Figures::of_each(each.collect(), allocs.is_some(), polls.is_some());
        Ok(Figures { future_bytes: counts.future_bytes, ..figures })
    }
}

impl From<super::Snapshot> for Snapshot {
    fn from(snapshot: super::Snapshot) -> Self {
        let super::Snapshot { workload, environment, totals, functions, sites, .. } = snapshot;
        let counts = functions.iter().map(|(name, it)| (name.clone(), Counts::from(it))).collect();
        let is_timed = |it: &Figures| !it.self_ns.is_empty();
        let measured = functions.into_iter().filter(|(_, figures)| is_timed(figures));
        let of_functions = measured.map(|(name, figures)| {
            let Figures { self_ns, p50_ns, p95_ns, p99_ns, .. } = figures;
            (name, Times { self_ns, p50_ns, p95_ns, p99_ns })
        });
        let times = of_functions.collect();
        Self { workload, environment, totals, functions: counts, sites, times }
    }
}

impl TryFrom<Snapshot> for super::Snapshot {
    type Error = String;

    fn try_from(written: Snapshot) -> Result<Self, String> {
        let Snapshot { workload, environment, totals, functions, sites, mut times } = written;
        let figures = |(name, counts): (String, Counts)| {
            let mut figures =
                Figures::try_from(counts).map_err(|what| format!("function `{name}`: {what}"))?;
            if let Some(times) = times.remove(&name) {
                figures.self_ns = times.self_ns;
                figures.p50_ns = times.p50_ns;
                figures.p95_ns = times.p95_ns;
                figures.p99_ns = times.p99_ns;
            }
            Ok((name, figures))
        };
        let functions = functions.into_iter().map(figures).collect::<Result<_, String>>()?;
        let index = BTreeMap::new();
        Ok(Self { workload, environment, totals, functions, sites, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(calls: u64, allocs: u64) -> Each {
        Each { calls, allocs, ..Each::default() }
    }

    fn snapshot(all: Vec<Each>) -> super::super::Snapshot {
        let figures = Figures { self_ns: vec![7, 8], ..Figures::of_each(all, true, false) };
        let mut snapshot = super::super::Snapshot::default();
        snapshot.functions.insert("app::a".to_owned(), figures);
        snapshot
    }

    #[test]
    fn what_each_repetition_did_is_read_again() {
        let first = FirstCall { allocs: 9, ..FirstCall::default() };
        for all in [
            vec![each(4, 8), each(4, 8)],
            vec![each(100, 300), each(1000, 3000)],
            vec![Each { first: Some(first), ..each(3, 18) }, each(3, 18)],
        ] {
            let snapshot = snapshot(all);
            let text = serde_json::to_string(&snapshot).unwrap();
            let read: super::super::Snapshot = serde_json::from_str(&text).unwrap();
            assert_eq!(read, snapshot, "{text}");
        }
        let text = serde_json::to_value(snapshot(vec![each(4, 8), each(4, 9)])).unwrap();
        let of = |member: &str| text["functions"]["app::a"][member].to_string();
        assert_eq!((of("calls"), of("allocs")), ("4".to_owned(), "[8,9]".to_owned()));
        assert_eq!(text["times"]["app::a"]["self_ns"].to_string(), "[7,8]");
    }

    #[test]
    fn lists_of_different_lengths_are_refused() {
        let text = serde_json::to_string(&snapshot(vec![each(1, 2), each(3, 4)])).unwrap();
        let cut = text.replace("\"calls\":[1,3]", "\"calls\":[1,3,3]");
        assert_ne!(cut, text);
        let error = serde_json::from_str::<super::super::Snapshot>(&cut).unwrap_err().to_string();
        assert!(error.contains("function `app::a`: counts of different numbers"), "{error}");
    }
}
