use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The longest that a message may be made to come later, in engine time.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// The longest that an invocation may be made to wait, in wall time: well within what a function's own limits bear.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often what goes wrong, from which seed. The same plan makes the same choices for the same things in the same
/// order.
///
/// Chances are parts of a million. Requests and invocations are struck only while a function works at something for
/// the first or second time, so that nothing good goes to a dead-letter queue by faults alone; no message is copied
/// or delayed more than once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Where all choices come from.
    pub seed: u64,
    /// A message goes into a queue twice.
    pub duplicate: u32,
    /// A message comes later, so that others overtake it.
    pub delay: u32,
    /// By how much later at most, in engine time; the second of two copies also.
    pub longest: Duration,
    /// A function's request to a service is refused because there were too many.
    pub throttle: u32,
    /// A function's request to a service fails with status 500.
    pub fail: u32,
    /// The answer to a function's request is lost after what it asked for is durable.
    pub lose: u32,
    /// An invocation waits before a process is given it.
    pub wait: u32,
    /// How long at most, in wall time.
    pub longest_wait: Duration,
    /// A process is killed as soon as it was given an invocation.
    pub kill_at_start: u32,
    /// A process is killed when it asks for a write to a table, before that is done.
    pub kill_before_write: u32,
    /// A process is killed when its write to a table is durable, before it is answered.
    pub kill_after_write: u32,
    /// A process is killed when its events or messages are durable, before it is answered.
    pub kill_after_publish: u32,
    /// A process is killed when it has answered, before anything follows from it.
    pub kill_before_answer: u32,
    /// Only these functions and queues; empty for all.
    pub only: BTreeSet<String>,
}

/// A chance of a plan: its name in a SPEC, and where it stands.
type Chance = (&'static str, fn(&mut Plan) -> &mut u32);

const CHANCES: [Chance; 11] = [
    ("duplicate", |p| &mut p.duplicate),
    ("delay", |p| &mut p.delay),
    ("throttle", |p| &mut p.throttle),
    ("fail", |p| &mut p.fail),
    ("lose", |p| &mut p.lose),
    ("wait", |p| &mut p.wait),
    ("kill-at-start", |p| &mut p.kill_at_start),
    ("kill-before-write", |p| &mut p.kill_before_write),
    ("kill-after-write", |p| &mut p.kill_after_write),
    ("kill-after-publish", |p| &mut p.kill_after_publish),
    ("kill-before-answer", |p| &mut p.kill_before_answer),
];

impl Plan {
    /// Nothing goes wrong.
    pub fn quiet(seed: u64) -> Plan {
        let (longest, longest_wait) = (Duration::from_secs(5), Duration::from_millis(200));
        Plan { seed, longest, longest_wait, ..Plan::default() }
    }

    /// A little of everything: a system that is sound still gets on.
    pub fn gentle(seed: u64) -> Plan {
        Plan {
            duplicate: 50_000,
            delay: 100_000,
            throttle: 20_000,
            fail: 10_000,
            lose: 10_000,
            wait: 50_000,
            kill_at_start: 5_000,
            kill_before_write: 5_000,
            kill_after_write: 5_000,
            kill_after_publish: 5_000,
            kill_before_answer: 5_000,
            ..Plan::quiet(seed)
        }
    }

    /// Reads `duplicate=0.05,delay=0.1:5s,kill=0.01,only=payment+shipping`: what is named goes wrong, as often as it
    /// says. Where nothing but `seed` and `only` is named, it is the gentle mix.
    ///
    /// `kill` stands for all of `kill-at-start`, `kill-before-write`, `kill-after-write`, `kill-after-publish` and
    /// `kill-before-answer`. Without `seed` it is the given one.
    ///
    /// # Errors
    /// One line that names the part that is wrong.
    pub fn parse(spec: &str, seed: u64) -> Result<Plan, String> {
        let mut plan = Plan::quiet(seed);
        let mut chosen = false;
        for part in spec.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = |why: String| format!("faults: {part}: {why}");
            let (name, value) =
                part.split_once('=').ok_or_else(|| wrong("NAME=VALUE is wanted".into()))?;
            match name {
                "seed" => {
                    plan.seed =
                        value.parse().map_err(|_| wrong("a whole number is wanted".into()))?;
                }
                "only" => plan.only = value.split('+').map(str::to_owned).collect(),
                name => {
                    plan.set(name, value).map_err(wrong)?;
                    chosen = true;
                }
            }
        }
        if plan.only.contains("") {
            return Err(
                "faults: only=: names of functions and queues are wanted, joined by +".into()
            );
        }
        if !chosen {
            plan = Plan { only: plan.only, ..Plan::gentle(plan.seed) };
        }
        Ok(plan)
    }

    /// Nothing goes wrong by it.
    pub fn is_quiet(&self) -> bool {
        let mut plan = self.clone();
        CHANCES.iter().all(|(_, at)| *at(&mut plan) == 0)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (chance, length) = match value.split_once(':') {
            Some((chance, length)) => (chance, Some(length)),
            None => (value, None),
        };
        let chance = match chance.parse::<f64>() {
            Ok(chance) if (0.0..=1.0).contains(&chance) => (chance * 1e6).round() as u32,
            _ => return Err("a chance from 0 to 1 is wanted".into()),
        };
        match (name, length) {
            ("delay" | "duplicate", Some(length)) => self.longest = time(length, LONGEST_DELAY)?,
            ("wait", Some(length)) => self.longest_wait = time(length, LONGEST_WAIT)?,
            (_, Some(_)) => return Err(format!("{name} takes no time")),
            (_, None) => {}
        }
        let is_named = |key: &str| key == name || name == "kill" && key.starts_with("kill-");
        let mut named = CHANCES.iter().filter(|(key, _)| is_named(key)).peekable();
        if named.peek().is_none() {
            let known: Vec<&str> = CHANCES.iter().map(|(key, _)| *key).collect();
            return Err(format!("{name} is none of seed, only, kill, {}", known.join(", ")));
        }
        named.for_each(|(_, at)| *at(self) = chance);
        Ok(())
    }
}

/// `seed 8123, duplicate 5 %, delay 10 % up to 5 s`: the names are those that a SPEC has.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)?;
        if self.is_quiet() {
            f.write_str(", nothing at random")?;
        }
        let mut plan = self.clone();
        let mut kills = CHANCES.iter().filter(|(name, _)| name.starts_with("kill-"));
        let all_kills = kills.all(|(_, at)| *at(&mut plan) == self.kill_at_start);
        for (name, at) in CHANCES {
            let name = match name {
                "kill-at-start" if all_kills => "kill",
                name if all_kills && name.starts_with("kill-") => continue,
                name => name,
            };
            let chance = *at(&mut plan);
            if chance == 0 {
                continue;
            }
            write!(f, ", {name} {} %", f64::from(chance) / 10_000.0)?;
            match name {
                "delay" => write!(f, " up to {}", Seconds(self.longest))?,
                "wait" => write!(f, " up to {}", Seconds(self.longest_wait))?,
                _ => {}
            }
        }
        if !self.only.is_empty() {
            let only: Vec<&str> = self.only.iter().map(String::as_str).collect();
            write!(f, ", only {}", only.join(" and "))?;
        }
        Ok(())
    }
}

/// `5 s`, `0.2 s`
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_millis() as f64 / 1000.0)
    }
}

fn time(text: &str, longest: Duration) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => 0,
    };
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).map(Duration::from_millis) {
        Some(time) if !time.is_zero() && time <= longest => Ok(time),
        _ => Err(format!("a time such as 200ms, 5s or 1m is wanted, at most {}", Seconds(longest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(spec: &str, words: &str) {
        assert_eq!(
            Plan::parse(spec, 7).map(|plan| plan.to_string()),
            Ok(words.to_owned()),
            "{spec}"
        );
    }

    #[track_caller]
    fn refuses(spec: &str, why: &str) {
        let refused = Plan::parse(spec, 7).expect_err(spec);
        assert!(refused.contains(why), "{refused}");
        assert!(!refused.contains('\n'), "{refused}");
    }

    #[test]
    fn a_spec_is_said_in_words() {
        reads(
            "seed=8123,duplicate=0.05,delay=0.1:5s,throttle=0.02,fail=0.01,kill=0.005",
            "seed 8123, duplicate 5 %, delay 10 % up to 5 s, throttle 2 %, fail 1 %, kill 0.5 %",
        );
        reads(
            "kill-before-write=0.005,kill-after-publish=0.01",
            "seed 7, kill-before-write 0.5 %, kill-after-publish 1 %",
        );
        reads("wait=1:200ms,only=b+a", "seed 7, wait 100 % up to 0.2 s, only a and b");
        reads("throttle=0", "seed 7, nothing at random");
    }

    #[test]
    fn without_chances_it_is_the_gentle_mix() {
        let gentle = "duplicate 5 %, delay 10 % up to 5 s, throttle 2 %, fail 1 %, lose 1 %, wait 5 % up to 0.2 s, kill 0.5 %";
        reads("", &format!("seed 7, {gentle}"));
        reads("seed=3", &format!("seed 3, {gentle}"));
        reads("only=payment", &format!("seed 7, {gentle}, only payment"));
        assert_eq!(Plan::parse("", 7), Ok(Plan::gentle(7)));
    }

    #[test]
    fn a_wrong_spec_is_refused_with_its_wrong_part() {
        refuses("duplicate=0.1,delay=5", "delay=5: a chance from 0 to 1");
        refuses("delay=0.1:5h", "delay=0.1:5h: a time such as");
        refuses("delay=0.1:2000s", "at most 900 s");
        refuses("throttle=0.1:5s", "throttle takes no time");
        refuses("seed=x", "seed=x: a whole number");
        refuses("explode=0.1", "explode is none of seed, only, kill, duplicate");
        refuses("duplicate", "NAME=VALUE");
        refuses("fail=nan", "from 0 to 1");
        refuses("only=a+", "only=: names");
    }
}
