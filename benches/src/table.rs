//! Figures of several rounds, and how they are told: the median, and between what they lay.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// Figures by name, in the order in which they were first noted.
#[derive(Default)]
pub struct Table {
    lines: Vec<Line>,
    remarks: Vec<String>,
}

struct Line {
    name: Cow<'static, str>,
    target: &'static str,
    figures: Vec<f64>,
}

impl Table {
    /// Notes a round's figure.
    pub fn note(&mut self, name: impl Into<Cow<'static, str>>, figure: f64) {
        self.note_against(name, "", figure);
    }

    /// Notes a round's figure that has a target, which is told beside it.
    pub fn note_against(&mut self, name: impl Into<Cow<'static, str>>, target: &'static str, figure: f64) {
        let name = name.into();
        match self.lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.figures.push(figure),
            None => self.lines.push(Line { name, target, figures: vec![figure] }),
        }
    }

    /// Says something about the figures, in a line of its own before them.
    pub fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

impl Table {
    /// Every figure's name, target and rounds, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &'static str, &[f64])> {
        self.lines.iter().map(|line| (&*line.name, line.target, line.figures.as_slice()))
    }

    /// The rounds of a figure; none where it was not noted.
    pub fn figures(&self, name: &str) -> &[f64] {
        self.lines.iter().find(|line| line.name == name).map_or(&[], |line| &line.figures)
    }
}

/// The value below which the given part of all lies.
pub fn percentile(figures: &mut [f64], part: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "it is between nothing and the last"
    )]
    let place = (last as f64 * part).round() as usize;
    figures.get(place).copied().unwrap_or_default()
}

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(out, "- {remark}")?;
        }
        if !self.remarks.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "| figure | median | rounds | target |\n| --- | --- | --- | --- |")?;
        for Line { name, target, figures } in &self.lines {
            let median = percentile(&mut figures.clone(), 0.5);
            let rounds: Vec<_> = figures.iter().map(|figure| short(*figure)).collect();
            writeln!(out, "| {name} | {} | {} | {target} |", short(median), rounds.join(", "))?;
        }
        Ok(())
    }
}

/// Three digits that count.
pub fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_median_and_every_round() {
        let mut table = Table::default();
        for figure in [12.34, 0.5, 1234.5] {
            table.note_against("creates", "1", figure);
        }
        assert!(table.to_string().ends_with("| creates | 12.3 | 12.3, 0.50, 1234 | 1 |\n"), "{table}");
    }

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let mut figures: Vec<_> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut figures, 0.99).to_bits(), 99.0_f64.to_bits());
        assert_eq!(percentile(&mut [], 0.5).to_bits(), 0.0_f64.to_bits());
    }
}
