//! Columns for people: as wide as their widest cell, the last one broken at spaces where the line
//! would not fit.

use msvc_report::human::{COLUMNS, wrap};

/// The last column is never broken to less than this.
const NARROWEST: usize = 20;

/// A table to print.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&h| h.to_owned()).collect()],
        }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As text, two spaces between columns. A column in which no row has anything is left out.
    #[must_use]
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |c: usize, skip: usize| {
            let cells = self.rows.iter().skip(skip).filter_map(|row| row.get(c));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(|c| width(c, 0)).collect();
        let shown: Vec<usize> = (0..columns)
            .filter(|&c| width(c, 1) > 0 || c == 0)
            .collect();
        let mut text = String::new();
        let Some((&last, aligned)) = shown.split_last() else {
            return text;
        };
        let indent: usize = aligned
            .iter()
            .filter_map(|&c| Some(widths.get(c)? + 2))
            .sum();
        let room = COLUMNS.saturating_sub(indent).max(NARROWEST);
        for row in &self.rows {
            let cell = |c: usize| row.get(c).map_or("", String::as_str);
            let mut line = String::new();
            for &c in aligned {
                let width = widths.get(c).copied().unwrap_or_default();
                line.push_str(&format!("{:<width$}  ", cell(c)));
            }
            let mut broken = wrap(cell(last), room).into_iter();
            line.push_str(&broken.next().unwrap_or_default());
            text.push_str(line.trim_end());
            text.push('\n');
            for more in broken {
                text.push_str(&format!("{}{more}\n", " ".repeat(indent)));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_is_broken_where_a_line_would_not_fit() {
        let mut table = Table::new(&["NAME", "WHY"]);
        table.row(vec!["a".into(), "word ".repeat(20).trim_end().to_owned()]);
        let text = table.render();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert!(
            text.lines().nth(2).unwrap().starts_with("      word"),
            "{text}"
        );
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&["NAME", "EMPTY", "N"]);
        table.row(vec!["a".into(), String::new(), "10".into()]);
        table.row(vec!["longer".into(), String::new(), "9".into()]);
        assert_eq!(table.render(), "NAME    N\na       10\nlonger  9\n");
    }
}
