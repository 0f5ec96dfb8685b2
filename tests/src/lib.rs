//! What the end-to-end suites share: little workspaces, and the real binary run on them.

pub mod accuracy;
pub mod binary;
pub mod carried;
pub mod damage;
pub mod dense;
pub mod digest;
pub mod gate;
pub mod hotpath;
pub mod large;
pub mod package;
pub mod perf;
pub mod program;
pub mod published;
pub mod race;
pub mod report;
pub mod seeds;
pub mod verdict;
pub mod workspace;

pub use gate::Gate;
pub use hotpath::{Finished, Hotpath};
pub use report::{Report, number};
pub use workspace::Workspace;
