//! The environment that a snapshot is of.

use serde::{Deserialize, Serialize};

use crate::schema::Environment;

/// What times depend on beside the program: they are never compared where any of it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// First line of `rustc -V`.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Cargo profile.
    pub profile: String,
    /// Features the user asked for.
    pub features: Vec<String>,
    /// CPU model, where the system names it.
    pub cpu: Option<String>,
    /// Logical cores.
    pub cores: u64,
    /// Operating system.
    pub os: String,
}

impl From<&Environment> for Fingerprint {
    fn from(environment: &Environment) -> Self {
        Self {
            rustc: environment.rustc.clone(),
            target: environment.target.clone(),
            profile: environment.profile.clone(),
            features: environment.features.clone(),
            cpu: environment.cpu.clone(),
            cores: environment.cores,
            os: environment.os.clone(),
        }
    }
}

impl Fingerprint {
    /// What differs, in words: `rustc 1.94.0 and rustc 1.95.0`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let cores = |print: &Self| format!("{} cores", print.cores);
        let cpu = |print: &Self| print.cpu.clone().unwrap_or_else(|| "an unknown CPU".to_owned());
        let profile = |print: &Self| format!("profile `{}`", print.profile);
        let features = |print: &Self| match print.features.as_slice() {
            [] => "no features asked for".to_owned(),
            features => format!("features `{}`", features.join(",")),
        };
        let of = |print: &Self| {
            [
                print.rustc.clone(),
                print.target.clone(),
                profile(print),
                features(print),
                cpu(print),
                cores(print),
                print.os.clone(),
            ]
        };
        let pairs = of(self).into_iter().zip(of(other));
        pairs.filter(|(a, b)| a != b).map(|(a, b)| format!("{a} and {b}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_say_what_differs() {
        let ours = Fingerprint { rustc: "rustc 1".to_owned(), cores: 2, ..Fingerprint::default() };
        let theirs = Fingerprint { rustc: "rustc 2".to_owned(), ..ours.clone() };
        assert_eq!(ours.differences(&theirs), ["rustc 1 and rustc 2"]);
        assert!(ours.differences(&ours).is_empty());
    }
}
