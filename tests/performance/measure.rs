//! All measurements of one call: of each, every server has its turn before the next, and all of it in rounds.

use crate::handler;
use crate::load::{self, Client, Load, Mode, Outcome, Way};
use crate::machine;
use crate::page::record::{Record, Run, Server as Told, Settings};
use crate::proc;
use crate::server::{Kind, Programs, Server};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Messages that must be there after `kill -9`.
const KEPT: u64 = 500;
/// Bytes of an event's detail.
const SMALL: usize = 256;
const BIG: usize = 1_024;

/// What is measured, and how.
pub(crate) struct Options {
    pub(crate) programs: Programs,
    pub(crate) settings: Settings,
    /// Why peers are not here, by their command's name.
    pub(crate) absent: Vec<(Kind, String)>,
    /// On the disk that is measured.
    pub(crate) work: PathBuf,
}

/// One measurement.
#[derive(Clone, Copy)]
enum What {
    /// How it starts, and what it holds before it has anything to do.
    Start,
    Load(Mode, usize),
    /// What is left of acknowledged messages after `kill -9`.
    Kill,
    /// To a function's handler.
    Handler,
}

impl What {
    fn name(self) -> String {
        match self {
            What::Start => "start".to_owned(),
            What::Load(Mode::Stream, size) => format!("stream/{size}"),
            What::Load(Mode::Burst, size) => format!("burst/{size}"),
            What::Load(Mode::Paced(_), size) => format!("paced/{size}"),
            What::Load(Mode::Backlog(depth), _) => format!("backlog/{depth}"),
            What::Kill => "kill".to_owned(),
            What::Handler => "handler".to_owned(),
        }
    }

    fn servers(self) -> &'static [Kind] {
        match self {
            What::Kill => &[Kind::Pointsman, Kind::Ministack, Kind::MinistackKept, Kind::Moto],
            _ => &[Kind::Pointsman, Kind::Ministack, Kind::Moto],
        }
    }
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Record, String> {
    let settings = &options.settings;
    let mut whats = vec![What::Start];
    for size in [SMALL, BIG] {
        whats.push(What::Load(Mode::Stream, size));
        whats.push(What::Load(Mode::Burst, size));
        whats.push(What::Load(Mode::Paced(settings.rate as f64), size));
    }
    for depth in &settings.backlogs {
        whats.push(What::Load(Mode::Backlog(*depth), SMALL));
    }
    whats.extend([What::Kill, What::Handler]);
    let mut record = Record {
        machine: machine::look(&options.programs.root, &options.work)?,
        settings: settings.clone(),
        servers: servers(options),
        runs: vec![],
    };
    for round in 1..=settings.rounds {
        for what in &whats {
            for kind in what.servers() {
                if options.programs.of(*kind).is_none() || hopeless(&record.runs, *what, *kind) {
                    continue;
                }
                let server = kind.name();
                let outcome = match one(options, *what, *kind) {
                    Err(why) if *kind != Kind::Pointsman => Outcome::given_up(short(&why)),
                    // Ours has no excuse.
                    other => other.map_err(|why| format!("{}: {why}", what.name()))?,
                };
                tell(round, &what.name(), server, &outcome);
                let (figures, gave_up) = (outcome.figures, outcome.gave_up);
                let (what, server) = (what.name(), server.to_owned());
                record.runs.push(Run { round, what, server, figures, gave_up });
            }
        }
    }
    Ok(record)
}

fn servers(options: &Options) -> Vec<Told> {
    let all = [Kind::Pointsman, Kind::Ministack, Kind::MinistackKept, Kind::Moto];
    let told = all.into_iter().map(|kind| Told {
        name: kind.name().to_owned(),
        version: machine::version(kind, &options.programs),
        settings: kind.settings().to_owned(),
        absent: options.absent.iter().find(|(of, _)| *of == kind).map(|(_, why)| why.clone()),
    });
    told.collect()
}

/// Whether a server has given this up before: it is not asked twice.
fn hopeless(runs: &[Run], what: What, kind: Kind) -> bool {
    let what = what.name();
    runs.iter().any(|run| run.what == what && run.server == kind.name() && run.gave_up.is_some())
}

fn one(options: &Options, what: What, kind: Kind) -> Result<Outcome, String> {
    let folder = tempfile::tempdir_in(&options.work).map_err(|error| error.to_string())?;
    let limit = Duration::from_secs(options.settings.limit);
    match what {
        What::Start => start(options, kind, folder.path()),
        What::Kill => kill(options, kind, folder.path()),
        What::Handler => handler::run(options, kind, folder.path()),
        What::Load(mode, size) => {
            let server = Server::start(&options.programs, kind, folder.path(), "bare.yaml", &[])?;
            let way = Way::make(&mut Client::new(&server.address, limit), None)?;
            let paced = matches!(mode, Mode::Paced(_));
            let events = if paced { options.settings.paced } else { options.settings.events };
            let load = Load { mode, events, size, limit };
            let mut outcome = load::run(&server.address, server.pid(), &way, load)?;
            outcome.set("start_ms", server.started.as_secs_f64() * 1e3);
            Ok(outcome)
        }
    }
}

fn start(options: &Options, kind: Kind, folder: &Path) -> Result<Outcome, String> {
    let server = Server::start(&options.programs, kind, folder, "bare.yaml", &[])?;
    std::thread::sleep(Duration::from_secs(2));
    let mut outcome = Outcome::default();
    outcome.set("start_ms", server.started.as_secs_f64() * 1e3);
    outcome.set("resident_mb", proc::resident(server.pid()));
    Ok(outcome)
}

fn kill(options: &Options, kind: Kind, folder: &Path) -> Result<Outcome, String> {
    let limit = Duration::from_secs(options.settings.limit);
    let mut server = Server::start(&options.programs, kind, folder, "bare.yaml", &[])?;
    let way = Way::make(&mut Client::new(&server.address, limit), None)?;
    let load = Load { mode: Mode::Burst, events: KEPT, size: SMALL, limit };
    let board = load::Board::new(KEPT, limit);
    load::put(&server.address, &way, load, &board, 0);
    if board.accepted() < KEPT {
        let why = board.fault().unwrap_or_else(|| "not all were acknowledged in time".to_owned());
        return Ok(Outcome::given_up(why));
    }
    server.kill();
    let again = Server::start(&options.programs, kind, folder, "bare.yaml", &[])?;
    let mut client = Client::new(&again.address, limit);
    let mut outcome = Outcome::default();
    outcome.set("start_ms", again.started.as_secs_f64() * 1e3);
    // Without its queue it has nothing.
    let left = match Way::find(&mut client) {
        Ok(way) => load::count(&mut client, &way)?,
        Err(_) => 0,
    };
    outcome.set("left", left as f64);
    outcome.set("acknowledged", KEPT as f64);
    Ok(outcome)
}

/// What went wrong, as far as a table has room for it.
fn short(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    let short: String = line.chars().take(100).collect();
    format!("failed: {short}")
}

fn tell(round: u32, what: &str, server: &str, outcome: &Outcome) {
    let mut line = format!("{round}  {what:<14} {server:<27}");
    if let Some(why) = &outcome.gave_up {
        line += why;
    }
    for (name, value) in &outcome.figures {
        line += &format!(" {name} {value:.1}");
    }
    println!("{line}");
}
