mod daily;
mod reader;
mod show;

use self::daily::Daily;
use self::reader::{Reader, bind, local};
use super::Failure;
use super::screen::{BAD, BOLD, DIM, FUNCTION, styled};
use super::secrets::Secrets;
use crate::adapters::control::Map;
use crate::adapters::runner::{CargoLambda, ProcessSpawner, Said, Spawner};
use crate::clock::{Stopwatch, SystemClock};
use crate::engine::{OsRandom, Random};
use crate::faults::{Injector, Plan};
use crate::system::{
    Binaries, Config, Crates, Folders, Given, Places, Role, Stack, System, Templates, Watch,
    functions,
};
use crate::template;
use crate::topology::Region;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Run a template: build its functions, bring everything up, print a map, and follow what is saved
///
/// A source file that is saved builds its functions anew; those whose binary has changed are swapped: what they run
/// ends as it began, what comes next runs the new one. A template that is saved becomes what runs, as a change set that
/// is printed; one with a mistake is refused with its place, and the old one runs on.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Up {
    /// The template; several run beside each other, each under its own name
    #[arg(long, value_name = "[NAME=]PATH", default_value = "infra/template.yaml")]
    template: Vec<String>,
    /// A parameter of the templates; may be given several times
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    secrets: Secrets,
    /// Port of the AWS protocols; 0 takes any that is free
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// Port of the first HTTP API; 0 takes any that is free
    #[arg(long, default_value_t = 3000, value_name = "PORT")]
    http_port: u16,
    /// Folder of all state
    #[arg(long, default_value = ".pointsman", value_name = "FOLDER")]
    state: PathBuf,
    /// Region of a new folder
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// Bytes of history to keep
    #[arg(long, default_value_t = 1 << 30, value_name = "BYTES")]
    history: u64,
    /// Build optimised functions
    #[arg(long)]
    release: bool,
    /// Take the functions' binaries from this folder and build nothing: NAME, or NAME/bootstrap. One that is put there
    /// anew is swapped. The word cargo-lambda lets `cargo lambda watch` build and run them
    #[arg(long, env = "POINTSMAN_FUNCTIONS", value_name = "FOLDER|cargo-lambda")]
    functions: Option<PathBuf>,
    /// Take over resources that the API or another stack made
    #[arg(long)]
    adopt: bool,
    /// Undo changes made by API to what the template describes
    #[arg(long)]
    reset: bool,
    /// Delete queues that left the template even if they hold messages
    #[arg(long)]
    drop: bool,
    /// Let things go wrong: a gentle mix, or what SPEC says, such as
    /// seed=8123,duplicate=0.05,delay=0.1:5s,kill=0.01,only=payment+shipping
    #[arg(long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "")]
    faults: Option<String>,
    /// An export of a stack that does not run here, for Fn::ImportValue; may be given several times
    #[arg(long = "export", value_name = "NAME=VALUE")]
    exports: Vec<String>,
    /// Do not follow what is saved
    #[arg(long)]
    no_watch: bool,
    /// Do not print what functions write
    #[arg(long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  pointsman up                                      infra/template.yaml, built and followed
  pointsman up --template shop.yaml --template bus.yaml
                                                    two stacks; each is applied after those it imports from
  pointsman up --parameter Stage=test --state /tmp/test --port 0 --http-port 0
                                                    a second system beside the first
  pointsman up --functions target/lambda            what `cargo lambda build` has put there
  pointsman up --faults duplicate=0.1,delay=0.1:5s  messages doubled and late";

impl Up {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no threads can be started: {error}"))?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<ExitCode, Failure> {
        let faults = self.faults()?;
        let aws = bind(self.port, "--port")?;
        let endpoint = format!("http://{}", local(&aws)?);
        let region = Region { name: self.region.clone(), ..Region::default() };
        let mut reader = Reader::new(self.templates(&region, &endpoint)?, self.http_port)?;
        // Files are looked at before they are read, so that nothing that is saved meanwhile is missed.
        let mut watch = Watch::new();
        watch.set(self.places(reader.templates(), &Crates::default(), &[]));
        let (stacks, http) = reader.read(&[], vec![])?;
        reader.let_go();
        let mut notes = vec![];
        for stack in &stacks {
            notes.extend(template::report(&stack.loaded.unsupported));
        }
        let crates = match self.folder() {
            Some(_) => Crates::default(),
            None => Crates::of(&stacks, self.release).map_err(|error| error.to_string())?,
        };
        watch.set(self.places(reader.templates(), &crates, &stacks));
        let spawner = self.spawner(&crates)?;
        crates.build().map_err(|error| error.to_string())?;
        let shelf = self.functions.is_none().then(|| self.state.join("functions"));
        let binaries = Arc::new(Binaries::new(self.folders(&crates), shelf));
        let (fatal, mut died) = mpsc::unbounded_channel();
        let began = Stopwatch::start();
        let system = System::start(Config {
            folder: self.state.clone(),
            region,
            history: self.history,
            aws,
            http,
            stacks,
            executables: binaries.clone(),
            spawner,
            clock: Arc::new(SystemClock),
            random: Box::new(OsRandom::default()),
            fatal: Arc::new(move |why| drop(fatal.send(why))),
            complain: Arc::new(|why| eprintln!("pointsman: {why}")),
            faults: faults.clone(),
        })
        .await
        .map_err(|error| error.to_string())?;
        let looked = binaries
            .look(&system.functions())
            .map_err(|error| format!("{}: {error}", self.state.display()));
        let warmed = match looked {
            Ok(_) => system.warm_functions().await,
            Err(why) => Err(why),
        };
        if let Err(why) = warmed {
            system.stop().await;
            return Err(why);
        }
        let map = system.control().map().await.unwrap_or_default();
        self.print(&system, &map, &endpoint, &notes);
        if let Some(faults) = &faults {
            anstream::println!("{} {}", styled(BAD, "faults:"), faults.plan());
        }
        let follows = if self.no_watch { "" } else { "follows what is saved · " };
        anstream::println!(
            "{}",
            styled(
                DIM,
                format!("ready in {} ms · {follows}Ctrl-C ends it", began.elapsed().as_millis())
            )
        );
        let logs = (!self.quiet).then(|| tokio::spawn(print_logs(system.runner().logs().follow())));
        let daily = Daily { up: &self, system: &system, reader, crates, binaries, watch };
        let ended = tokio::select! {
            () = interrupted() => Ok(ExitCode::SUCCESS),
            why = died.recv() => Err(why.unwrap_or_default()),
            never = daily.run(), if !self.no_watch => match never {},
        };
        if let Some(logs) = logs {
            logs.abort();
        }
        if ended.is_ok() {
            system.stop().await;
        }
        if let Some(faults) = &faults {
            anstream::println!("{} {}", styled(BAD, "faults:"), faults.counts());
        }
        ended
    }

    /// What goes wrong on request, if it was requested.
    fn faults(&self) -> Result<Option<Arc<Injector>>, Failure> {
        let Some(spec) = &self.faults else { return Ok(None) };
        // Short enough to be typed again.
        let seed = OsRandom::default().seed() % 100_000;
        Plan::parse(spec, seed).map(|plan| Some(Injector::new(plan)))
    }

    /// The templates, and what they are read with.
    fn templates(&self, region: &Region, endpoint: &str) -> Result<Templates, Failure> {
        let mut given: Vec<Given> = vec![];
        for template in &self.template {
            let (name, path) = match template.split_once('=') {
                Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
                None => {
                    (stack_name(Path::new(template), self.template.len()), PathBuf::from(template))
                }
            };
            if given.iter().any(|other| other.name == name) {
                return Err(format!(
                    "two templates have the name {name}: give --template NAME=PATH"
                ));
            }
            given.push(Given { name, path });
        }
        let options = template::Options {
            parameters: pairs("--parameter", &self.parameters)?,
            exports: pairs("--export", &self.exports)?,
            secrets: self.secrets.read()?,
            region: region.clone(),
            endpoint: endpoint.to_owned(),
            ..template::Options::default()
        };
        let Up { adopt, reset, drop, .. } = *self;
        Ok(Templates { given, options, adopt, reset, drop })
    }

    /// Where binaries lie that are not built here.
    fn folder(&self) -> Option<&Path> {
        self.functions.as_deref().filter(|_| !self.is_cargo_lambda())
    }

    /// A folder of that name is ./cargo-lambda.
    fn is_cargo_lambda(&self) -> bool {
        self.functions.as_deref() == Some(Path::new("cargo-lambda"))
    }

    /// What starts functions.
    fn spawner(&self, crates: &Crates) -> Result<Arc<dyn Spawner>, Failure> {
        if !self.is_cargo_lambda() {
            return Ok(Arc::new(ProcessSpawner));
        }
        let mut watch = crates.cargo_lambda().map_err(|error| error.to_string())?;
        if self.quiet {
            watch.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let me = std::env::current_exe().map_err(|error| format!("pointsman is lost: {error}"))?;
        let runner = [me.display().to_string(), "env".into(), "--".into()];
        let watch = CargoLambda::new(watch, &runner);
        let watch = watch.map_err(|error| error.to_string())?;
        let address = watch.address();
        let at = format!("--invoke-address {} --invoke-port {}", address.ip(), address.port());
        anstream::println!("{} cargo lambda invoke {at} NAME", styled(BOLD, "cargo-lambda"));
        Ok(Arc::new(watch))
    }

    /// Where binaries are.
    fn folders(&self, crates: &Crates) -> Folders {
        let (folders, remedy) = match self.folder() {
            Some(folder) => (vec![folder.to_owned()], "build it there, or leave out --functions"),
            None => (
                crates.folders(),
                "is its name in BuildProperties.Binary, and its crate where CodeUri says?",
            ),
        };
        Folders { folders, remedy: remedy.into() }
    }

    /// What is followed: templates, and what functions are built from, or their binaries where none are built.
    fn places(&self, templates: &Templates, crates: &Crates, stacks: &[Stack]) -> Places {
        let mut places = Places::default();
        for given in &templates.given {
            places.file(&given.path, Role::Template);
            let secrets = given.path.with_file_name(template::SECRETS_BESIDE);
            places.file(&secrets, Role::Template);
        }
        if !self.is_cargo_lambda() {
            places.crates(crates);
        }
        if self.folder().is_some() {
            let folders = self.folders(crates);
            let binaries = functions(stacks).into_iter().flat_map(|f| folders.places(&f));
            binaries.for_each(|path| places.file(&path, Role::Binary));
        }
        places.leave_out(&self.state);
        places
    }

    fn print(&self, system: &System, map: &Map, endpoint: &str, notes: &[String]) {
        if let Some(dropped) = system.dropped() {
            anstream::println!("{}", styled(DIM, format!("after an unclean end: {dropped}")));
        }
        for (stack, changes) in system.changes() {
            let changed = changes.changes.len();
            // A new folder makes everything: that is what the map shows.
            if system.engine().epoch() > 1 && changed > 0 {
                anstream::println!("{} changed:", styled(BOLD, stack));
                changes.changes.iter().for_each(|change| anstream::println!("  {change}"));
            }
            changes.notes.iter().for_each(|note| anstream::println!("  {}", styled(DIM, note)));
        }
        notes.iter().for_each(|note| anstream::println!("{}", styled(DIM, note)));
        show::show(map, endpoint);
        anstream::println!("\n{}", styled(BOLD, "Try"));
        for line in show::tries(map, endpoint) {
            anstream::println!("  {line}");
        }
    }
}

/// `shop/template.yaml` is `shop`; a template alone, or in a folder called infra, is `local`.
fn stack_name(path: &Path, templates: usize) -> String {
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("local");
    let folder = path.parent().and_then(Path::file_name).and_then(|s| s.to_str());
    match (stem, folder) {
        _ if templates == 1 => "local".into(),
        ("template", Some(folder)) if folder != "infra" => folder.to_owned(),
        ("template", _) => "local".into(),
        _ => stem.to_owned(),
    }
}

/// `NAME=VALUE`, as an option is given them.
fn pairs(option: &str, given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pairs = given.iter().map(|given| {
        let pair = given.split_once('=');
        let (name, value) =
            pair.ok_or_else(|| format!("{option} {given}: NAME=VALUE is wanted"))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

/// What functions write, as it comes.
async fn print_logs(
    mut logs: tokio::sync::broadcast::Receiver<Arc<crate::adapters::runner::LogLine>>,
) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match logs.recv().await {
            Ok(line) => {
                let text = match &line.said {
                    Said::Out(text) | Said::Err(text) => text.clone(),
                    Said::Trouble(text) => styled(BAD, text),
                    Said::Start | Said::End | Said::Report { .. } => continue,
                };
                anstream::println!("{} {text}", styled(FUNCTION, &line.function));
            }
            Err(RecvError::Lagged(lines)) => {
                let lost = format!("{lines} lines of functions were lost: they came too fast");
                anstream::println!("{}", styled(BAD, lost));
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Ctrl-C, or the signal with which a supervisor ends a service.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = signal(SignalKind::terminate());
    let Ok(mut terminated) = terminated else {
        // Without the handler, Ctrl-C still ends it.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
