//! Async blocks: each gets a table and a frame of its own.

use hotpath_runtime_syntax::{async_blocks, block_name, block_position};
use proc_macro2::Span;
use quote::quote_spanned;
use syn::{Block, Expr};

use super::probe::list;
use super::runtime::Runtime;
use super::table;
use crate::model::Function;

/// `frame({ static TABLE; &TABLE }, async { .. })` for every block.
///
/// Sites inside stay those of the function: the table is only in scope where it is handed over.
pub(super) fn wrap(body: &mut Block, function: &Function, runtime: &Runtime) {
    async_blocks(body, &mut |expr: &mut Expr, number| {
        let Expr::Async(block) = &*expr else { return };
        let span = Span::mixed_site().located_at(block_position(block));
        let name = block_name(&function.name, number);
        let at = block_position(block);
        let statics = table::of_block(&name, (at, function.columns.position(at)), true, runtime);
        let table = Runtime::table(span);
        let handed = Expr::Verbatim(quote_spanned!(span=> { #statics &#table }));
        let block = std::mem::replace(expr, Expr::PLACEHOLDER);
        *expr = runtime.call("frame", span, list([handed, block], span));
    });
}
