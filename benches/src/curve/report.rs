//! What was measured, for people: a table for each database, and the drawing.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::bench::Bench;
use crate::table::{percentile, short};

use super::drawing::{Panel, Spot, draw};
use super::{Curve, SIZES, sizes};

const BEGIN: &str = "<!-- growth: written by make bench-curve WRITE=1 -->\n";
const END: &str = "<!-- growth: end -->\n";
/// Beside BENCHMARKS.md.
const DRAWING: &str = "benchmarks/growth.svg";

/// A column for each size, a row for each figure: the median, and between what the rounds lay.
pub fn table(curve: &Curve) -> String {
    let mut names = Vec::new();
    for (name, target, _) in curve.points.iter().flat_map(|point| point.table.lines()) {
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name, target));
        }
    }
    let mut text = "| figure |".to_owned();
    for point in &curve.points {
        let _ = write!(text, " {} |", thousands(point.messages));
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(curve.points.len()));
    for (name, target) in names {
        let target = if target.is_empty() { String::new() } else { format!(" (target: {target})") };
        let _ = write!(text, "\n| {name}{target} |");
        for point in &curve.points {
            let _ = write!(text, " {} |", cell(point.table.figures(name)));
        }
    }
    text.push('\n');
    text
}

fn cell(figures: &[f64]) -> String {
    let at = |part| short(percentile(&mut figures.to_vec(), part));
    match figures {
        [] => "-".to_owned(),
        [only] => short(*only),
        _ => format!("{} ({} to {})", at(0.5), at(0.0), at(1.0)),
    }
}

/// 1,000,000.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Draws the curves, and puts figures and drawing into BENCHMARKS.md, between the two lines that mark their place.
pub fn write(bench: &Bench, folder: &Path, curves: &[Curve]) -> anyhow::Result<()> {
    let document = folder.join("BENCHMARKS.md");
    let shown = document.display();
    let text = fs::read_to_string(&document).with_context(|| format!("cannot read {shown}"))?;
    let mut section = format!("![What creates, starts and memory cost as messages gather]({DRAWING})\n\n");
    let _ = writeln!(section, "{}.", bench.machine());
    for curve in curves {
        let _ = write!(section, "\n#### On {}, by messages\n\n{}", curve.database, table(curve));
    }
    let text = replaced(&text, &section).with_context(|| format!("{shown} has no place for the figures"))?;
    let drawing = folder.join(DRAWING);
    fs::create_dir_all(drawing.parent().context("it lies in a folder")?)?;
    fs::write(&drawing, drawn(curves))?;
    fs::write(&document, text)?;
    println!("written: {}, {shown}", drawing.display());
    Ok(())
}

/// The text with another section between the marks.
fn replaced(text: &str, section: &str) -> anyhow::Result<String> {
    let (before, rest) = text.split_once(BEGIN).context("the first mark is missing")?;
    let (_, after) = rest.split_once(END).context("the second mark is missing")?;
    ensure!(!after.contains(BEGIN), "the first mark stands there twice");
    Ok(format!("{before}{BEGIN}\n{section}\n{END}{after}"))
}

fn drawn(curves: &[Curve]) -> String {
    let panel = |title, name, targets| {
        let spots = |curve: &Curve| {
            let spot = |point: &super::Point| {
                let figures = point.table.figures(name);
                let at = |part| percentile(&mut figures.to_vec(), part);
                Spot { messages: point.messages, median: at(0.5), low: at(0.0), high: at(1.0) }
            };
            curve.points.iter().map(spot).collect()
        };
        Panel { title, series: curves.iter().map(spots).collect(), targets }
    };
    let legend: Vec<_> = curves.iter().map(|curve| curve.database).collect();
    let targets = vec![(1_000_000, 0.9), (10_000_000, 0.8)];
    let largest = curves.iter().flat_map(|curve| &curve.points).map(|point| point.messages).max();
    let shown: Vec<_> = SIZES.into_iter().filter(|size| Some(*size) <= largest).collect();
    let targets = targets.into_iter().filter(|(size, _)| shown.contains(size)).collect();
    let panels = [
        panel("Creates a second, against those at 1,000 messages", sizes::RATIO, targets),
        panel("From the start to ready, milliseconds", sizes::READY, Vec::new()),
        panel("Anonymous memory after 10,000 creates, MB", sizes::MEMORY, Vec::new()),
    ];
    draw(&legend, &panels, &shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Point;
    use crate::table::Table;

    fn curve() -> Curve {
        let point = |messages, figures: &[f64]| {
            let mut table = Table::default();
            for figure in figures {
                table.note_against(sizes::RATIO, "0.9", *figure);
            }
            Point { messages, table }
        };
        Curve { database: "SQLite", points: vec![point(1000, &[1.0]), point(1_000_000, &[0.9, 0.8, 0.97])] }
    }

    #[test]
    fn a_table_has_a_column_for_each_size() {
        let expected = "| figure | 1,000 | 1,000,000 |\n| --- | --- | --- |\n\
                        | creates/s / at 1,000 (target: 0.9) | 1.00 | 0.90 (0.80 to 0.97) |\n";
        assert_eq!(table(&curve()), expected);
    }

    #[test]
    fn a_drawing_shows_what_was_measured_and_nothing_where_nothing_was() {
        let svg = drawn(&[curve()]);
        assert!(svg.contains(">1 M<") && !svg.contains(">10 M<") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn a_section_is_replaced_between_its_marks() {
        let old = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&old, "new\n").expect("both marks are there");
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert_eq!(replaced(&new, "new\n").expect("both marks are there"), new);
        assert!(replaced("before", "new").is_err());
    }
}
