use super::functions::{BARE, SHOP};
use super::record::{ColdStarts, Record, Run, figure};
use super::tables::number;

/// A goal, what was measured of it, and whether that is enough.
struct Goal {
    text: String,
    unit: &'static str,
    measured: Option<f64>,
    reached: fn(f64, f64) -> bool,
    bound: f64,
}

/// What the engine and the functions ought to reach, and whether they do. Everything is a median but for the messages
/// that survive.
pub(super) fn table(record: &Record, starts: &ColdStarts) -> String {
    let mut table = String::from("| goal | | measured | reached |\n|---|---|---|---|\n");
    for goal in engine(record).into_iter().chain(functions(starts)) {
        let sign = if (goal.reached)(0.0, 1.0) { "≤" } else { "≥" };
        let unit = goal.unit;
        let (measured, reached) = match goal.measured {
            Some(value) if (goal.reached)(value, goal.bound) => (number(value) + unit, "yes"),
            Some(value) => (number(value) + unit, "**no**"),
            None => ("–".to_owned(), "not measured"),
        };
        let bound = format!("{}", goal.bound);
        let bound = if goal.bound >= 1_000.0 { number(goal.bound) } else { bound };
        table += &format!("| {} | {sign} {bound}{unit} | {measured} | {reached} |\n", goal.text);
    }
    table
}

fn least(text: &str, unit: &'static str, bound: f64, measured: Option<f64>) -> Goal {
    Goal { text: text.to_owned(), unit, measured, reached: |value, bound| value >= bound, bound }
}

fn most(text: &str, unit: &'static str, bound: f64, measured: Option<f64>) -> Goal {
    Goal { text: text.to_owned(), unit, measured, reached: |value, bound| value <= bound, bound }
}

fn engine(record: &Record) -> Vec<Goal> {
    let runs = &record.runs;
    let ours = |what: &str, name: &str| median(runs, what, "pointsman", name);
    let rate = |what: &str, server: &str| median(runs, what, server, "events_per_s");
    let times = |what: &str| Some(rate(what, "pointsman")? / rate(what, "ministack")?);
    let flat = |depth: &str| Some(rate(depth, "pointsman")? / rate("backlog/0", "pointsman")?);
    let left = figure(runs, "kill", "pointsman", "left").map(|left| left.least);
    let events = number(record.settings.events as f64);
    let pace = record.settings.rate;
    vec![
        least(&format!("stream of {events}, to ministack's"), " ×", 12.0, times("stream/256")),
        least("over a backlog of 20,000, to ministack's", " ×", 20.0, times("backlog/20000")),
        least("over 100,000, to none", " ×", 0.9, flat("backlog/100000")),
        most("CPU an event", " µs", 30.0, ours("stream/256", "server_us")),
        most(&format!("p50 at {pace}/s"), " ms", 1.0, ours("paced/256", "p50_ms")),
        most(&format!("p99 at {pace}/s"), " ms", 5.0, ours("paced/256", "p99_ms")),
        least("to a function's handler", "/s", 5_000.0, ours("handler", "events_per_s")),
        most("start", " ms", 150.0, ours("start", "start_ms")),
        most("memory after the start", " MB", 40.0, ours("start", "resident_mb")),
        least("of 500 acknowledged, after `kill -9`", "", 500.0, left),
    ]
}

fn functions(starts: &ColdStarts) -> Vec<Goal> {
    let of = |server: &str, name: &str| median(&starts.runs, "coldstart", server, name);
    let times = |name: &str| Some(of(SHOP, name)? / of(BARE, name)?);
    vec![
        most("a function's cold start, to a bare one's", " ×", 1.1, times("init_ms")),
        most("its memory after the start, to a bare one's", " ×", 1.1, times("resident_mb")),
        most("CPU of its first AWS call", " ms", 2.0, of(SHOP, "first_call_cpu_ms")),
    ]
}

fn median(runs: &[Run], what: &str, server: &str, name: &str) -> Option<f64> {
    figure(runs, what, server, name).map(|figure| figure.median)
}
