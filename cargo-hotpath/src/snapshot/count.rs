//! Counts over several repetitions.

use serde::{Deserialize, Serialize};

/// A count over all repetitions: one number where they agree, `[least, most]` where they don't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Count {
    /// In the repetition that had the fewest.
    pub least: u64,
    /// In the one that had the most.
    pub most: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Same(u64),
    Differing([u64; 2]),
}

impl From<Written> for Count {
    fn from(written: Written) -> Self {
        match written {
            Written::Same(count) => Self::exact(count),
            Written::Differing([a, b]) => Self { least: a.min(b), most: a.max(b) },
        }
    }
}

impl From<Count> for Written {
    fn from(count: Count) -> Self {
        match count {
            Count { least, most } if least == most => Self::Same(least),
            Count { least, most } => Self::Differing([least, most]),
        }
    }
}

impl Count {
    /// The same in every repetition.
    pub fn exact(count: u64) -> Self {
        Self { least: count, most: count }
    }

    /// Of these repetitions; `None` of none.
    pub fn of(counts: impl IntoIterator<Item = u64>) -> Option<Self> {
        counts
            .into_iter()
            .map(Self::exact)
            .reduce(|a, b| Self { least: a.least.min(b.least), most: a.most.max(b.most) })
    }

    /// Whether all repetitions agree.
    pub fn is_exact(self) -> bool {
        self.least == self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_one_number_unless_repetitions_differ() {
        let written = |counts: &[u64]| {
            serde_json::to_string(&Count::of(counts.iter().copied()).unwrap()).unwrap()
        };
        assert_eq!(written(&[7, 7, 7]), "7");
        assert_eq!(written(&[9, 7, 8]), "[7,9]");
        assert_eq!(Count::of([]), None);
        let read: Count = serde_json::from_str("[9, 7]").unwrap();
        assert_eq!(read, Count { least: 7, most: 9 });
        assert!(serde_json::from_str::<Count>("-1").is_err());
    }
}
