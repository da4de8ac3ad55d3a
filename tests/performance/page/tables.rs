use super::record::{Figure, Machine, Record, Run, figure, gave_up};

/// The servers that have a column.
pub(super) const COLUMNS: [&str; 3] = ["pointsman", "ministack", "moto"];

/// A number as a person reads it: whole, or with three digits; thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        whole if whole.fract() == 0.0 => 0,
        large if large >= 99.95 => 0,
        middle if middle >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut apart = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && digit.is_ascii_digit() && (whole.len() - at) % 3 == 0 && !apart.ends_with('-')
        {
            apart.push(',');
        }
        apart.push(digit);
    }
    if part.is_empty() { apart } else { format!("{apart}.{part}") }
}

/// The median, and between what all were if they differ.
pub(crate) fn spread(figure: Figure) -> String {
    let [median, least, most] = [figure.median, figure.least, figure.most].map(number);
    if least == most { median } else { format!("{median} ({least}–{most})") }
}

pub(super) fn machine(machine: &Machine, note: &str) -> String {
    let Machine { date, commit, processor, cores, memory_gb, kernel, filesystem, .. } = machine;
    let changed = if machine.changed { ", changed" } else { "" };
    let note = if note.is_empty() { String::new() } else { format!("**{note}**\n\n") };
    format!(
        "{note}{date}, commit {commit}{changed}; {processor}, {cores} cores, {memory_gb} GB; Linux {kernel}, {filesystem}, where \
         fdatasync of 4 KB takes {} µs; {}; {} processes wanted to run before it began.\n",
        number(machine.sync_us),
        machine.rustc,
        number(machine.load),
    )
}

pub(super) fn servers(record: &Record) -> String {
    let mut table = String::from("| | version | settings |\n|---|---|---|\n");
    for server in &record.servers {
        let version = server.version.trim_start_matches(&server.name).trim();
        let version = match &server.absent {
            Some(why) => format!("not measured: {why}"),
            None => version.to_owned(),
        };
        table += &format!("| {} | {version} | {} |\n", server.name, server.settings);
    }
    table
}

pub(super) fn throughput(record: &Record) -> String {
    let settings = &record.settings;
    let events = number(settings.events as f64);
    let mut rows = vec![];
    for (size, bytes) in [(256, "256 B"), (1_024, "1 KB")] {
        let (stream, burst) = (format!("stream/{size}"), format!("burst/{size}"));
        rows.push((format!("stream of {events} × {bytes}"), stream, "events_per_s"));
        rows.push((format!("burst of {events} × {bytes}: put"), burst.clone(), "put_per_s"));
        rows.push((format!("burst of {events} × {bytes}: received"), burst, "drain_per_s"));
    }
    for depth in &settings.backlogs {
        let text = format!("stream over a backlog of {}", number(*depth as f64));
        rows.push((text, format!("backlog/{depth}"), "events_per_s"));
    }
    let handled = number(settings.handled as f64);
    let text = format!("{handled} to a function's handler");
    rows.push((text, "handler".to_owned(), "events_per_s"));
    table(record, "events/s", &rows)
}

pub(super) fn latency(record: &Record) -> String {
    let (rate, events) = (record.settings.rate, number(record.settings.events as f64));
    let mut rows = vec![];
    for (text, what) in [(format!("{rate}/s"), "paced"), (format!("stream of {events}"), "stream")]
    {
        for (size, bytes) in [(256, "256 B"), (1_024, "1 KB")] {
            for (name, part) in [("p50_ms", "p50"), ("p99_ms", "p99")] {
                rows.push((format!("{text} × {bytes}: {part}"), format!("{what}/{size}"), name));
            }
        }
    }
    table(record, "ms", &rows)
}

pub(super) fn resources(record: &Record) -> String {
    let row = |text: &str, what: &str, name| (text.to_owned(), what.to_owned(), name);
    let mut rows = vec![
        row("start to the first answer, ms", "start", "start_ms"),
        row("memory after the start, MB", "start", "resident_mb"),
        row("memory after a stream of 1 KB, MB", "stream/1024", "resident_mb"),
    ];
    for depth in record.settings.backlogs.iter().filter(|depth| **depth > 0) {
        let text = format!("memory with {} messages in the queue, MB", number(*depth as f64));
        rows.push((text, format!("backlog/{depth}"), "resident_mb"));
    }
    rows.extend([
        row("CPU an event, stream of 256 B, µs", "stream/256", "server_us"),
        row("of it in the kernel, µs", "stream/256", "server_system_us"),
        row("CPU an event, stream of 1 KB, µs", "stream/1024", "server_us"),
        row("CPU an event, one a request, paced, µs", "paced/256", "server_us"),
    ]);
    for depth in record.settings.backlogs.iter().filter(|depth| **depth > 0) {
        let text = format!("CPU an event over {}, µs", number(*depth as f64));
        rows.push((text, format!("backlog/{depth}"), "server_us"));
    }
    table(record, "", &rows)
}

pub(super) fn load(record: &Record) -> String {
    let row = |text: &str, what: &str| (text.to_owned(), what.to_owned(), "load_us");
    table(
        record,
        "CPU an event, µs",
        &[row("stream of 256 B", "stream/256"), row("stream of 1 KB", "stream/1024")],
    )
}

pub(super) fn kill(record: &Record) -> String {
    let mut table = String::from("| | acknowledged | left |\n|---|---|---|\n");
    for server in &record.servers {
        let of = |name| figure(&record.runs, "kill", &server.name, name);
        let (Some(all), Some(left)) = (of("acknowledged"), of("left")) else {
            let why = gave_up(&record.runs, "kill", &server.name).unwrap_or("not measured");
            table += &format!("| {} | | {why} |\n", server.name);
            continue;
        };
        table += &format!("| {} | {} | {} |\n", server.name, spread(all), spread(left));
    }
    table
}

/// A row for each measurement: its text, its name, its figure.
fn table(record: &Record, unit: &str, rows: &[(String, String, &str)]) -> String {
    let mut table = format!("| {unit} | {} |\n|---|---|---|---|\n", COLUMNS.join(" | "));
    for (text, what, name) in rows {
        let cells = COLUMNS.map(|server| cell(&record.runs, what, server, name));
        table += &format!("| {text} | {} |\n", cells.join(" | "));
    }
    table
}

fn cell(runs: &[Run], what: &str, server: &str, name: &str) -> String {
    let found = figure(runs, what, server, name).map(spread);
    found.or_else(|| gave_up(runs, what, server).map(str::to_owned)).unwrap_or_else(|| "–".into())
}
