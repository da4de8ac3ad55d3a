use super::field::{FIELDS, Field};
use jiff::civil::{Date, DateTime};

/// `cron(minutes hours day-of-month month day-of-week year)`, in local time.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    /// A bit a minute, hour, month.
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// Rising.
    years: Vec<u16>,
}

/// The one of the two day fields that is not `?`.
#[derive(Clone, Debug)]
enum Days {
    /// A bit a day of the month.
    OfMonth(u64),
    /// `L`
    LastOfMonth,
    /// `15W`: the weekday nearest to it, in the same month.
    Weekday(i8),
    /// `LW`
    LastWeekday,
    /// A bit a day of the week; 1 is Sunday.
    OfWeek(u64),
    /// `6L`: the month's last Friday.
    LastOfWeek(i8),
    /// `3#2`: the month's second Tuesday.
    Nth(i8, i8),
}

impl Cron {
    /// What stands between the parentheses.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(inner: &str) -> Result<Cron, String> {
        let texts: Vec<&str> = inner.split(' ').collect();
        let [minutes, hours, of_month, months, of_week, years] = texts[..] else {
            return Err(
                "six fields are wanted: minutes hours day-of-month month day-of-week year".into()
            );
        };
        let days = match (of_month, of_week) {
            ("?", "?") => return Err("only one of the two day fields can be ?".into()),
            (of_month, "?") => Days::of_month(of_month)?,
            ("?", of_week) => Days::of_week(of_week)?,
            _ => return Err("one of day-of-month and day-of-week must be ?".into()),
        };
        let mut all: Vec<u16> = vec![];
        for part in years.split(',') {
            all.extend(FIELDS[5].part(part)?);
        }
        all.sort_unstable();
        all.dedup();
        Ok(Cron {
            minutes: bits(&FIELDS[0], minutes)?,
            hours: bits(&FIELDS[1], hours)?,
            months: bits(&FIELDS[3], months)?,
            days,
            years: all,
        })
    }

    /// The first local time after `from` that fits.
    pub(super) fn next(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        if self.fits(date)
            && let Some((hour, minute)) = self.later(from.hour(), from.minute())
        {
            return Some(date.at(hour, minute, 0, 0));
        }
        let (hour, minute) = (first(self.hours)?, first(self.minutes)?);
        loop {
            date = self.step(date)?;
            if self.fits(date) {
                return Some(date.at(hour, minute, 0, 0));
            }
        }
    }

    /// The next day of a month and year that fit.
    fn step(&self, date: Date) -> Option<Date> {
        let next = date.tomorrow().ok()?;
        let this = next.year() as u16;
        let year = self.years.iter().copied().find(|year| *year >= this)?;
        if year > this {
            return self.step_months(Date::new(year as i16, 1, 1).ok()?);
        }
        self.step_months(next)
    }

    fn step_months(&self, date: Date) -> Option<Date> {
        if has(self.months, date.month()) {
            return Some(date);
        }
        match (date.month() + 1..=12).find(|month| has(self.months, *month)) {
            Some(month) => Date::new(date.year(), month, 1).ok(),
            // The day before the next year begins, from which the year is looked at again.
            None => self.step(Date::new(date.year(), 12, 31).ok()?),
        }
    }

    fn fits(&self, date: Date) -> bool {
        has(self.months, date.month())
            && self.years.binary_search(&(date.year() as u16)).is_ok()
            && self.days.fit(date)
    }

    /// The first time of day after this one.
    fn later(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        if has(self.hours, hour)
            && let Some(minute) = (minute + 1..60).find(|minute| has(self.minutes, *minute))
        {
            return Some((hour, minute));
        }
        let hour = (hour + 1..24).find(|hour| has(self.hours, *hour))?;
        Some((hour, first(self.minutes)?))
    }
}

impl Days {
    fn of_month(text: &str) -> Result<Days, String> {
        let field = &FIELDS[2];
        match text {
            "L" => Ok(Days::LastOfMonth),
            "LW" => Ok(Days::LastWeekday),
            text => match text.strip_suffix('W') {
                Some(day) => field.value(day).map(|day| Days::Weekday(day as i8)),
                None => bits(field, text).map(Days::OfMonth),
            },
        }
    }

    fn of_week(text: &str) -> Result<Days, String> {
        let field = &FIELDS[4];
        if let Some((day, nth)) = text.split_once('#') {
            let nth = super::field::digits(nth).filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| format!("one DAY#NTH with NTH from 1 to 5: «{text}»"))?;
            return Ok(Days::Nth(field.value(day)? as i8, nth as i8));
        }
        match text.strip_suffix('L') {
            // The week's last day.
            Some("") => Ok(Days::OfWeek(1 << 7)),
            Some(day) => field.value(day).map(|day| Days::LastOfWeek(day as i8)),
            None => bits(field, text).map(Days::OfWeek),
        }
    }

    fn fit(&self, date: Date) -> bool {
        let (day, length) = (date.day(), date.days_in_month());
        match *self {
            Days::OfMonth(days) => has(days, day),
            Days::LastOfMonth => day == length,
            Days::Weekday(near) => is_nearest_weekday(date, near),
            Days::LastWeekday => is_nearest_weekday(date, length),
            Days::OfWeek(days) => has(days, week_day(date)),
            Days::LastOfWeek(wanted) => week_day(date) == wanted && day + 7 > length,
            Days::Nth(wanted, nth) => week_day(date) == wanted && (day - 1) / 7 + 1 == nth,
        }
    }
}

/// Whether `date` is the weekday nearest to day `near` of its month, without leaving the month.
fn is_nearest_weekday(date: Date, near: i8) -> bool {
    let length = date.days_in_month();
    let Ok(wanted) = Date::new(date.year(), date.month(), near) else { return false };
    let day = match week_day(wanted) {
        7 if near == 1 => 3,
        7 => near - 1,
        1 if near == length => near - 2,
        1 => near + 1,
        _ => near,
    };
    date.day() == day
}

/// 1 is Sunday, 7 is Saturday.
fn week_day(date: Date) -> i8 {
    date.weekday().to_sunday_one_offset()
}

/// A bit a value of a list.
fn bits(field: &Field, text: &str) -> Result<u64, String> {
    let mut bits = 0;
    for part in text.split(',') {
        bits |= field.part(part)?.fold(0, |bits, value| bits | 1 << value);
    }
    Ok(bits)
}

fn has(bits: u64, value: i8) -> bool {
    bits >> value & 1 == 1
}

fn first(bits: u64) -> Option<i8> {
    (bits != 0).then(|| bits.trailing_zeros() as i8)
}
