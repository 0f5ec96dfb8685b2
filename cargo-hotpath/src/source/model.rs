//! The annotated functions of one parsed file, and the files that its modules lie in.

use std::collections::HashMap;
use std::path::PathBuf;

use hotpath_runtime_syntax::{
    Budget, Options, Shape, async_blocks, block_name, block_position, mark_own, method_name,
    refuse_function, returned, type_name,
};
use proc_macro2::LineColumn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Block, Expr, ExprAsync, File, ImplItem, Item, ItemImpl, ItemMod, Signature,
    TraitItem,
};

use super::comment::Suppressions;
use super::module::{self, Place};
use super::scan::Job;
use super::span::Lines;
use super::{
    Allowance, Insertion, SourceFunction, SourceSite, annotate, annotation, enumeration, scope,
    site,
};

/// What one file holds.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) functions: Vec<SourceFunction>,
    /// Modules in other files.
    pub(super) modules: Vec<Module>,
    /// Rules switched off by comments and attributes.
    pub(super) allowances: Vec<Allowance>,
    /// Name and text of the file, if it holds functions.
    pub(super) text: Option<(String, String)>,
    pub(super) notes: Vec<String>,
}

/// A module whose text is in another file.
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// Its path.
    pub(super) name: String,
    pub(super) owns_directory: bool,
    pub(super) in_test: bool,
}

/// Models a file, `name` as in data, whose modules are looked up from `place`.
///
/// # Errors
///
/// Says where the file can't be parsed.
pub(super) fn of_file(
    job: &Job<'_>,
    text: &str,
    name: &str,
    place: &Place,
) -> Result<Scanned, String> {
    let annotated = text.contains("hotpath") || job.root.implicit && text.contains("fn ");
    if !annotated && !module::may_declare(text) {
        return Ok(Scanned::default());
    }
    let mut file = syn::parse_file(text).map_err(|error| {
        let at = error.span().start();
        format!(
            "line {}: can't be parsed as Rust of edition {}: {error}",
            at.line,
            if job.root.edition.is_empty() { "2021" } else { &job.root.edition }
        )
    })?;
    let lines = Lines::new(text);
    let mut model = Model {
        job,
        name,
        annotated,
        bare: if job.root.implicit { bare(&file, &lines) } else { HashMap::new() },
        lines: &lines,
        suppressions: Suppressions::of(text),
        scanned: Scanned::default(),
    };
    let context = Context {
        module: job.module.clone(),
        place: place.clone(),
        inherited: None,
        in_test: job.in_test,
    };
    model.items(&mut file.items, &context);
    let mut scanned = model.scanned;
    scanned.allowances.extend(model.suppressions.written().iter().map(|(line, rule)| Allowance {
        file: name.to_owned(),
        line: *line,
        rule: rule.clone(),
    }));
    if !scanned.functions.is_empty() {
        scanned.text = Some((name.to_owned(), text.to_owned()));
    }
    Ok(scanned)
}

/// What holds for the items of a module, block or function body.
#[derive(Clone)]
struct Context {
    module: String,
    place: Place,
    /// Options of an annotated module or `impl` block around.
    inherited: Option<Options>,
    in_test: bool,
}

struct Model<'a> {
    job: &'a Job<'a>,
    name: &'a str,
    /// Whether the file may hold the attribute at all.
    annotated: bool,
    /// Functions that count as annotated all the same, by the place of their names.
    bare: HashMap<LineColumn, Insertion>,
    lines: &'a Lines<'a>,
    suppressions: Suppressions,
    scanned: Scanned,
}

/// A function as any item holds it.
struct Candidate<'a> {
    /// The type of the `impl` block around.
    owner: Option<&'a str>,
    attrs: &'a [Attribute],
    signature: &'a Signature,
    /// Mutable for the enumeration, which hands out expressions: none of them is replaced here.
    block: &'a mut Block,
}

impl Model<'_> {
    fn items(&mut self, items: &mut [Item], context: &Context) {
        for item in items {
            self.item(item, context);
        }
    }

    fn item(&mut self, item: &mut Item, context: &Context) {
        match item {
            Item::Mod(module) => self.module(module, context),
            Item::Macro(it) if it.ident.is_none() => {
                // `cfg_if_unix! { fn f() {} mod m; }`: positions inside are those of the file.
                if let Ok(mut inner) = it.mac.parse_body_with(items_of_macro) {
                    self.items(&mut inner, &Context { inherited: None, ..context.clone() });
                }
            }
            _ if !self.annotated => {}
            Item::Fn(it) => self.function(
                Candidate {
                    owner: None,
                    attrs: &it.attrs,
                    signature: &it.sig,
                    block: &mut it.block,
                },
                context,
            ),
            Item::Impl(it) => self.implementation(it, context),
            Item::Trait(it) => {
                let inner = Context { inherited: None, ..context.clone() };
                for item in &mut it.items {
                    let TraitItem::Fn(method) = item else { continue };
                    let Some(block) = &mut method.default else { continue };
                    self.function(
                        Candidate {
                            owner: None,
                            attrs: &method.attrs,
                            signature: &method.sig,
                            block,
                        },
                        &inner,
                    );
                }
            }
            _ => {}
        }
    }

    /// What `#[hotpath]` says on an item, with a note of the rules that it switches off.
    fn options(&mut self, attrs: &[Attribute]) -> Option<Options> {
        let options = annotation::options(attrs)?;
        let line = annotation::line(attrs).unwrap_or_default();
        self.scanned.allowances.extend(options.allow.iter().map(|rule| Allowance {
            file: self.name.to_owned(),
            line,
            rule: Some(rule.clone()),
        }));
        Some(options)
    }

    fn module(&mut self, module: &mut ItemMod, context: &Context) {
        let path = format!("{}::{}", context.module, module::name(module));
        let in_test = context.in_test || annotation::is_test(&module.attrs);
        if module.content.is_none() {
            let files = context.place.files(module);
            if files.is_empty() && !annotation::is_conditional(&module.attrs) {
                self.scanned.notes.push(format!("there is no file for module `{path}`"));
            }
            self.scanned.modules.extend(files.into_iter().map(|(file, owns_directory)| Module {
                file,
                name: path.clone(),
                owns_directory,
                in_test,
            }));
            return;
        }
        let own = self.options(&module.attrs);
        let inherited = inherit(context.inherited.clone(), own);
        let place = context.place.inside(module);
        let Some((_, items)) = &mut module.content else { return };
        self.items(items, &Context { module: path, place, inherited, in_test });
    }

    fn implementation(&mut self, block: &mut ItemImpl, context: &Context) {
        let own = self.options(&block.attrs);
        let inner = Context {
            inherited: inherit(context.inherited.clone(), own),
            in_test: context.in_test || annotation::is_test(&block.attrs),
            ..context.clone()
        };
        let owner = type_name(&block.self_ty);
        for item in &mut block.items {
            let ImplItem::Fn(method) = item else { continue };
            self.function(
                Candidate {
                    owner: Some(&owner),
                    attrs: &method.attrs,
                    signature: &method.sig,
                    block: &mut method.block,
                },
                &inner,
            );
        }
    }

    /// The blocks of a function that are measured by `scope!`, whether or not it is itself.
    fn scopes(&mut self, candidate: &Candidate<'_>, context: &Context) {
        for scope in scope::scopes_of(candidate.block) {
            self.scanned.functions.push(SourceFunction {
                package: self.job.root.package.clone(),
                target: self.job.root.target.replace('-', "_"),
                module: context.module.clone(),
                name: scope.label.clone(),
                registered: scope.label,
                file: self.name.to_owned(),
                line: scope.at.line as u32,
                column: column(scope.at),
                is_async: scope.is_async,
                ..SourceFunction::default()
            });
        }
    }

    fn function(&mut self, mut candidate: Candidate<'_>, context: &Context) {
        let own = self.options(candidate.attrs);
        let in_test = context.in_test || annotation::is_test(candidate.attrs);
        let refusal = refuse_function(candidate.signature, candidate.attrs);
        if let (Some(refusal), Some(own)) = (&refusal, &own)
            && !own.skip
        {
            let line = refusal.span.start().line;
            self.scanned.notes.push(format!("line {line}: left alone: {}", refusal.message));
        }
        let at = candidate.signature.ident.span().start();
        let insertion = self.bare.get(&at).copied().filter(|_| !in_test);
        let options = inherit(context.inherited.clone(), own);
        if let Some(options) = options.or_else(|| insertion.map(|_| Options::default()))
            && !options.skip
            && refusal.is_none()
        {
            let mut function = self.measured(&mut candidate, &options, context, in_test);
            function.insertion = insertion;
            let blocks = async_blocks_of(&candidate, &function);
            self.scanned.functions.push(function);
            self.scanned.functions.extend(blocks);
        }
        self.scopes(&candidate, context);
        // Items inside are no part of it: they carry attributes of their own.
        let inner = Context { inherited: None, in_test, ..context.clone() };
        Nested { model: self, context: &inner }.visit_block_mut(candidate.block);
    }

    fn measured(
        &self,
        candidate: &mut Candidate<'_>,
        options: &Options,
        context: &Context,
        in_test: bool,
    ) -> SourceFunction {
        let (name, registered) = names(candidate, options, context.inherited.is_some());
        let at = candidate.signature.ident.span().start();
        let first = candidate.attrs.first().map_or(at.line, |first| first.span().start().line);
        let mut allowed = self.suppressions.on(first as u32..=at.line as u32);
        allowed.extend(options.allow.iter().cloned());
        allowed.sort();
        allowed.dedup();
        SourceFunction {
            package: self.job.root.package.clone(),
            target: self.job.root.target.replace('-', "_"),
            module: context.module.clone(),
            name,
            registered,
            file: self.name.to_owned(),
            line: at.line as u32,
            column: at.column as u32 + 1,
            ordinal: 0,
            is_async: Shape::of(candidate.signature, candidate.block).is_async(),
            allowed,
            budget: options.budget.clone(),
            sites: self.sites(candidate, options, in_test),
            insertion: None,
        }
    }

    fn sites(
        &self,
        candidate: &mut Candidate<'_>,
        options: &Options,
        in_test: bool,
    ) -> Vec<SourceSite> {
        let is_async = candidate.signature.asyncness.is_some();
        let enumerated = enumeration::of(candidate.block, is_async, options);
        let places: Vec<site::Enumerated> =
            enumerated.iter().map(|site| (site.kind, site.at)).collect();
        let body = site::Body { signature: candidate.signature, block: candidate.block };
        let facts = site::describe(body, &places, self.lines, in_test);
        enumerated
            .into_iter()
            .zip(facts)
            .map(|(site, source)| {
                let line = site.at.line as u32;
                let around = source
                    .as_ref()
                    .map_or([line; 2], |source| [source.span.line, source.statement.line]);
                SourceSite {
                    kind: site.kind,
                    line,
                    column: column(site.at),
                    label: site.label,
                    allowed: self.suppressions.on([line].into_iter().chain(around)),
                    source,
                }
            })
            .collect()
    }
}

/// The functions that can carry the attribute and are worth it.
fn bare(file: &File, lines: &Lines<'_>) -> HashMap<LineColumn, Insertion> {
    let functions = annotate::bare_functions_of(file, lines).into_iter();
    let worth = functions.filter(|function| !function.in_test && !function.is_leaf);
    worth.map(|function| (function.name, function.insertion)).collect()
}

/// The async blocks of a function, each measured like a function of its own.
fn async_blocks_of(candidate: &Candidate<'_>, function: &SourceFunction) -> Vec<SourceFunction> {
    if !holds_async_block(candidate.block) {
        return Vec::new();
    }
    let mut body = candidate.block.clone();
    match Shape::of(candidate.signature, candidate.block) {
        Shape::BoxedFuture => drop(returned::boxed(&mut body, &mut mark_own)),
        Shape::Future => returned::results(&mut body, &mut mark_own),
        _ => {}
    }
    let mut blocks = Vec::new();
    async_blocks(&mut body, &mut |expr, number| {
        let Expr::Async(block) = expr else { return };
        let at = block_position(block).start();
        blocks.push(SourceFunction {
            name: block_name(&function.name, number),
            registered: block_name(&function.registered, number),
            line: at.line as u32,
            column: column(at),
            is_async: true,
            budget: Budget::default(),
            sites: Vec::new(),
            insertion: None,
            ..function.clone()
        });
    });
    blocks
}

/// Whether a body holds an async block anywhere: to copy one for nothing costs as much as parsing it.
fn holds_async_block(body: &Block) -> bool {
    struct Found(bool);
    impl<'ast> Visit<'ast> for Found {
        fn visit_expr_async(&mut self, _: &'ast ExprAsync) {
            self.0 = true;
        }
    }
    let mut found = Found(false);
    found.visit_block(body);
    found.0
}

/// The function's name for people, and the one that the attribute gives it: it sees the type of
/// the `impl` block only when it stands on that or further out.
fn names(candidate: &Candidate<'_>, options: &Options, inherited: bool) -> (String, String) {
    if let Some(name) = &options.name {
        return (name.clone(), name.clone());
    }
    let ident = &candidate.signature.ident;
    match candidate.owner {
        Some(owner) if inherited => (method_name(owner, &ident.unraw()), method_name(owner, ident)),
        Some(owner) => (method_name(owner, &ident.unraw()), ident.to_string()),
        None => (ident.unraw().to_string(), ident.to_string()),
    }
}

fn column(place: LineColumn) -> u32 {
    place.column as u32 + 1
}

/// Options for what an item holds, inside another one or on its own.
fn inherit(outer: Option<Options>, own: Option<Options>) -> Option<Options> {
    match (outer, own) {
        // Handed back as written: attributes inside stand for themselves.
        (_, Some(own)) if own.skip => None,
        (Some(outer), Some(own)) => Some(outer.refine(own)),
        (outer, own) => outer.or(own),
    }
}

pub(super) fn items_of_macro(input: syn::parse::ParseStream<'_>) -> syn::Result<Vec<Item>> {
    let mut items = Vec::new();
    while !input.is_empty() {
        items.push(input.parse()?);
    }
    Ok(items)
}

/// Models the items in a function body.
struct Nested<'m, 'a> {
    model: &'m mut Model<'a>,
    context: &'m Context,
}

impl VisitMut for Nested<'_, '_> {
    fn visit_item_mut(&mut self, item: &mut Item) {
        self.model.item(item, self.context);
    }
}
