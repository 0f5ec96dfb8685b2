//! The static tables that the expansion puts into each measured function.

use core::sync::atomic::AtomicU32;

/// No table is this long, so that a lookup misses.
const UNREGISTERED: u32 = u32::MAX;

/// A measured function: where it is, and its sites.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub struct Function {
    pub(crate) package: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) is_async: bool,
    pub(crate) sites: &'static [Site],
    /// Line and column of the macro call that it comes from; 0 where it stands in the source.
    pub(crate) origin: [u32; 2],
    pub(crate) id: AtomicU32,
    pub(crate) first_site: AtomicU32,
}

/// An expression or await site of a function.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub struct Site {
    pub(crate) kind: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) label: &'static str,
}

impl Function {
    /// A table that has not registered yet.
    #[expect(clippy::too_many_arguments, reason = "written by the expansion only")]
    pub const fn new(
        package: Option<&'static str>,
        target: Option<&'static str>,
        module: &'static str,
        name: &'static str,
        file: &'static str,
        line: u32,
        column: u32,
        is_async: bool,
        sites: &'static [Site],
    ) -> Self {
        Self {
            package,
            target,
            module,
            name,
            file,
            line,
            column,
            is_async,
            sites,
            origin: [0; 2],
            id: AtomicU32::new(0),
            first_site: AtomicU32::new(UNREGISTERED),
        }
    }

    /// The same, told where its outermost macro call is, and where the attribute stands: they
    /// differ for what a macro makes, which its place alone doesn't tell apart.
    #[must_use]
    pub const fn expanded(mut self, call: [u32; 2], attribute: [u32; 2]) -> Self {
        if call[0] != attribute[0] || call[1] != attribute[1] {
            self.origin = call;
        }
        self
    }
}

impl Site {
    /// An entry of a function's table; the position is 1-based, in characters.
    pub const fn new(kind: &'static str, line: u32, column: u32, label: &'static str) -> Self {
        Self { kind, line, column, label }
    }
}
