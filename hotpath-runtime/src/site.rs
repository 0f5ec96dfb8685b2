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
    pub(crate) table: Table,
    pub(crate) id: AtomicU32,
    pub(crate) first_site: AtomicU32,
}

/// What a table says, as its constant holds it.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub(crate) enum Table {
    Described(Described),
    /// `LINE COLUMN LINE COLUMN ASYNC PACKAGE TARGET NAME FILE BUDGET `, of which the second place is that
    /// of the attribute, `ASYNC` is 0 or 1 and the last five say how long the texts are that come next,
    /// without anything between them; then the [text](Sites::Text) of the sites. What only the
    /// compiler knows stands beside it: the module, and the outermost macro call.
    Text {
        module: &'static str,
        call: [u32; 2],
        text: &'static str,
    },
}

/// Everything that a table says.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub(crate) struct Described {
    pub(crate) package: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) is_async: bool,
    /// What a call may cost, as `hotpath_runtime_syntax::Budget` writes it; empty without one.
    pub(crate) budget: &'static str,
    pub(crate) sites: Sites,
    /// Line and column of the macro call that it comes from; 0 where it stands in the source.
    pub(crate) origin: [u32; 2],
}

/// An expression or await site of a function.
#[derive(Clone, Copy, Debug)]
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
        let described = Described {
            package,
            target,
            module,
            name,
            file,
            line,
            column,
            is_async,
            budget: "",
            sites: Sites::List(sites),
            origin: [0; 2],
        };
        Self::of(Table::Described(described))
    }

    /// A table as an expansion writes it: nearly everything in one constant, which is what a compiler
    /// takes the least time for.
    ///
    /// `call` is line and column of the outermost macro call that it comes from: what a macro makes
    /// has another than that of its attribute, and its place alone doesn't tell it apart.
    pub const fn expanded(module: &'static str, call: [u32; 2], text: &'static str) -> Self {
        Self::of(Table::Text { module, call, text })
    }

    const fn of(table: Table) -> Self {
        Self { table, id: AtomicU32::new(0), first_site: AtomicU32::new(UNREGISTERED) }
    }

    /// What its table says, read anew: for cold paths.
    #[cfg(all(unix, target_pointer_width = "64"))]
    pub(crate) fn described(&self) -> Described {
        match &self.table {
            Table::Described(described) => *described,
            Table::Text { module, call, text } => {
                let nothing = Described {
                    package: None,
                    target: None,
                    module,
                    name: "",
                    file: "",
                    line: 0,
                    column: 0,
                    is_async: false,
                    budget: "",
                    sites: Sites::List(&[]),
                    origin: [0; 2],
                };
                nothing.with(text, *call).unwrap_or(nothing)
            }
        }
    }
}

#[cfg(all(unix, target_pointer_width = "64"))]
impl Described {
    /// With what the text of a table says; `None` where it is none.
    fn with(self, text: &'static str, call: [u32; 2]) -> Option<Self> {
        let mut words = text.splitn(11, ' ');
        let mut number = || words.next()?.parse::<u32>().ok();
        let (line, column, attribute) = (number()?, number()?, [number()?, number()?]);
        let is_async = number()? != 0;
        let lengths = [number()?, number()?, number()?, number()?, number()?];
        let mut rest = words.next()?;
        let mut texts = [""; 5];
        for (text, length) in texts.iter_mut().zip(lengths) {
            (*text, rest) = rest.split_at_checked(length as usize)?;
        }
        let [package, target, name, file, budget] = texts;
        let given = |name: &'static str| (!name.is_empty()).then_some(name);
        Some(Self {
            package: given(package),
            target: given(target),
            module: self.module,
            name,
            file,
            line,
            column,
            is_async,
            budget,
            sites: Sites::Text(rest),
            origin: if call == attribute { [0; 2] } else { call },
        })
    }
}

/// The sites of a function, in their order.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub(crate) enum Sites {
    List(&'static [Site]),
    /// For each `KIND LINE COLUMN BYTES LABEL`, where the label has so many bytes and the next
    /// kind follows it at once.
    Text(&'static str),
}

#[cfg(all(unix, target_pointer_width = "64"))]
impl Sites {
    /// Each, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Site> {
        let mut left = self;
        core::iter::from_fn(move || left.take_first())
    }

    fn take_first(&mut self) -> Option<Site> {
        match self {
            Self::List(list) => {
                let (first, rest) = list.split_first()?;
                *list = rest;
                Some(*first)
            }
            Self::Text(text) => {
                let (site, rest) = first_of(text)?;
                *text = rest;
                Some(site)
            }
        }
    }
}

/// The first site of a text, and the text of the others.
#[cfg(all(unix, target_pointer_width = "64"))]
fn first_of(text: &'static str) -> Option<(Site, &'static str)> {
    let mut words = text.splitn(5, ' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<u32>().ok();
    let (line, column, bytes) = (number()?, number()?, number()?);
    let (label, rest) = words.next()?.split_at_checked(bytes as usize)?;
    Some((Site::new(kind, line, column, label), rest))
}

impl Site {
    /// An entry of a function's table; the position is 1-based, in characters.
    pub const fn new(kind: &'static str, line: u32, column: u32, label: &'static str) -> Self {
        Self { kind, line, column, label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &'static str) -> Vec<(&'static str, u32, u32, &'static str)> {
        Sites::Text(text)
            .iter()
            .map(|site| (site.kind, site.line, site.column, site.label))
            .collect()
    }

    #[test]
    fn a_text_holds_whatever_labels_say() {
        let text =
            "clone 1 22 9 a.clone()grow 3 4 0 format 5 6 14 format!(\"\n 1\")await 7 8 3 \u{e9}.";
        let expected = [
            ("clone", 1, 22, "a.clone()"),
            ("grow", 3, 4, ""),
            ("format", 5, 6, "format!(\"\n 1\")"),
            ("await", 7, 8, "\u{e9}."),
        ];
        assert_eq!(told(text), expected);
        assert_eq!(told(""), []);
    }

    #[test]
    fn what_is_no_text_of_sites_has_none() {
        for text in
            ["clone", "clone 1 2", "clone 1 x 3 abc", "clone 1 2 9 abc", "clone 1 2 1 \u{e9}"]
        {
            assert_eq!(told(text), [], "{text}");
        }
    }

    #[test]
    fn a_table_is_read_from_its_text() {
        let text = "5 6 3 2 1 3 2 6 4 8 p-qp_S\u{e9} 1 a.rsp99 = 1sclone 1 22 9 a.clone()";
        let function = Function::expanded("m::n", [3, 2], text).described();
        assert_eq!((function.package, function.target), (Some("p-q"), Some("p_")));
        assert_eq!((function.module, function.name, function.file), ("m::n", "S\u{e9} 1 ", "a.rs"));
        assert_eq!((function.line, function.column, function.is_async), (5, 6, true));
        assert_eq!((function.budget, function.sites.iter().count()), ("p99 = 1s", 1));
        let bare = Function::expanded("", [3, 2], "5 6 3 2 0 0 0 1 0 0 f").described();
        assert_eq!((bare.package, bare.target, bare.name), (None, None, "f"));
        assert_eq!(bare.budget, "");
        assert_eq!(bare.sites.iter().count(), 0);
    }

    #[test]
    fn what_is_no_table_describes_nothing() {
        for text in [
            "",
            "1 2 3",
            "1 2 3 4 0 0 0 x 0 0 ",
            "1 2 3 4 0 0 0 9 0 0 f",
            "1 2 3 4 0 0 0 1 0 0 \u{e9}",
        ] {
            let function = Function::expanded("m", [1, 2], text).described();
            assert_eq!((function.module, function.name, function.line), ("m", "", 0), "{text}");
        }
    }

    #[test]
    fn what_a_macro_made_knows_its_origin() {
        let made_at =
            |call| Function::expanded("", call, "5 6 1 2 0 0 0 0 0 0 ").described().origin;
        assert_eq!(made_at([1, 2]), [0; 2]);
        assert_eq!(made_at([3, 2]), [3, 2]);
    }
}
