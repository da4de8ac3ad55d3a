//! One field of a cron expression: numbers, names, lists, ranges and steps.

/// What a field may hold.
pub(super) struct Field {
    /// As messages call it.
    pub(super) name: &'static str,
    pub(super) least: u16,
    pub(super) most: u16,
    /// Names that stand for numbers, from `least` on.
    pub(super) names: &'static [&'static str],
    /// Whether `/` is one of its wildcards.
    pub(super) steps: bool,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The six fields in their order.
pub(super) const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, most: 59, names: &[], steps: true },
    Field { name: "hours", least: 0, most: 23, names: &[], steps: true },
    Field { name: "day-of-month", least: 1, most: 31, names: &[], steps: true },
    Field { name: "month", least: 1, most: 12, names: &MONTHS, steps: true },
    Field { name: "day-of-week", least: 1, most: 7, names: &DAYS, steps: false },
    Field { name: "year", least: 1970, most: 2199, names: &[], steps: true },
];

impl Field {
    /// One part of its list: `5`, `MON`, `1-5`, `*`, `0/15`, `*/5`, `10-40/10`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn part(&self, part: &str) -> Result<impl Iterator<Item = u16> + use<>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) if self.steps => {
                let step = digits(step).filter(|step| (1..=u32::from(self.most)).contains(step));
                (range, Some(step.ok_or_else(|| self.wrong(part))?))
            }
            Some(_) => return Err(format!("{} takes no steps: «{part}»", self.name)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (self.least, self.most),
            (_, Some((from, to))) => (self.value(from)?, self.value(to)?),
            // A step goes on from its start to the end of the field.
            (one, None) if step.is_some() => (self.value(one)?, self.most),
            (one, None) => (self.value(one)?, self.value(one)?),
        };
        if from > to {
            return Err(format!("a range of {} goes up: «{part}»", self.name));
        }
        Ok((from..=to).step_by(step.unwrap_or(1) as usize))
    }

    /// A number in its range, or a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn value(&self, text: &str) -> Result<u16, String> {
        if let Some(index) = self.names.iter().position(|name| *name == text) {
            return Ok(self.least + index as u16);
        }
        let value = digits(text).and_then(|value| u16::try_from(value).ok());
        value
            .filter(|value| (self.least..=self.most).contains(value))
            .ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> String {
        format!("{} takes {} to {}, not «{text}»", self.name, self.least, self.most)
    }
}

/// A number without a sign.
pub(super) fn digits(text: &str) -> Option<u32> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
