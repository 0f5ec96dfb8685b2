//! Columns of the file that a tool inserted attributes into, as they were before.

use hotpath_runtime_syntax::{Column, Options};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::place::Position;

/// By how much an item's inserted attributes moved what follows them on their line.
#[derive(Default)]
pub(crate) struct Columns(Vec<Shift>);

struct Shift {
    line: u32,
    /// Column of the token behind the attribute.
    from: u32,
    by: u32,
}

impl Columns {
    /// Looks at the attribute itself and, where that was inserted, at those of the functions in
    /// its body: they follow each other on a line.
    pub(crate) fn of(options: &Options, body: &Group) -> Self {
        let mut columns = Self::default();
        if let Some(own) = &options.column {
            columns.add(own);
            columns.search(body.stream());
        }
        columns
    }

    /// Where a span lies in the file as it was.
    pub(crate) fn position(&self, span: Span) -> Position {
        let place = Position::of(span);
        let before = |shift: &&Shift| shift.line == place.line && shift.from <= place.column;
        let last = self.0.iter().filter(before).max_by_key(|shift| shift.from);
        let by = last.map_or(0, |shift| shift.by);
        Position { column: place.column.saturating_sub(by).max(1), ..place }
    }

    fn add(&mut self, column: &Column) {
        let at = Position::of(column.span());
        let from = at.column.saturating_add(column.to_next());
        self.0.push(Shift { line: at.line, from, by: from.saturating_sub(column.number) });
    }

    fn search(&mut self, tokens: TokenStream) {
        let mut after_hash = false;
        for token in tokens {
            let is_hash = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
            match token {
                TokenTree::Group(group)
                    if after_hash && group.delimiter() == Delimiter::Bracket =>
                {
                    if let Some(column) = inserted(&group) {
                        self.add(&column);
                    }
                }
                TokenTree::Group(group) => self.search(group.stream()),
                _ => {}
            }
            after_hash = is_hash;
        }
    }
}

/// The column in `[path::hotpath(.., column = N)]`.
fn inserted(attribute: &Group) -> Option<Column> {
    let mut named = false;
    for token in attribute.stream() {
        match token {
            TokenTree::Ident(ident) => named = ident == "hotpath",
            TokenTree::Group(group) if named => return Options::parse(group.stream()).ok()?.column,
            _ => named = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::ItemFn;

    /// Column of the only identifier `name`, where the outer attribute says what it says.
    fn column(text: &str, name: &str) -> u32 {
        let function: ItemFn = syn::parse_str(text).unwrap();
        let options = Options::find(&function.attrs).unwrap().unwrap_or_default();
        let tokens: TokenStream = text.parse().unwrap();
        let Some(TokenTree::Group(body)) = tokens.clone().into_iter().last() else {
            panic!("a body")
        };
        let span = find(tokens, name).expect("the name occurs");
        Columns::of(&options, &body).position(span).column
    }

    fn find(tokens: TokenStream, name: &str) -> Option<Span> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Ident(ident) if ident == name => Some(ident.span()),
            TokenTree::Group(group) => find(group.stream(), name),
            _ => None,
        })
    }

    /// `before` with an attribute at each of the columns.
    fn inserted_at(before: &str, columns: &[usize]) -> String {
        let mut text = before.to_owned();
        for column in columns.iter().rev() {
            text.insert_str(
                column - 1,
                &format!("#[::r::hotpath(crate = ::r, column = {column})] "),
            );
        }
        text
    }

    #[test]
    fn one_line_functions_keep_their_columns() {
        let plain = "pub(crate) async fn outer() { here.clone() }";
        let text = inserted_at(plain, &[1]);
        for name in ["outer", "here", "clone"] {
            assert_eq!(column(&text, name) as usize, plain.find(name).unwrap() + 1, "{name}");
        }
    }

    #[test]
    fn functions_in_functions_move_what_follows_them_too() {
        let plain = "fn outer() { one(); fn mid() { two(); } three(); fn last() {} four() }";
        let at = |name: &str| plain.find(name).unwrap() + 1;
        let text = inserted_at(plain, &[1, at("fn mid"), at("fn last")]);
        for name in ["outer", "one", "mid", "two", "three", "last", "four"] {
            assert_eq!(column(&text, name) as usize, at(name), "{name}");
        }
    }

    #[test]
    fn other_lines_and_other_attributes_are_as_they_stand() {
        let text = "#[a::hotpath(column = 1)] fn f()\n{ x(); #[hot(column = 3)] y() }";
        assert_eq!(column(text, "f"), 4);
        assert_eq!(column(text, "y"), 27);
        assert_eq!(column("#[hotpath] fn f() { x() }", "x"), 21);
    }
}
