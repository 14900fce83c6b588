//! The curves as SVG, readable on a light and on a dark page: it takes its colours from what the reader prefers.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const PANEL: f64 = 220.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const ABOVE: f64 = 34.0;
const BELOW: f64 = 30.0;
/// The legend's line above the panels.
const LEGEND: f64 = 28.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328 } \
.title { font-weight: 600 } .quiet { fill: #59636e } \
.grid { stroke: #d1d9e0; stroke-width: 1 } \
.line { fill: none; stroke-width: 2 } .spread { stroke-width: 1.5; opacity: 0.6 } \
.s0 { stroke: #0969da } .d0 { fill: #0969da } .s1 { stroke: #bc4c00 } .d1 { fill: #bc4c00 } \
.target { fill: none; stroke: #1a7f37; stroke-width: 1.5 } \
@media (prefers-color-scheme: dark) { \
text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } \
.s0 { stroke: #4493f8 } .d0 { fill: #4493f8 } .s1 { stroke: #f0883e } .d1 { fill: #f0883e } \
.target { stroke: #3fb950 } }";

/// Curves over one measure, whose horizontal axis counts messages.
pub struct Panel {
    pub title: &'static str,
    /// In the order of the legend.
    pub series: Vec<Vec<Spot>>,
    /// What should be reached, where.
    pub targets: Vec<(u64, f64)>,
}

/// What was measured at a size: the median of the rounds, and between what they lay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub messages: u64,
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// The whole drawing. `legend` names the series.
pub fn draw(legend: &[&str], panels: &[Panel], sizes: &[u64]) -> String {
    let height = LEGEND + PANEL * f64::from(u32::try_from(panels.len()).unwrap_or(0));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"How cost grows with messages\">\n<style>{STYLE}</style>\n"
    );
    let mut left = LEFT;
    for (number, name) in legend.iter().enumerate() {
        dot(&mut svg, number, (left, 14.0));
        text(&mut svg, (left + 10.0, 18.0), ("", "start"), name);
        left += 110.0;
    }
    let mut top = LEGEND;
    for panel in panels {
        panel.draw(&mut svg, top, sizes);
        top += PANEL;
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn draw(&self, svg: &mut String, top: f64, sizes: &[u64]) {
        let highs = self.series.iter().flatten().map(|spot| spot.high);
        let highest = highs.chain(self.targets.iter().map(|(_, at)| *at)).fold(0.0, f64::max);
        let step = step(highest);
        let steps = (highest / step).ceil().max(1.0);
        let across = |messages: u64| LEFT + (WIDTH - LEFT - RIGHT) * part(messages, sizes);
        let up = |value: f64| top + PANEL - BELOW - (PANEL - ABOVE - BELOW) * value / (steps * step);
        text(svg, (LEFT, top + 20.0), ("title", "start"), self.title);
        let mut mark = 0.0;
        while mark <= steps {
            let (value, y) = (mark * step, up(mark * step));
            line(svg, "grid", ((LEFT, y), (WIDTH - RIGHT, y)));
            text(svg, (LEFT - 8.0, y + 4.0), ("quiet", "end"), &figure(value, step));
            mark += 1.0;
        }
        for size in sizes {
            text(svg, (across(*size), top + PANEL - 10.0), ("quiet", "middle"), &count(*size));
        }
        for (messages, at) in &self.targets {
            let (x, y) = (across(*messages), up(*at));
            let _ = writeln!(svg, "<path class=\"target\" d=\"M{:.1} {y:.1}h24\"/>", x - 12.0);
            text(svg, (x - 16.0, y + 4.0), ("quiet", "end"), &format!("target {at}"));
        }
        for (number, spots) in self.series.iter().enumerate() {
            let places = spots.iter().map(|spot| (across(spot.messages), up(spot.median)));
            let path: Vec<_> = places.clone().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(svg, "<path class=\"line s{number}\" d=\"M{}\"/>", path.join("L"));
            for (spot, place) in spots.iter().zip(places) {
                let ends = ((place.0, up(spot.low)), (place.0, up(spot.high)));
                line(svg, &format!("spread s{number}"), ends);
                dot(svg, number, place);
            }
        }
    }
}

/// Where a size stands between the first and the last, by its power of ten.
fn part(messages: u64, sizes: &[u64]) -> f64 {
    let power = |size: &u64| crate::server::as_f64(*size).log10();
    let (first, last) = (sizes.first().map_or(0.0, power), sizes.last().map_or(1.0, power));
    if last > first { (power(&messages) - first) / (last - first) } else { 0.5 }
}

/// A round distance between two lines, of which there are three to six.
fn step(highest: f64) -> f64 {
    let rough = highest.max(f64::MIN_POSITIVE) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

fn figure(value: f64, step: f64) -> String {
    if step < 1.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn count(messages: u64) -> String {
    match messages {
        1_000_000.. => format!("{} M", messages / 1_000_000),
        1000.. => format!("{} k", messages / 1000),
        _ => messages.to_string(),
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), (class, anchor): (&str, &str), content: &str) {
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>"
    );
}

fn line(svg: &mut String, class: &str, ((x1, y1), (x2, y2)): ((f64, f64), (f64, f64))) {
    let _ = writeln!(svg, "<path class=\"{class}\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>");
}

fn dot(svg: &mut String, number: usize, (x, y): (f64, f64)) {
    let _ = writeln!(svg, "<circle class=\"d{number}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_figures() {
        let steps = [1.05, 14_000.0, 44.0, 0.4].map(step);
        let expected = [0.5, 5000.0, 10.0, 0.1];
        assert!(steps.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-9), "{steps:?}");
        assert!(step(0.0) > 0.0);
    }

    #[test]
    fn a_drawing_has_every_curve_and_names_every_size() {
        let spot = |messages, median| Spot { messages, median, low: median - 0.1, high: median + 0.1 };
        let series = vec![vec![spot(1000, 1.0), spot(100_000, 0.9)], vec![spot(1000, 1.0)]];
        let panel = Panel { title: "creates", series, targets: vec![(100_000, 0.9)] };
        let svg = draw(&["SQLite", "PostgreSQL"], &[panel], &[1000, 100_000]);
        assert_eq!(svg.matches("<circle").count(), 2 + 3);
        assert_eq!(svg.matches("class=\"line").count(), 2);
        for name in ["SQLite", "PostgreSQL", "creates", ">1 k<", ">100 k<", "target 0.9"] {
            assert!(svg.contains(name), "{name} is missing: {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
