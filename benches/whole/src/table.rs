//! One table, 80 columns wide: groups of rows that did the same work, ours first, and how much the
//! others cost against ours.

use std::fmt;

/// Rows that did the same work.
#[derive(Clone, Debug)]
pub struct Group {
    /// What was asked of them.
    pub title: String,
    /// Ours first.
    pub rows: Vec<Row>,
}

/// What one program cost.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who.
    pub name: String,
    /// Probes a second.
    pub rate: f64,
    /// Microseconds of CPU a probe.
    pub cpu: f64,
    /// KB of memory a check, where it has checks.
    pub memory: Option<f64>,
    /// The p99 of how late probes began, in milliseconds, where it says so.
    pub late: Option<f64>,
}

/// The whole table, and what does not fit into it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The groups, in the order in which they were measured.
    pub groups: Vec<Group>,
    /// One line each.
    pub facts: Vec<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.groups.is_empty() {
            writeln!(
                f,
                "{:33} {:>8} {:>8} {:>7} {:>7} {:>6} {:>5}",
                "", "probes/s", "CPU", "against", "memory", "against", "late"
            )?;
            writeln!(
                f,
                "{:33} {:>8} {:>8} {:>7} {:>7} {:>6} {:>5}",
                "", "", "µs/probe", "ours", "KB/chk", "ours", "p99ms"
            )?;
        }
        for group in &self.groups {
            group.fmt(f)?;
        }
        for fact in &self.facts {
            wrapped(f, fact)?;
        }
        Ok(())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let ours = self.rows.first();
        for row in &self.rows {
            let against = |own: f64, theirs: Option<f64>| match theirs {
                Some(theirs) if theirs > 0.0 => format!("{:.2}×", own / theirs),
                _ => "-".to_owned(),
            };
            let memory = row
                .memory
                .map_or("-".to_owned(), |memory| format!("{memory:.1}"));
            let memory_against = row.memory.map_or("-".to_owned(), |memory| {
                against(memory, ours.and_then(|ours| ours.memory))
            });
            let late = row.late.map_or("-".to_owned(), |late| format!("{late:.1}"));
            writeln!(
                f,
                "  {:31} {:>8.0} {:>8.1} {:>7} {memory:>7} {memory_against:>6} {late:>5}",
                row.name,
                row.rate,
                row.cpu,
                against(row.cpu, ours.map(|ours| ours.cpu)),
            )?;
        }
        Ok(())
    }
}

/// Writes a fact with a mark before it, broken at words.
fn wrapped(f: &mut fmt::Formatter<'_>, fact: &str) -> fmt::Result {
    let mut line = String::from("*");
    for word in fact.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(f, "{line}")?;
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(f, "{line}")
}

/// What a terminal shows at least.
const WIDTH: usize = 80;
