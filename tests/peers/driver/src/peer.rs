//! The peers: what the tables call them, and how much work tells what they cost.

/// Calls after which a peer that changes nothing over time is warm.
const WARM: u32 = 5_000;
/// After so many calls in a thread our throttle times as few of them as it ever will.
const THROTTLED: u32 = 300_000;
/// Calls between two counts of instructions.
const COUNTED: u32 = 20_000;
/// Calls that memory may grow in: more of ours, which must not.
const GROWING: (u32, u32) = (1_000_000, 10_000_000);

/// One row: a program and the environment that it runs in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// As the tables name it.
    pub(crate) name: &'static str,
    /// The package that builds its program, and the program.
    pub(crate) package: &'static str,
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) role: Role,
    /// Calls of each function before it is measured.
    pub(crate) warm_up: u32,
    /// Calls between two counts of instructions.
    pub(crate) counted: u32,
    /// Calls that memory may grow in.
    pub(crate) growing: u32,
}

/// What a peer is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// What the others' overhead is given in.
    Limit,
    /// Probes in functions.
    Probes,
    /// The allocator of a program without any of its own.
    DefaultAllocator,
    /// A counting allocator, with what it counts by.
    Allocator(&'static str),
    /// Both: probes that know what was allocated, and by what.
    Both(&'static str),
}

impl Role {
    pub(crate) fn has_probes(self) -> bool {
        matches!(self, Self::Limit | Self::Probes | Self::Both(_))
    }

    pub(crate) fn has_allocator(self) -> bool {
        matches!(self, Self::DefaultAllocator | Self::Allocator(_) | Self::Both(_))
    }

    /// The shapes whose instructions and memory are measured.
    pub(crate) fn shapes(self) -> &'static [&'static str] {
        match (self.has_probes(), self.has_allocator()) {
            (true, true) => &["leaf", "pair"],
            (true, false) => &["leaf"],
            _ => &["pair"],
        }
    }
}

const fn probes(name: &'static str, package: &'static str) -> Peer {
    Peer {
        name,
        package,
        variables: &[],
        role: Role::Probes,
        warm_up: WARM,
        counted: COUNTED,
        growing: GROWING.0,
    }
}

const fn allocator(name: &'static str, package: &'static str, by: &'static str) -> Peer {
    Peer { role: Role::Allocator(by), ..probes(name, package) }
}

/// In the order of the tables; peers that aren't ours are sorted by their cost.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        role: Role::Limit,
        ..probes("limit: two readings of the clock, two thread-local additions", "peer-limit")
    },
    Peer {
        variables: &[("CARGO_HOTPATH_SUMMARY", "0")],
        warm_up: THROTTLED,
        growing: GROWING.1,
        ..probes("**cargo-hotpath**, as it is", "peer-hotpath-runtime")
    },
    Peer {
        variables: &[("CARGO_HOTPATH_SUMMARY", "0")],
        warm_up: THROTTLED,
        growing: GROWING.1,
        role: Role::Both("function in its context"),
        ..probes("**cargo-hotpath**, with its allocator", "peer-hotpath-runtime-alloc")
    },
    Peer {
        variables: &[("CARGO_HOTPATH_SUMMARY", "0"), ("CARGO_HOTPATH_THROTTLE", "0")],
        growing: GROWING.1,
        ..probes("**cargo-hotpath**, every call timed", "peer-hotpath-runtime")
    },
    probes("two `Instant::now()`", "peer-instant"),
    probes("`fastrace` 0.7.19", "peer-fastrace"),
    Peer {
        variables: &[("HOTPATH_METRICS_SERVER_OFF", "1")],
        ..probes("`hotpath` 0.30.3", "peer-hotpath")
    },
    Peer {
        variables: &[("HOTPATH_METRICS_SERVER_OFF", "1")],
        role: Role::Both("function"),
        ..probes("`hotpath` 0.30.3, `hotpath-alloc`", "peer-hotpath-alloc")
    },
    probes("`puffin` 0.20.0", "peer-puffin"),
    probes("`tracing` 0.1.44, least timing layer", "peer-tracing"),
    probes("`tracy-client` 0.19.0, no viewer", "peer-tracy-client"),
    Peer {
        role: Role::DefaultAllocator,
        ..allocator("default: none installed", "peer-system", "")
    },
    allocator("`divan` 0.1.21", "peer-divan", "thread"),
    allocator("`stats_alloc` 0.1.10", "peer-stats_alloc", "process"),
    Peer { counted: 1_000, growing: 50_000, ..allocator("`dhat` 0.3.3", "peer-dhat", "backtrace") },
];

impl Peer {
    /// Whether the row is ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.package.starts_with("peer-hotpath-runtime")
    }
}
