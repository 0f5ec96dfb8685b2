//! The sites of a function in the order in which its probes are numbered.

use hotpath_runtime_syntax::{Kind, Options};
use proc_macro2::LineColumn;
use syn::Block;

/// A site as the attribute numbers it.
pub(super) struct Site {
    pub(super) kind: Kind,
    /// Place of the method name, start of the path, macro path or `await`.
    pub(super) at: LineColumn,
    pub(super) label: String,
}

/// Every site of a function body under these options.
pub(super) fn of(block: &Block, is_async: bool, options: &Options) -> Vec<Site> {
    let selection = options.sites.unwrap_or_default();
    let mut sites = Vec::new();
    // The enumeration hands out expressions to be replaced: it walks a copy.
    hotpath_runtime_syntax::enumerate(&mut block.clone(), is_async, selection, &mut |_, site| {
        sites.push(Site { kind: site.kind, at: site.position.start(), label: site.label });
    });
    sites
}
