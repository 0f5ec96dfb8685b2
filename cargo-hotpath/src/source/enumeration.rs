//! The sites of a function in the order in which its probes are numbered.

use hotpath_runtime_syntax::{Kind, Options};
use proc_macro2::LineColumn;
use syn::Block;

/// A site as the attribute numbers it.
pub(super) struct Site {
    pub(super) kind: Kind,
    /// Place of the method name, macro path or `await`.
    pub(super) at: LineColumn,
    pub(super) label: String,
}

/// Every site of a function body under these options.
pub(super) fn of(block: &Block, options: &Options) -> Vec<Site> {
    let mut block = block.clone();
    let selection = options.sites.unwrap_or_default();
    hotpath_runtime_syntax::enumerate(&mut block, selection)
        .into_iter()
        .map(|site| Site { kind: site.kind, at: site.span.start(), label: site.label })
        .collect()
}
