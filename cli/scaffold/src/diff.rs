//! What changes in a text, as a unified diff.

/// Lines shown around a change.
const AROUND: usize = 3;

/// Steps that are looked at to find the smallest change; texts that differ more are shown as
/// replaced.
const MAX_CELLS: usize = 4_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// The unified diff from `before` to `after`, both called `name`; empty when they are the same.
#[must_use]
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let lines = compare(before, after);
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut text = String::new();
    let mut at = 0;
    while let Some(first) = lines.iter().skip(at).position(changed).map(|n| n + at) {
        let mut last = first;
        while let Some(next) = lines
            .iter()
            .skip(last + 1)
            .take(2 * AROUND + 1)
            .position(changed)
        {
            last += next + 1;
        }
        let begin = first.saturating_sub(AROUND).max(at);
        let end = (last + AROUND + 1).min(lines.len());
        if text.is_empty() {
            text.push_str(&format!("--- {name}\n+++ {name}\n"));
        }
        hunk(&lines, begin, end, &mut text);
        at = end;
    }
    text
}

fn hunk(lines: &[Line<'_>], begin: usize, end: usize, text: &mut String) {
    let count =
        |lines: &[Line<'_>], skip: fn(&Line<'_>) -> bool| lines.iter().filter(|l| !skip(l)).count();
    let (above, shown) = (
        lines.get(..begin).unwrap_or_default(),
        lines.get(begin..end).unwrap_or_default(),
    );
    let is_new = |line: &Line<'_>| matches!(line, Line::New(_));
    let is_gone = |line: &Line<'_>| matches!(line, Line::Gone(_));
    let (old, new) = (count(shown, is_new), count(shown, is_gone));
    let from = count(above, is_new) + usize::from(old > 0);
    let to = count(above, is_gone) + usize::from(new > 0);
    text.push_str(&format!("@@ -{from},{old} +{to},{new} @@\n"));
    for line in shown {
        let (sign, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Gone(line) => ('-', line),
            Line::New(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line.trim_end_matches(['\n', '\r']));
        text.push('\n');
        if !line.ends_with('\n') {
            text.push_str("\\ No newline at end of file\n");
        }
    }
}

fn compare<'t>(before: &'t str, after: &'t str) -> Vec<Line<'t>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let same = |lines: &[&'t str]| {
        lines
            .iter()
            .map(|line| Line::Same(line))
            .collect::<Vec<_>>()
    };
    let mut lines = same(old.get(..head).unwrap_or_default());
    lines.extend(middle(old_middle, new_middle));
    lines.extend(same(
        old_rest.get(old_rest.len() - tail..).unwrap_or_default(),
    ));
    lines
}

/// The longest common lines of two texts kept, the others gone and new.
fn middle<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    let width = new.len() + 1;
    let replaced = old
        .iter()
        .map(|l| Line::Gone(l))
        .chain(new.iter().map(|l| Line::New(l)));
    if (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        return replaced.collect();
    }
    // How many lines are common from (i, j) on.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let best = if a == b {
                at(&common, i + 1, j + 1) + 1
            } else {
                at(&common, i + 1, j).max(at(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(Line::Same(a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                lines.push(Line::Gone(a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(Line::New(b));
                j += 1;
            }
            (_, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_each_change_with_what_stands_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let after = "1\n2\n3\n4\nnew\n5\n6\n7\n8\n9\n10\nend\n";
        let expected =
            "--- f\n+++ f\n@@ -2,9 +2,11 @@\n 2\n 3\n 4\n+new\n 5\n 6\n 7\n 8\n 9\n 10\n+end\n";
        assert_eq!(unified("f", before, after), expected);
        assert_eq!(unified("f", before, before), "");
    }

    #[test]
    fn changes_far_apart_stand_in_hunks_of_their_own() {
        let before: String = (0..30).map(|n| format!("{n}\n")).collect();
        let after = before
            .replace("\n2\n", "\ntwo\n")
            .replace("\n25\n", "\ntwenty-five\n");
        let diff = unified("f", &before, &after);
        assert_eq!(diff.matches("@@ -").count(), 2, "{diff}");
        assert!(
            diff.contains("@@ -1,6 +1,6 @@") && diff.contains("-2\n+two\n"),
            "{diff}"
        );
    }

    #[test]
    fn a_new_file_and_a_last_line_without_newline_are_shown_as_such() {
        assert_eq!(
            unified("f", "", "a\n"),
            "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n"
        );
        let diff = unified("f", "a", "a\nb\n");
        assert!(
            diff.contains("-a\n\\ No newline at end of file\n+a\n+b\n"),
            "{diff}"
        );
    }
}
