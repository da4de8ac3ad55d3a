//! Events a second, as bars and over the queue's depth. Colours are of middle lightness and there is no background, so
//! that it can be read on white and on black.

use super::record::{Record, figure};
use super::tables::{COLUMNS, number};
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 360.0;
/// Where both panels begin and end, from above.
const TOP: f64 = 64.0;
const BOTTOM: f64 = 312.0;
/// The lines of the scale, which is logarithmic.
const SCALE: [f64; 5] = [10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
const TEXT: &str = "#768089";
const COLOURS: [&str; 3] = ["#2f81f7", "#bf8700", "#8b6fd6"];

/// The plot as a file.
pub(super) fn svg(record: &Record) -> String {
    let mut svg = Svg::default();
    svg.text(
        8.0,
        20.0,
        "start",
        14.0,
        "Events a second, put → rule → queue → received and deleted",
    );
    for (at, server) in COLUMNS.into_iter().enumerate() {
        let x = 8.0 + 110.0 * at as f64;
        svg.rect(x, 33.0, 11.0, 11.0, COLOURS[at]);
        svg.text(x + 16.0, 43.0, "start", 12.0, server);
    }
    svg.text(352.0, 43.0, "start", 12.0, "medians, logarithmic scale");
    bars(&mut svg, record, 60.0, 500.0);
    depths(&mut svg, record, 580.0, 840.0);
    svg.finish()
}

fn bars(svg: &mut Svg, record: &Record, left: f64, right: f64) {
    grid(svg, left, right);
    let groups = [
        ("stream, 256 B", "stream/256", "events_per_s"),
        ("stream, 1 KB", "stream/1024", "events_per_s"),
        ("burst: received", "burst/256", "drain_per_s"),
        ("to a function", "handler", "events_per_s"),
    ];
    let step = (right - left) / groups.len() as f64;
    for (group, (text, what, name)) in groups.into_iter().enumerate() {
        let middle = left + step * (group as f64 + 0.5);
        svg.text(middle, BOTTOM + 18.0, "middle", 12.0, text);
        for (at, server) in COLUMNS.into_iter().enumerate() {
            let x = middle + 31.0 * (at as f64 - 1.0);
            let Some(value) = figure(&record.runs, what, server, name) else {
                svg.text(x, BOTTOM - 5.0, "middle", 11.0, "–");
                continue;
            };
            let y = height(value.median);
            svg.rect(x - 12.0, y, 24.0, BOTTOM - y, COLOURS[at]);
            svg.text(x, y - 4.0, "middle", 10.0, &short(value.median));
        }
    }
}

fn depths(svg: &mut Svg, record: &Record, left: f64, right: f64) {
    grid(svg, left, right);
    let depths = &record.settings.backlogs;
    let step = (right - left) / depths.len().max(1) as f64;
    let x = |at: usize| left + step * (at as f64 + 0.5);
    for (at, depth) in depths.iter().enumerate() {
        svg.text(x(at), BOTTOM + 18.0, "middle", 12.0, &number(*depth as f64));
    }
    svg.text((left + right) / 2.0, BOTTOM + 36.0, "middle", 12.0, "messages in the queue before");
    for (server, colour) in COLUMNS.into_iter().zip(COLOURS) {
        let mut before: Option<(f64, f64)> = None;
        for (at, depth) in depths.iter().enumerate() {
            let what = format!("backlog/{depth}");
            let value = figure(&record.runs, &what, server, "events_per_s");
            let Some(value) = value else {
                before = None;
                continue;
            };
            let here = (x(at), height(value.median));
            if let Some(before) = before {
                svg.line(before, here, colour, 2.0);
            }
            svg.dot(here, colour);
            svg.text(here.0, here.1 - 8.0, "middle", 10.0, &short(value.median));
            before = Some(here);
        }
    }
}

fn grid(svg: &mut Svg, left: f64, right: f64) {
    for value in SCALE {
        let y = height(value);
        svg.line((left, y), (right, y), TEXT, 0.4);
        svg.text(left - 6.0, y + 4.0, "end", 11.0, &number(value));
    }
}

/// Where a value stands; what is off the scale stands at its end.
fn height(value: f64) -> f64 {
    let [first, last] = [SCALE[0], SCALE[SCALE.len() - 1]].map(f64::log10);
    let part = (value.max(1.0).log10() - first) / (last - first);
    BOTTOM - part.clamp(0.0, 1.0) * (BOTTOM - TOP)
}

/// `26.1k`
fn short(value: f64) -> String {
    if value < 1_000.0 { format!("{value:.0}") } else { format!("{:.1}k", value / 1_000.0) }
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn text(&mut self, x: f64, y: f64, anchor: &str, size: f64, text: &str) {
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>"
        ));
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str) {
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        ));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.put(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"));
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{what}");
    }

    fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" fill=\"{TEXT}\">\n{}</svg>\n",
            self.0
        )
    }
}
