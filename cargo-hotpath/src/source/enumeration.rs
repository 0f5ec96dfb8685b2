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

/// Every site of a function body under these options; the body is left as it is.
pub(super) fn of(block: &mut Block, is_async: bool, options: &Options) -> Vec<Site> {
    let selection = options.sites.unwrap_or_default();
    let mut sites = Vec::new();
    hotpath_runtime_syntax::enumerate(block, is_async, selection, &mut |_, site| {
        sites.push(Site { kind: site.kind, at: site.position.start(), label: site.label });
    });
    sites
}
