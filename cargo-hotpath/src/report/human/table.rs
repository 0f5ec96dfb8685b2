//! Tables with aligned numbers.

use crate::report::prose::Table;
use crate::text::cut_front;

/// Characters that names get before number columns do.
const LEAST_NAME: usize = 20;

/// Lines of at most `width`: numbers to the right, the last column cut at its front. Where that
/// leaves too little for names, number columns are left out, last first.
pub(super) fn lines(table: &Table, width: usize) -> Vec<String> {
    let header: Vec<String> = table.header.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<&Vec<String>> = [&header].into_iter().chain(&table.rows).collect();
    let width_of = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let last = header.len().saturating_sub(1);
    let mut widths: Vec<usize> = (0..last).filter_map(width_of).collect();
    let names = width_of(last).unwrap_or(0).min(LEAST_NAME);
    while widths.len() > 1 && taken(&widths) + names > width {
        widths.pop();
    }
    let left = width.saturating_sub(taken(&widths)).max(1);
    rows.iter().map(|row| line(row, &widths, left)).collect()
}

/// Columns of all but the name.
fn taken(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 2).sum::<usize>() + 2
}

fn line(row: &[String], widths: &[usize], left: usize) -> String {
    let numbers = row.iter().zip(widths).map(|(cell, width)| format!("  {cell:>width$}"));
    let name = row.last().map_or("", String::as_str);
    format!("{}  {}", numbers.collect::<String>(), cut_front(name, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(header: &'static [&'static str], rows: &[&[&str]]) -> Table {
        let cells = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        Table { header, rows: rows.iter().map(cells).collect() }
    }

    #[test]
    fn numbers_are_aligned_and_names_cut() {
        let table =
            table(&["self", "name"], &[&["1.00 s", "app::parse::a_long_name"], &["5 ns", "f"]]);
        let expected = ["    self  name", "  1.00 s  …a_long_name", "    5 ns  f"];
        assert_eq!(lines(&table, 22), expected);
    }

    #[test]
    fn numbers_give_way_to_names() {
        let table =
            table(&["self", "calls", "name"], &[&["1 s", "1 000", "a_name_of_twenty_char"]]);
        assert_eq!(lines(&table, 40)[1], "   1 s  1 000  a_name_of_twenty_char");
        assert_eq!(lines(&table, 30)[1], "   1 s  a_name_of_twenty_char");
    }
}
