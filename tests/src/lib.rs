//! What the end-to-end suites share: little workspaces, and the real binary run on them.

pub mod package;
