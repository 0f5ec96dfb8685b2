//! What the source says of the sites of one function.

mod awaits;
mod calls;
mod growth;
mod items;
mod last_use;
mod loops;
mod outlived;
mod uses;
mod walk;

use std::collections::HashMap;

use hotpath_runtime::hotpath;
use hotpath_runtime_syntax::Kind;
use proc_macro2::{LineColumn, Span};
use syn::visit::Visit;
use syn::{Block, Expr, Signature};

use super::span::Lines;
use super::{place, range};
use crate::facts::{SiteSource, Usage};
use growth::Binding;
use items::Items;
use last_use::Store;
use loops::Loops;
use outlived::Outlived;
use uses::Uses;

/// One site as it was enumerated: its kind, and the place of its method name, macro path or `await`.
pub(super) type Enumerated = (Kind, LineColumn);

/// A function, without what is around it.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) signature: &'a Signature,
    pub(super) block: &'a Block,
}

/// Source facts for each of `sites`, in their order; `None` for those that are not found where
/// the enumeration says.
#[hotpath]
pub(super) fn describe(
    body: Body<'_>,
    sites: &[Enumerated],
    lines: &Lines<'_>,
    in_test: bool,
) -> Vec<Option<SiteSource>> {
    if sites.is_empty() {
        return Vec::new();
    }
    let wanted = sites.iter().enumerate();
    let wanted = wanted.map(|(index, (kind, place))| (key(*kind, *place), index)).collect();
    let mut walker = Walker {
        lines,
        wanted,
        found: sites.iter().map(|_| None).collect(),
        loops: Loops::default(),
        scopes: Vec::new(),
        bindings: Vec::new(),
        uses: Uses::default(),
        items: Vec::new(),
        stores: Vec::new(),
        outlived: Outlived::default(),
        statement: None,
        slot: Slot::default(),
        closures: 0,
        in_test,
    };
    walker.parameters(body);
    walker.visit_block(body.block);
    let mut described = walker.finish(sites);
    let places: HashMap<(usize, usize), usize> = sites
        .iter()
        .enumerate()
        .filter(|(_, (kind, _))| matches!(kind, Kind::Await | Kind::Lock))
        .map(|(index, (_, place))| ((place.line, place.column), index))
        .collect();
    let site = |place: LineColumn| places.get(&(place.line, place.column)).copied();
    for (index, awaited) in awaits::of(body.signature, body.block, &site) {
        if let Some(source) = &mut described[index] {
            source.awaited = Some(awaited);
        }
    }
    described
}

/// A site that was found, with what can only be completed at the function's end.
struct Found {
    source: SiteSource,
    innermost: Option<usize>,
    binding: Option<usize>,
    /// Closures around it.
    closures: u32,
}

/// What the parent of an expression does with its value.
#[derive(Default)]
struct Slot {
    usage: Usage,
    /// Index of the binding that a `let` makes of it.
    binding: Option<usize>,
    /// Site of the call that takes it.
    taken_by: Option<usize>,
    /// Methods that are called on it, and on what the one before gives.
    chain: Vec<String>,
}

impl Slot {
    fn of(usage: Usage) -> Self {
        Self { usage, ..Self::default() }
    }

    fn taken(usage: Usage, taken_by: Option<usize>) -> Self {
        Self { usage, taken_by, ..Self::default() }
    }

    /// The receiver of a method whose own value is in the slot `of`.
    fn receiver(method: String, own_site: Option<usize>, mut of: Vec<String>) -> Self {
        of.insert(0, method.clone());
        Self { chain: of, ..Self::taken(Usage::Receiver(method), own_site) }
    }
}

struct Walker<'a> {
    lines: &'a Lines<'a>,
    /// Site index by place.
    wanted: HashMap<Key, usize>,
    found: Vec<Option<Found>>,
    loops: Loops,
    /// Ends of the blocks around, in bytes.
    scopes: Vec<usize>,
    bindings: Vec<Binding>,
    uses: Uses,
    items: Vec<Items>,
    stores: Vec<Store>,
    outlived: Outlived,
    /// Range of the innermost statement around.
    statement: Option<(LineColumn, LineColumn)>,
    /// For the next expression only.
    slot: Slot,
    /// Closures and blocks of their own around the current expression.
    closures: u32,
    in_test: bool,
}

/// Line, column, and whether it's an await: a branch of `select!` starts where its call does.
type Key = (usize, usize, bool);

fn key(kind: Kind, place: LineColumn) -> Key {
    (place.line, place.column, kind == Kind::Await)
}

impl Walker<'_> {
    fn finish(mut self, sites: &[Enumerated]) -> Vec<Option<SiteSource>> {
        self.uses.resolve(&self.bindings);
        let grown = growth::of(&self.bindings, &self.found, &self.loops, sites);
        let variables: Vec<_> =
            self.found.iter().map(|found| self.variable(found.as_ref())).collect();
        let lent: Vec<_> = (0..sites.len()).map(|site| self.items_only_lent(site)).collect();
        let loops = &self.loops;
        self.found
            .into_iter()
            .zip(grown)
            .zip(variables)
            .zip(lent)
            .map(|(((found, growth), variable), lent)| {
                let found = found?;
                let mut source = found.source;
                source.grown_by = growth.in_loop;
                source.fed_by = growth.anywhere;
                source.only_lent = variable.only_lent;
                source.original_stays = variable.original_stays;
                source.used_once = variable.used_once;
                source.last_use = variable.last_use;
                source.declared_type = variable.declared_type;
                source.bound_by = variable.bound_by;
                source.read_in_body = variable.read_in_body;
                source.root_origin = variable.root_origin;
                source.items_only_lent = lent;
                source.loop_is_shared = found.innermost.map(|it| loops.is_shared(it));
                if let Some(root) = &source.receiver_root {
                    let innermost = found.innermost;
                    source.root_changes_in_loop = innermost.map(|it| loops.changes(it, root));
                    source.root_changes_around = innermost.map(|it| loops.changes_around(it, root));
                    source.root_changes_in_use =
                        Some(loops.changes_below(source.span, innermost, root));
                }
                if found.binding.is_some() && found.innermost.is_some_and(|it| loops.moves(it)) {
                    source.changed_or_moved = true;
                }
                Some(source)
            })
            .collect()
    }

    /// The call or macro at one of these places.
    fn site_at(&self, places: &[Span]) -> Option<usize> {
        let mut starts = places.iter().map(Span::start);
        starts.find_map(|at| self.wanted.get(&(at.line, at.column, false)).copied())
    }

    /// The await, or the branch that a macro polls.
    fn await_at(&self, at: LineColumn) -> Option<usize> {
        self.wanted.get(&key(Kind::Await, at)).copied()
    }

    /// Notes a site, with what doesn't depend on its kind of expression.
    fn note(&mut self, site: usize, slot: Slot, range: (LineColumn, LineColumn), own: SiteSource) {
        let source = SiteSource {
            span: self.lines.span(range),
            statement: self.lines.span(self.statement.unwrap_or(range)),
            loop_depth: self.loops.depth(),
            innermost_loop: self.loops.innermost_span(),
            usage: slot.usage,
            taken_by: slot.taken_by,
            followed_by: slot.chain,
            bound_to: slot.binding.map(|binding| self.bindings[binding].name.clone()),
            changed_or_moved: slot.binding.is_some_and(|binding| self.bindings[binding].mutable),
            in_test: self.in_test,
            ..own
        };
        let innermost = self.loops.innermost();
        let (binding, closures) = (slot.binding, self.closures);
        self.found[site] = Some(Found { source, innermost, binding, closures });
    }

    fn receiver(&self, receiver: &Expr) -> (Option<String>, Option<String>) {
        let text = self.lines.text(range::of_expr(receiver));
        (Some(text.to_owned()), place::root(receiver))
    }
}

#[cfg(test)]
mod tests;
