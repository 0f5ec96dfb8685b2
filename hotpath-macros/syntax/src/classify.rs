//! Which expressions are sites: an expression's kind, from its syntax alone.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Path};

use crate::{Kind, SiteSelection, lookup};

/// A kind and where the site is said to lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    pub(crate) kind: Kind,
    /// Method name, start of the path, macro path or `await`.
    pub(crate) position: Span,
    /// Whether the receiver's type says more than the value's.
    pub(crate) by_receiver: bool,
}

impl Class {
    fn value(kind: Kind, position: Span) -> Self {
        Self { kind, position, by_receiver: false }
    }

    /// Whether only the receiver's type gives the site a meaning: many types have methods of such
    /// names.
    pub(crate) fn needs_receiver(self) -> bool {
        matches!(self.kind, Kind::Lookup | Kind::Search | Kind::Shift | Kind::Send)
    }

    /// The same call as any other.
    pub(crate) fn as_other(self) -> Self {
        Self::value(Kind::Other, self.position)
    }

    /// What a call that can make a collection grow is where it didn't start empty: `.insert(..)`
    /// into a map or set.
    pub(crate) fn as_lookup(self, call: &ExprMethodCall) -> Option<Self> {
        (call.method == "insert").then_some(Self { kind: Kind::Lookup, ..self })
    }
}

/// Types whose `new` owns heap memory now or later.
const OWNING: &[&str] = &[
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "HashMap",
    "HashSet",
    "IndexMap",
    "IndexSet",
    "LinkedList",
    "OsString",
    "PathBuf",
    "Rc",
    "String",
    "Vec",
    "VecDeque",
];

/// Types that grow step by step when they were made empty.
const GROWING: &[&str] = &["OsString", "PathBuf", "String", "Vec", "VecDeque"];

/// Types that compile a pattern in `new`.
const PATTERNS: &[&str] =
    &["Glob", "GlobBuilder", "Regex", "RegexBuilder", "RegexSet", "RegexSetBuilder"];

/// Types that hold connections, threads or a configuration that is costly to make.
const CLIENTS: &[&str] = &[
    "Client",
    "Connection",
    "MySqlConnection",
    "MySqlPool",
    "PgConnection",
    "PgPool",
    "Pool",
    "Runtime",
    "SqliteConnection",
    "SqlitePool",
];

/// Functions that make one of them.
const CONNECTING: &[&str] = &["builder", "connect", "connect_lazy", "establish", "new", "open"];

/// Functions that never come back: around them a wrapper would be unreachable.
const DIVERGING: &[(&str, &str)] = &[
    ("hint", "unreachable_unchecked"),
    ("panic", "panic_any"),
    ("panic", "resume_unwind"),
    ("process", "abort"),
    ("process", "exit"),
];

/// Modules of the standard library, as the first segment of a path.
pub(crate) const STD_MODULES: &[&str] = &[
    "alloc",
    "any",
    "arch",
    "array",
    "ascii",
    "backtrace",
    "bool",
    "borrow",
    "boxed",
    "cell",
    "char",
    "clone",
    "cmp",
    "collections",
    "convert",
    "core",
    "crate",
    "default",
    "env",
    "error",
    "f32",
    "f64",
    "ffi",
    "fmt",
    "fs",
    "future",
    "hash",
    "hint",
    "hotpath_runtime",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "io",
    "isize",
    "iter",
    "marker",
    "mem",
    "net",
    "num",
    "ops",
    "option",
    "os",
    "panic",
    "path",
    "pin",
    "process",
    "ptr",
    "rc",
    "result",
    "self",
    "slice",
    "std",
    "str",
    "string",
    "super",
    "sync",
    "task",
    "thread",
    "time",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
    "vec",
];

/// The class of a method call, path call or known macro; `None` for everything else.
pub(crate) fn classify(expr: &Expr, selection: SiteSelection) -> Option<Class> {
    let other = |position: fn(&Expr) -> Option<Span>| {
        let position = (selection == SiteSelection::All).then(|| position(expr))??;
        Some(Class::value(Kind::Other, position))
    };
    match expr {
        Expr::MethodCall(call) => method(call).or_else(|| other(method_position)),
        Expr::Call(call) => path_call(call).or_else(|| other(function_position)),
        Expr::Macro(invocation) => {
            let kind = macro_kind(&standard_macro(&invocation.mac.path)?)?;
            let position = invocation.mac.path.span_of_start();
            Some(Class { kind, position, by_receiver: kind == Kind::Write })
        }
        Expr::Await(awaited) => Some(Class::value(Kind::Await, awaited.await_token.span)),
        _ => None,
    }
}

/// Whether an expression makes a collection without room: `Vec::new()`, `String::default()`,
/// `vec![]`.
pub(crate) fn makes_empty_collection(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) if call.args.is_empty() => {
            let Expr::Path(function) = call.func.as_ref() else { return false };
            let mut backwards = function.path.segments.iter().rev().map(|s| s.ident.to_string());
            let (Some(function), Some(owner)) = (backwards.next(), backwards.next()) else {
                return false;
            };
            matches!(function.as_str(), "new" | "default") && GROWING.contains(&owner.as_str())
        }
        Expr::Macro(invocation) => {
            invocation.mac.tokens.is_empty()
                && standard_macro(&invocation.mac.path).is_some_and(|name| name == "vec")
        }
        _ => false,
    }
}

fn method(call: &ExprMethodCall) -> Option<Class> {
    let name = call.method.to_string();
    if let Some(kind) = lookup::kind(call, &name) {
        return Some(Class { kind, position: call.method.span(), by_receiver: true });
    }
    let (kind, by_receiver) = match (name.as_str(), call.args.len()) {
        ("clone", 0) => (Kind::Clone, false),
        ("to_owned" | "into_owned", 0) => (Kind::ToOwned, false),
        ("to_string", 0) => (Kind::ToString, false),
        ("to_vec", 0) => (Kind::ToVec, false),
        ("collect", 0) => (Kind::Collect, false),
        ("lock" | "read" | "write", 0) => (Kind::Lock, true),
        ("send" | "unbounded_send", 1) => (Kind::Send, true),
        ("block_on", 1) => (Kind::Block, false),
        ("write_all" | "write", 1) | ("flush", 0) => (Kind::Write, true),
        (
            "push" | "push_str" | "push_back" | "push_front" | "extend" | "extend_from_slice"
            | "append",
            1,
        )
        | ("insert", 1 | 2) => (Kind::Grow, true),
        ("is_match" | "captures" | "captures_iter" | "find_iter", 1) | ("replace_all", 2) => {
            (Kind::Call, true)
        }
        _ => return None,
    };
    Some(Class { kind, position: call.method.span(), by_receiver })
}

fn method_position(expr: &Expr) -> Option<Span> {
    let Expr::MethodCall(call) = expr else { return None };
    Some(call.method.span())
}

/// Of a function's path. A tuple struct or variant is made, not called.
fn function_position(expr: &Expr) -> Option<Span> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = call.func.as_ref() else { return None };
    let mut backwards = function.path.segments.iter().rev().map(|it| it.ident.to_string());
    let name = backwards.next()?;
    let diverges = backwards.next().is_some_and(|owner| {
        DIVERGING.iter().any(|(module, function)| owner == *module && name == *function)
    });
    (is_lower(&name) && !diverges).then(|| path_position(function))
}

fn path_position(function: &ExprPath) -> Span {
    match &function.qself {
        Some(qself) => qself.lt_token.span(),
        None => function.path.span_of_start(),
    }
}

fn path_call(call: &ExprCall) -> Option<Class> {
    let Expr::Path(function) = call.func.as_ref() else { return None };
    let path = &function.path;
    let kind = path_kind(path, function.qself.is_some(), call.args.len())?;
    Some(Class::value(kind, path_position(function)))
}

fn path_kind(path: &Path, qualified: bool, arguments: usize) -> Option<Kind> {
    let mut backwards = path.segments.iter().rev();
    let function = backwards.next()?.ident.to_string();
    let owner = backwards.next()?.ident.to_string();
    let type_like = owner.starts_with(char::is_uppercase);
    match (function.as_str(), arguments) {
        ("clone", 1) if type_like => return Some(Kind::Clone),
        ("to_owned", 1) if owner == "ToOwned" => return Some(Kind::ToOwned),
        ("to_string", 1) if owner == "ToString" => return Some(Kind::ToString),
        ("from", 1) if owner == "String" => return Some(Kind::ToString),
        ("with_capacity", 1) | ("with_capacity_and_hasher", 2) if type_like => {
            return Some(Kind::WithCapacity);
        }
        ("new", _) if OWNING.contains(&owner.as_str()) => return Some(Kind::New),
        ("pin", 1) if owner == "Box" => return Some(Kind::New),
        ("new", 1) if PATTERNS.contains(&owner.as_str()) => return Some(Kind::RegexNew),
        (function, _)
            if !qualified
                && CLIENTS.contains(&owner.as_str())
                && CONNECTING.contains(&function) =>
        {
            return Some(Kind::Connect);
        }
        _ => {}
    }
    let first = path.segments.first()?.ident.to_string();
    let is_std = path.segments.len() == 2 || first == "std";
    if !qualified && is_std && is_blocking(&owner, &function) {
        return Some(Kind::Block);
    }
    let foreign = !qualified
        && is_lower(&first)
        && is_lower(&function)
        && !STD_MODULES.contains(&first.as_str())
        && !type_like;
    foreign.then_some(Kind::Call)
}

/// Whether a function of the standard library keeps its thread waiting. Async runtimes have some of
/// the same names: theirs are awaited.
fn is_blocking(owner: &str, function: &str) -> bool {
    match owner {
        "fs" => is_lower(function),
        "thread" => function == "sleep",
        "File" => matches!(function, "open" | "create" | "create_new"),
        "TcpStream" | "UnixStream" => function == "connect",
        "executor" => function == "block_on",
        _ => false,
    }
}

fn is_lower(name: &str) -> bool {
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.starts_with(|first: char| first.is_lowercase() || first == '_')
}

/// The name of a macro of the standard library, as far as a path can tell.
pub(crate) fn standard_macro(path: &Path) -> Option<String> {
    let standard = match path.segments.len() {
        1 => path.leading_colon.is_none(),
        2 => ["std", "core", "alloc"].iter().any(|name| path.segments[0].ident == name),
        _ => false,
    };
    let name = standard.then(|| path.segments.last().map(|last| last.ident.to_string()))??;
    crate::arguments::Family::of(&name).map(|_| name)
}

fn macro_kind(name: &str) -> Option<Kind> {
    match name {
        "format" => Some(Kind::Format),
        "vec" => Some(Kind::VecMacro),
        "print" | "println" | "eprint" | "eprintln" => Some(Kind::Print),
        "write" | "writeln" => Some(Kind::Write),
        _ => None,
    }
}

/// The span of a path's first token, without joining spans (which a macro can't on stable).
trait StartSpan {
    fn span_of_start(&self) -> Span;
}

impl StartSpan for Path {
    fn span_of_start(&self) -> Span {
        match (&self.leading_colon, self.segments.first()) {
            (Some(colons), _) => colons.spans[0],
            (None, Some(first)) => first.ident.span(),
            (None, None) => Span::call_site(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        classify(&syn::parse_str(text).unwrap(), SiteSelection::Calls).map(|class| class.kind)
    }

    #[test]
    fn methods_by_name_and_arity() {
        for (text, expected) in [
            ("a.clone()", Some(Kind::Clone)),
            ("a.cloned()", None),
            ("a.to_owned()", Some(Kind::ToOwned)),
            ("a.into_owned()", Some(Kind::ToOwned)),
            ("a.to_string()", Some(Kind::ToString)),
            ("a.to_vec()", Some(Kind::ToVec)),
            ("a.collect::<Vec<_>>()", Some(Kind::Collect)),
            ("m.lock()", Some(Kind::Lock)),
            ("m.read()", Some(Kind::Lock)),
            ("f.read(buf)", None),
            ("w.write(buf)", Some(Kind::Write)),
            ("w.write_all(buf)", Some(Kind::Write)),
            ("w.flush()", Some(Kind::Write)),
            ("s.send(a)", Some(Kind::Send)),
            ("s.send(a, b)", None),
            ("handle.block_on(a)", Some(Kind::Block)),
            ("v.push(1)", Some(Kind::Grow)),
            ("m.insert(1, 2)", Some(Kind::Grow)),
            ("s.insert(1)", Some(Kind::Grow)),
            ("m.get(&k)", Some(Kind::Lookup)),
            ("r.is_match(x)", Some(Kind::Call)),
            ("r.replace(a, b)", None),
            ("g().await", Some(Kind::Await)),
            ("a.b", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn every_call_on_demand() {
        let kind = |text: &str| {
            classify(&syn::parse_str(text).unwrap(), SiteSelection::All).map(|class| class.kind)
        };
        for (text, expected) in [
            ("a.cloned()", Some(Kind::Other)),
            ("a.clone()", Some(Kind::Clone)),
            ("parse(a)", Some(Kind::Other)),
            ("mem::take(a)", Some(Kind::Other)),
            ("<T as D>::default()", Some(Kind::Other)),
            ("Some(a)", None),
            ("a::Pair(b, c)", None),
            ("(self.f)(a)", None),
            ("std::process::exit(1)", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn path_calls() {
        for (text, expected) in [
            ("Arc::clone(&a)", Some(Kind::Clone)),
            ("<T as Clone>::clone(&a)", Some(Kind::Clone)),
            ("String::from(a)", Some(Kind::ToString)),
            ("Vec::<u8>::new()", Some(Kind::New)),
            ("std::collections::HashMap::new()", Some(Kind::New)),
            ("Box::pin(f)", Some(Kind::New)),
            ("Mutex::new(1)", None),
            ("Vec::with_capacity(1)", Some(Kind::WithCapacity)),
            ("regex::Regex::new(a)", Some(Kind::RegexNew)),
            ("RegexBuilder::new(a)", Some(Kind::RegexNew)),
            ("serde_json::from_str(a)", Some(Kind::Call)),
            ("::serde_json::from_str::<T>(a)", Some(Kind::Call)),
            ("serde_json::Value::from(a)", None),
            ("self::parse(a)", None),
            ("crate::parse(a)", None),
            ("std::mem::take(a)", None),
            ("mem::take(a)", None),
            ("thread::sleep(a)", Some(Kind::Block)),
            ("std::fs::read(a)", Some(Kind::Block)),
            ("fs::read(a)", Some(Kind::Block)),
            ("File::open(a)", Some(Kind::Block)),
            ("tokio::fs::read(a)", Some(Kind::Call)),
            ("tokio::fs::File::open(a)", None),
            ("thread::spawn(a)", None),
            ("futures::executor::block_on(a)", Some(Kind::Call)),
            ("executor::block_on(a)", Some(Kind::Block)),
            ("reqwest::Client::new()", Some(Kind::Connect)),
            ("Client::builder()", Some(Kind::Connect)),
            ("Runtime::new()", Some(Kind::Connect)),
            ("Connection::open(a)", Some(Kind::Connect)),
            ("Connection::close(a)", None),
            ("parse(a)", None),
            ("tokio::spawn(a)", Some(Kind::Call)),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn known_macros_only() {
        for (text, expected) in [
            ("format!(\"a\")", Some(Kind::Format)),
            ("std::format!(\"a\")", Some(Kind::Format)),
            ("vec![1]", Some(Kind::VecMacro)),
            ("eprintln!()", Some(Kind::Print)),
            ("writeln!(f)", Some(Kind::Write)),
            ("format_args!(\"a\")", None),
            ("tracing::format!(\"a\")", None),
            ("assert!(a)", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
