use super::record::{ColdStarts, figure};
use super::tables::spread;

/// The functions that are compared, as their runs name them.
pub(crate) const SHOP: &str = "order-queries";
pub(crate) const BARE: &str = "bare";

/// What is compared: the figure, and what a reader is told it is.
const ROWS: [(&str, &str); 7] = [
    ("init_ms", "start to the first request for work, ms"),
    ("init_cpu_ms", "CPU until then, ms"),
    ("resident_mb", "memory then, MB"),
    ("first_call_cpu_ms", "CPU of the first AWS call, with its TLS handshake, ms"),
    ("first_cpu_ms", "CPU of the whole first invocation, two AWS calls, ms"),
    ("resident_after_mb", "memory after it, MB"),
    ("binary_mb", "binary, MB"),
];

pub(super) fn table(starts: &ColdStarts) -> String {
    let mut table = format!("| | {SHOP} | {BARE} | ratio |\n|---|---|---|---|\n");
    for (name, text) in ROWS {
        let of = |function| figure(&starts.runs, "coldstart", function, name);
        let cell = |function| of(function).map_or_else(|| "–".to_owned(), spread);
        let ratio = match (of(SHOP), of(BARE)) {
            (Some(shop), Some(bare)) => format!("{:.2}", shop.median / bare.median),
            _ => "–".to_owned(),
        };
        table += &format!("| {text} | {} | {} | {ratio} |\n", cell(SHOP), cell(BARE));
    }
    table
}
