//! Tables with aligned numbers.

use crate::text::cut_front;

/// Characters that names get before number columns do.
const LEAST_NAME: usize = 20;

/// A table whose last column is text, the others numbers.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Lines of at most `width`: numbers to the right, the last column cut at its front. Where
    /// that leaves too little for names, number columns are left out, last first.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let last = self.rows[0].len() - 1;
        let mut widths: Vec<usize> = (0..last).map(|column| self.width_of(column)).collect();
        let names = self.width_of(last).min(LEAST_NAME);
        while widths.len() > 1 && taken(&widths) + names > width {
            widths.pop();
        }
        let left = width.saturating_sub(taken(&widths)).max(1);
        self.rows.iter().map(|row| line(row, &widths, left)).collect()
    }

    fn width_of(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    }
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

    #[test]
    fn numbers_are_aligned_and_names_cut() {
        let mut table = Table::new(&["self", "name"]);
        table.row(vec!["1.00 s".to_owned(), "app::parse::a_long_name".to_owned()]);
        table.row(vec!["5 ns".to_owned(), "f".to_owned()]);
        let expected = ["    self  name", "  1.00 s  …a_long_name", "    5 ns  f"];
        assert_eq!(table.lines(22), expected);
    }

    #[test]
    fn numbers_give_way_to_names() {
        let mut table = Table::new(&["self", "calls", "name"]);
        table.row(vec!["1 s".to_owned(), "1 000".to_owned(), "a_name_of_twenty_char".to_owned()]);
        assert_eq!(table.lines(40)[1], "   1 s  1 000  a_name_of_twenty_char");
        assert_eq!(table.lines(30)[1], "   1 s  a_name_of_twenty_char");
    }
}
