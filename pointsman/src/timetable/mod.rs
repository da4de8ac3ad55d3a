//! When schedules come: expressions, and time zones with their changes of clock. Pure, like the clock's own types.
//!
//! - [`Expression`]: `rate(…)`, `cron(…)` or `at(…)`, parsed as EventBridge Scheduler or as a rule of EventBridge has it
//! - [`Times`]: an expression in its time zone, between start and end: which time is the next one
//! - [`zone`]: a time zone by its IANA name
//!
//! What AWS documents is accepted, and no more: what is accepted here is accepted there.

mod cron;
mod field;
mod zone;

#[cfg(test)]
mod tests;

use self::cron::Cron;
use crate::clock::Time;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub(crate) use zone::zone;

/// A parsed schedule expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    /// `rate(5 minutes)`: so many milliseconds.
    Rate(i64),
    /// `cron(0 12 ? * MON-FRI *)`
    Cron(Box<Cron>),
    /// `at(2026-11-21T20:00:00)`
    At(DateTime),
}

impl Expression {
    /// An expression of a schedule.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        match call(text) {
            Some(("rate", inner)) => rate(inner, Number::Any),
            Some(("cron", inner)) => Cron::parse(inner).map(|cron| Expression::Cron(cron.into())),
            Some(("at", inner)) => at(inner),
            _ => Err("rate(…), cron(…) or at(…) is wanted".into()),
        }
    }

    /// An expression of a rule: no `at`, and a unit in singular or plural as its value wants it.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(crate) fn parse_of_rule(text: &str) -> Result<Expression, String> {
        match call(text) {
            Some(("rate", inner)) => rate(inner, Number::Grammatical),
            Some(("cron", inner)) => Cron::parse(inner).map(|cron| Expression::Cron(cron.into())),
            _ => Err("rate(…) or cron(…) is wanted".into()),
        }
    }

    /// It comes once.
    pub(crate) fn is_once(&self) -> bool {
        matches!(self, Expression::At(_))
    }
}

/// When a schedule comes.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) expression: Expression,
    pub(crate) zone: TimeZone,
    /// From here a rate counts.
    pub(crate) anchor: Time,
    /// Not before; without meaning for `at`.
    pub(crate) start: Option<Time>,
    /// Not after; without meaning for `at`.
    pub(crate) end: Option<Time>,
}

/// How far before an instant the last time before it is looked for, in hours: further and further.
const BACK: [i64; 6] = [1, 24, 24 * 31, 24 * 366, 24 * 366 * 9, 24 * 366 * 50];

impl Times {
    /// The first time that comes after `after`.
    pub(crate) fn next(&self, after: Time) -> Option<Time> {
        let earliest = |start: Time| Time(after.0.max(start.0.saturating_sub(1)));
        let next = match &self.expression {
            Expression::At(at) => return zone::instant(&self.zone, *at).filter(|at| *at > after),
            Expression::Rate(period) => {
                let passed = after.0.saturating_sub(self.anchor.0);
                match passed < 0 {
                    true => Some(self.anchor),
                    false => (passed / period + 1)
                        .checked_mul(*period)
                        .and_then(|by| self.anchor.0.checked_add(by))
                        .map(Time),
                }
            }
            Expression::Cron(cron) => {
                zone::next(&self.zone, cron, self.start.map_or(after, earliest))
            }
        };
        next.filter(|next| self.end.is_none_or(|end| *next <= end))
    }

    /// The last time that is not after `until`; `known` is one of them.
    pub(crate) fn last(&self, known: Time, until: Time) -> Time {
        let mut last = known;
        for hours in BACK {
            let from = Time(until.0.saturating_sub(hours * 3_600_000));
            if from <= known {
                break;
            }
            if let Some(found) = self.next(from).filter(|found| *found <= until) {
                last = found;
                break;
            }
        }
        while let Some(next) = self.next(last).filter(|next| *next <= until) {
            last = next;
        }
        last
    }
}

/// `name(inner)`, without a space around either.
fn call(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('(')?;
    Some((name, rest.strip_suffix(')')?))
}

/// How the unit of a rate is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Any,
    /// `1 minute`, `2 minutes`.
    Grammatical,
}

fn rate(inner: &str, number: Number) -> Result<Expression, String> {
    let wanted = || "rate(VALUE UNIT) is wanted, such as rate(5 minutes)".to_owned();
    let (value, unit) = inner.split_once(' ').ok_or_else(wanted)?;
    let value = field::digits(value)
        .filter(|value| *value > 0)
        .ok_or_else(|| format!("the value of a rate is a whole number from 1 on, not «{value}»"))?;
    let seconds: i64 = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Err(format!("the unit of a rate is minutes, hours or days, not «{unit}»")),
    };
    if number == Number::Grammatical && (value == 1) == unit.ends_with('s') {
        return Err("the unit is singular for 1 and plural for more".into());
    }
    Ok(Expression::Rate(i64::from(value) * seconds * 1_000))
}

fn at(inner: &str) -> Result<Expression, String> {
    let form = "0000-00-00T00:00:00";
    let fits = inner.len() == form.len()
        && inner.bytes().zip(form.bytes()).all(|(got, wanted)| match wanted {
            b'0' => got.is_ascii_digit(),
            other => got == other,
        });
    let time = fits.then(|| inner.parse::<DateTime>().ok()).flatten();
    time.map(Expression::At)
        .ok_or_else(|| format!("at(yyyy-mm-ddThh:mm:ss) is wanted, not «{inner}»"))
}
