use crate::coldstart;
use crate::load::{self, Client, Load, Mode, Way};
use crate::measure::Options;
use crate::page::record::Settings;
use crate::server::{Kind, Programs};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What may be given, each as `--name value`, with what holds otherwise.
const KNOWN: &[(&str, &str)] = &[
    // Of every call.
    ("root", "."),
    ("docs", "docs"),
    ("note", ""),
    // Of measure.
    ("rounds", "5"),
    ("events", "5000"),
    ("paced", "2000"),
    ("handled", "20000"),
    ("rate", "200"),
    ("backlogs", "0,20000,100000"),
    ("limit", "60"),
    ("work", "target/performance"),
    ("pointsman", "target/release/pointsman"),
    ("functions", "target/performance/functions"),
    ("ministack", ""),
    ("moto", ""),
    ("no-ministack", "it was not asked for"),
    ("no-moto", "it was not asked for"),
    // Of coldstart.
    ("starts", "50"),
    // Of load.
    ("address", "127.0.0.1:4566"),
    ("pid", "0"),
    ("mode", "stream"),
    ("size", "256"),
    ("backlog", "0"),
];

/// The command line.
pub(crate) struct Arguments(BTreeMap<String, String>);

impl Arguments {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut given: BTreeMap<String, String> =
            KNOWN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").unwrap_or_default();
            let value = given.get_mut(name).ok_or_else(|| {
                let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
                format!("{argument} is none of --{}", known.join(", --"))
            })?;
            *value = arguments.next().ok_or_else(|| format!("{argument} has no value"))?;
        }
        Ok(Arguments(given))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name);
        text.parse().map_err(|_| format!("--{name} {text} is no such number"))
    }

    fn path(&self, name: &str) -> Result<PathBuf, String> {
        let path = PathBuf::from(self.text(name));
        std::path::absolute(path).map_err(|error| format!("--{name}: {error}"))
    }

    /// The folder of the page.
    pub(crate) fn docs(&self) -> Result<PathBuf, String> {
        self.path("docs")
    }

    pub(crate) fn servers(&self) -> Result<Options, String> {
        let peer = |name: &str| match self.text(name) {
            "" => Ok(None),
            _ => self.path(name).map(Some),
        };
        let (ministack, moto) = (peer("ministack")?, peer("moto")?);
        let mut absent = vec![];
        for (kind, there, why) in [
            (Kind::Ministack, ministack.is_some(), "no-ministack"),
            (Kind::MinistackKept, ministack.is_some(), "no-ministack"),
            (Kind::Moto, moto.is_some(), "no-moto"),
        ] {
            if !there {
                absent.push((kind, self.text(why).to_owned()));
            }
        }
        let backlogs = self.text("backlogs").split(',').map(str::parse);
        let backlogs = backlogs.collect::<Result<Vec<u64>, _>>();
        let work = self.path("work")?;
        std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        Ok(Options {
            programs: Programs {
                pointsman: self.path("pointsman")?,
                ministack,
                moto,
                root: self.path("root")?,
                functions: self.path("functions")?,
            },
            settings: Settings {
                rounds: self.number("rounds")?,
                events: self.number("events")?,
                paced: self.number("paced")?,
                handled: self.number("handled")?,
                rate: self.number("rate")?,
                backlogs: backlogs.map_err(|error| format!("--backlogs: {error}"))?,
                limit: self.number("limit")?,
                note: self.text("note").to_owned(),
            },
            absent,
            work,
        })
    }

    pub(crate) fn functions(&self) -> Result<coldstart::Options, String> {
        Ok(coldstart::Options {
            root: self.path("root")?,
            work: self.path("work")?,
            functions: self.path("functions")?,
            starts: self.number("starts")?,
            note: self.text("note").to_owned(),
        })
    }

    /// One load on a server that somebody else started; its process is measured if `--pid` names it.
    pub(crate) fn load(&self) -> Result<(), String> {
        let (address, limit) = (self.text("address"), Duration::from_secs(self.number("limit")?));
        let mode = match self.text("mode") {
            "stream" => Mode::Stream,
            "burst" => Mode::Burst,
            "paced" => Mode::Paced(self.number("rate")?),
            "backlog" => Mode::Backlog(self.number("backlog")?),
            other => {
                return Err(format!("--mode {other} is none of stream, burst, paced, backlog"));
            }
        };
        let load = Load { mode, events: self.number("events")?, size: self.number("size")?, limit };
        let way = Way::make(&mut Client::new(address, limit), None)?;
        let outcome = load::run(address, self.number("pid")?, &way, load)?;
        if let Some(why) = outcome.gave_up {
            return Err(why);
        }
        for (name, value) in outcome.figures {
            println!("{name:<18} {value:.2}");
        }
        Ok(())
    }
}
