//! Columns for people: as wide as their widest cell, the last one free.

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
        let shown: Vec<usize> = (0..columns)
            .filter(|&c| width(c, 1) > 0 || c == 0)
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for &c in &shown {
                let cell = row.get(c).map_or("", String::as_str);
                line.push_str(&format!("{cell:<width$}  ", width = width(c, 0)));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&["NAME", "EMPTY", "N"]);
        table.row(vec!["a".into(), String::new(), "10".into()]);
        table.row(vec!["longer".into(), String::new(), "9".into()]);
        assert_eq!(table.render(), "NAME    N\na       10\nlonger  9\n");
    }
}
