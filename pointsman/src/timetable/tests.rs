use super::*;
use crate::engine::Choices;

const TABLE: &str = include_str!("testdata/times.txt");

fn time(text: &str) -> Time {
    let at: jiff::Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Time(at.as_millisecond())
}

/// Times as a schedule has them that was made at `anchor`.
#[track_caller]
fn times(expression: &str, zone_name: &str, anchor: Time) -> Times {
    let expression =
        Expression::parse(expression).unwrap_or_else(|why| panic!("{expression}: {why}"));
    let zone = zone(zone_name).unwrap_or_else(|| panic!("there is no zone {zone_name}"));
    Times { expression, zone, anchor, start: None, end: None }
}

fn next(times: &Times, after: Time, count: usize) -> Vec<Time> {
    std::iter::successors(times.next(after), |last| times.next(*last)).take(count).collect()
}

/// Expression, zone, instant, next times, source.
fn rows() -> impl Iterator<Item = [&'static str; 5]> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        cells.try_into().unwrap_or_else(|_| panic!("five cells are wanted: {line}"))
    })
}

#[test]
fn each_expression_comes_when_other_implementations_have_it_come() {
    let mut wrong = vec![];
    for [expression, zone, after, wanted, source] in rows() {
        let times = times(expression, zone, time(after));
        let got = next(&times, time(after), 5);
        let got: Vec<String> = got.into_iter().map(Time::rfc3339).collect();
        let got = if got.is_empty() { "-".to_owned() } else { got.join(" ") };
        if got != wanted {
            wrong.push(format!("{expression} {zone} {after}\n  {got}\n  {wanted} ({source})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows().count() >= 80, "{} expressions", rows().count());
}

/// From AWS's recorded refusals (LocalStack's snapshots of 26-01-2025), its guide, and its grammar.
#[test]
fn what_aws_refuses_is_refused() {
    let recorded = [
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron(INVALID)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(71 8 1 * ? *)",
        "cron()",
        "rate(10 seconds)",
        "rate(10 years)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
    ];
    let others = [
        "",
        "rate(0 minutes)",
        "rate(+1 minutes)",
        "rate(1.5 minutes)",
        "rate(10 MINUTES)",
        "rate(99999999999 days)",
        "rate(5 minutes) ",
        "rate (5 minutes)",
        "every(5 minutes)",
        "cron(0 12 ? * ? *)",
        "cron(0 12 * * *)",
        "cron(0 12 * * ? * *)",
        "cron(0  12 * * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 0 * ? *)",
        "cron(0 12 32 * ? *)",
        "cron(0 12 * 13 ? *)",
        "cron(0 12 * JANUARY ? *)",
        "cron(0 12 ? * 0 *)",
        "cron(0 12 ? * 8 *)",
        "cron(0 12 ? * MON/2 *)",
        "cron(0 12 ? * 3#6 *)",
        "cron(0 12 ? * 3#1,6#3 *)",
        "cron(0 12 ? * 3W *)",
        "cron(0 12 W * ? *)",
        "cron(0 12 32W * ? *)",
        "cron(0 12 1,L * ? *)",
        "cron(0 12 1W,15W * ? *)",
        "cron(0 12 ? * MON,6L *)",
        "cron(0 12 L-3 * ? *)",
        "cron(0 12 * * ? 1969)",
        "cron(0 12 * * ? 2200)",
        "cron(0/0 12 * * ? *)",
        "cron(/5 12 * * ? *)",
        "cron(0,,5 12 * * ? *)",
        "cron(5-1 12 * * ? *)",
        "cron(+5 12 * * ? *)",
        "cron(0 ? * * ? *)",
        "at(2026-02-30T00:00:00)",
        "at(2026-11-21T24:00:00)",
        "at(2026-11-21 20:00:00)",
        "at(+026-11-21T20:00:00)",
        "at(2026-11-21T20:00:00.000)",
    ];
    for text in recorded.into_iter().chain(others) {
        if let Ok(expression) = Expression::parse(text) {
            panic!("{text} is read as {expression:?}");
        }
    }
}

/// From recorded refusals of PutRule (LocalStack, 2024-05-14).
#[test]
fn a_rule_has_no_at_and_minds_the_number_of_its_unit() {
    for text in ["rate(1 minute)", "rate(2 hours)", "rate(1 day)", "cron(0 2 ? * SAT#3 *)"] {
        assert!(Expression::parse_of_rule(text).is_ok(), "{text}");
    }
    for text in [
        "rate(1 minutes)",
        "rate(1 hours)",
        "rate(1 days)",
        "rate(10 minute)",
        "rate(10 hour)",
        "rate(10 day)",
        "rate(0 minutes)",
        "at(2030-01-01T00:00:00)",
    ] {
        assert!(Expression::parse_of_rule(text).is_err(), "{text}");
    }
}

#[test]
fn a_zone_is_one_of_ianas_in_ianas_spelling() {
    for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "CET", "Etc/GMT+5"] {
        assert!(zone(name).is_some(), "{name}");
    }
    for name in ["", "europe/berlin", "Mars/Base", "+02:00", "UTC+2", "../etc/passwd"] {
        assert!(zone(name).is_none(), "{name}");
    }
}

#[test]
fn start_and_end_bound_what_recurs_and_both_belong_to_it() {
    let day = |day: u32| time(&format!("2027-01-{day:02}T12:00:00Z"));
    let noon = times("cron(0 12 * * ? *)", "UTC", day(1));
    let bounded = Times { start: Some(day(3)), end: Some(day(5)), ..noon };
    assert_eq!(next(&bounded, day(1), 9), [day(3), day(4), day(5)]);
    assert_eq!(bounded.next(day(5)), None);
    let rate = times("rate(2 days)", "UTC", day(3));
    let bounded = Times { start: Some(day(3)), end: Some(day(8)), ..rate };
    assert_eq!(next(&bounded, day(1), 9), [day(3), day(5), day(7)]);
    let once = times("at(2027-01-02T12:00:00)", "UTC", day(1));
    let bounded = Times { start: Some(day(3)), end: Some(day(1)), ..once };
    assert_eq!(next(&bounded, day(1), 9), [day(2)], "they mean nothing to what comes once");
}

#[test]
fn the_last_time_before_an_instant_is_found_from_afar() {
    let known = time("2026-11-21T12:00:00Z");
    let case = |expression: &str, until: &str, wanted: &str| {
        let times = times(expression, "Europe/Berlin", known);
        assert_eq!(times.last(known, time(until)).rfc3339(), wanted, "{expression} {until}");
    };
    case("cron(* * * * ? *)", "2026-11-21T12:00:30Z", "2026-11-21T12:00:00Z");
    case("cron(* * * * ? *)", "2031-11-21T12:00:30Z", "2031-11-21T12:00:00Z");
    case("cron(0 12 1 1 ? *)", "2030-11-21T12:00:00Z", "2030-01-01T11:00:00Z");
    case("cron(0 0 29 2 ? *)", "2035-01-01T00:00:00Z", "2032-02-28T23:00:00Z");
    case("rate(7 minutes)", "2026-12-21T12:00:00Z", "2026-12-21T11:57:00Z");
    case("rate(400 days)", "2027-11-21T12:00:00Z", "2026-11-21T12:00:00Z");
}

/// Whole numbers, expressions and instants at random.
struct Any(Choices);

impl Any {
    fn from(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.below(most + 1 - least)
    }

    fn field(&mut self, least: u64, most: u64) -> String {
        let (a, b) = (self.from(least, most), self.from(least, most));
        match self.0.below(4) {
            0 => "*".into(),
            1 => a.to_string(),
            2 => format!("{a}/{}", self.from(1, most)),
            _ => format!("{}-{},{a}", a.min(b), a.max(b)),
        }
    }

    fn days(&mut self) -> (String, String) {
        let (a, b) = (self.from(1, 7), self.from(1, 7));
        let of_week = match self.0.below(3) {
            0 => format!("{}-{}", a.min(b), a.max(b)),
            1 => format!("{a}#{}", self.from(1, 5)),
            _ => format!("{a}L"),
        };
        let of_month = match self.0.below(4) {
            0 => self.field(1, 31),
            1 => "L".into(),
            2 => "LW".into(),
            _ => format!("{}W", self.from(1, 31)),
        };
        match self.0.below(2) {
            0 => (of_month, "?".into()),
            _ => ("?".into(), of_week),
        }
    }

    fn expression(&mut self) -> String {
        if self.0.below(8) == 0 {
            return format!("rate({} minutes)", self.from(1, 5_000));
        }
        let (minutes, hours, months) = (self.field(0, 59), self.field(0, 23), self.field(1, 12));
        let (of_month, of_week) = self.days();
        format!("cron({minutes} {hours} {of_month} {months} {of_week} *)")
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 16] = [
            "cron(", "rate(", "at(", ")", " ", "*", "?", "L", "W", "#", "/", ",", "-", "7", "MON",
            "é",
        ];
        (0..self.0.below(16)).map(|_| PIECES[self.0.below(16) as usize]).collect()
    }
}

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
];

#[test]
fn the_next_time_is_later_and_no_time_is_passed_over() {
    for seed in 0..3_000 {
        let mut any = Any(Choices::from_seed(seed));
        let zone = ZONES[any.0.below(6) as usize];
        let expression = any.expression();
        let case = format!("seed {seed}: {expression} {zone}");
        let times = times(&expression, zone, Time(1_000_000_000_000));
        let a = Time(1_000_000_000_000 + any.0.below(1_500_000_000_000) as i64);
        let b = Time(a.0 + any.from(1, 40 * 86_400_000) as i64);
        let (next_a, next_b) = (times.next(a), times.next(b));
        let Some(next) = next_a else {
            assert_eq!(next_b, None, "{case}");
            continue;
        };
        assert!(next > a, "{case}: {} is not after {}", next.rfc3339(), a.rfc3339());
        assert_eq!(times.next(Time(next.0 - 1)), Some(next), "{case}: from just before it");
        if next > b {
            assert_eq!(next_b, Some(next), "{case}: from anywhere before it");
        } else {
            assert!(next_b.is_none_or(|later| later > next), "{case}");
            let last = times.last(next, b);
            assert!(last <= b && times.next(last).is_none_or(|later| later > b), "{case}");
        }
    }
}

#[test]
fn no_text_breaks_the_parser() {
    for seed in 0..5_000 {
        let text = Any(Choices::from_seed(seed)).text();
        if let Ok(expression) = Expression::parse(&text) {
            assert_eq!(
                format!("{expression:?}"),
                format!("{:?}", Expression::parse(&text).unwrap())
            );
        }
        assert!(zone(&text).is_none(), "{text}");
    }
}
