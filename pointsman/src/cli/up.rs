use super::Failure;
use super::screen::{BAD, BOLD, DIM, EVENT, FUNCTION, QUEUE, styled};
use crate::adapters::control::Map;
use crate::adapters::runner::Said;
use crate::clock::{Stopwatch, SystemClock};
use crate::engine::{OsRandom, Random};
use crate::faults::{Injector, Plan};
use crate::system::{Config, Folders, Stack, System, build};
use crate::template::{self, Loaded};
use crate::topology::Region;
use clap::Args;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Run a template: build its functions, bring everything up, print a map
#[derive(Args)]
pub(super) struct Up {
    /// The template; several run beside each other, each under its own name
    #[arg(long, value_name = "[NAME=]PATH", default_value = "infra/template.yaml")]
    template: Vec<String>,
    /// A parameter of the templates; may be given several times
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
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
    /// Take the functions' binaries from this folder and build nothing
    #[arg(long, env = "POINTSMAN_FUNCTIONS", value_name = "FOLDER")]
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
    /// Do not print what functions write
    #[arg(long)]
    quiet: bool,
}

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
        let first = bind(self.http_port, "--http-port")?;
        let http_base = format!("http://{}", local(&first)?);
        let region = Region { name: self.region.clone(), ..Region::default() };
        let (stacks, folders) = self.stacks(&region, &endpoint, &http_base)?;
        let mut notes = vec![];
        for stack in &stacks {
            notes.extend(template::report(&stack.loaded.unsupported));
        }
        let mut http = vec![first];
        for n in 1..crate::system::api_count(&stacks) {
            let port = if self.http_port == 0 { 0 } else { self.http_port + n as u16 };
            http.push(bind(port, "--http-port")?);
        }
        let (fatal, mut died) = mpsc::unbounded_channel();
        let began = Stopwatch::start();
        let system = System::start(Config {
            folder: self.state.clone(),
            region,
            history: self.history,
            aws,
            http,
            stacks,
            executables: Arc::new(folders),
            clock: Arc::new(SystemClock),
            random: Box::new(OsRandom::default()),
            fatal: Arc::new(move |why| drop(fatal.send(why))),
            complain: Arc::new(|why| eprintln!("pointsman: {why}")),
            faults: faults.clone(),
        })
        .await
        .map_err(|error| error.to_string())?;
        if let Err(why) = system.warm_functions().await {
            system.stop().await;
            return Err(why);
        }
        let map = system.control().map().await.unwrap_or_default();
        self.print(&system, &map, &endpoint, &notes);
        if let Some(faults) = &faults {
            anstream::println!("{} {}", styled(BAD, "faults:"), faults.plan());
        }
        anstream::println!(
            "{}",
            styled(DIM, format!("ready in {} ms · Ctrl-C ends it", began.elapsed().as_millis()))
        );
        let logs = (!self.quiet).then(|| tokio::spawn(print_logs(system.runner().logs().follow())));
        let ended = tokio::select! {
            () = interrupted() => Ok(ExitCode::SUCCESS),
            why = died.recv() => Err(why.unwrap_or_default()),
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

    /// Reads the templates and builds their functions.
    fn stacks(
        &self,
        region: &Region,
        endpoint: &str,
        http_base: &str,
    ) -> Result<(Vec<Stack>, Folders), Failure> {
        let parameters = self.parameters.iter().map(|given| {
            let pair = given.split_once('=');
            let (name, value) =
                pair.ok_or_else(|| format!("--parameter {given}: NAME=VALUE is wanted"))?;
            Ok((name.to_owned(), value.to_owned()))
        });
        let parameters = parameters.collect::<Result<BTreeMap<_, _>, Failure>>()?;
        let mut stacks: Vec<Stack> = vec![];
        let mut exports = BTreeMap::new();
        let mut folders = vec![];
        for given in &self.template {
            let (name, path) = match given.split_once('=') {
                Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
                None => (stack_name(Path::new(given), self.template.len()), PathBuf::from(given)),
            };
            if stacks.iter().any(|s| s.name == name) {
                return Err(format!(
                    "two templates have the name {name}: give --template NAME=PATH"
                ));
            }
            let options = template::Options {
                stack: name.clone(),
                parameters: parameters.clone(),
                region: region.clone(),
                endpoint: endpoint.to_owned(),
                http_base: http_base.to_owned(),
                exports: exports.clone(),
            };
            let loaded: Loaded =
                template::load(&path, &options).map_err(|error| error.to_string())?;
            exports.extend(loaded.exports.clone());
            match &self.functions {
                Some(folder) => folders.push(folder.clone()),
                None => {
                    let built = build(&path, &loaded.resources, self.release);
                    folders.extend(built.map_err(|error| error.to_string())?.folders);
                }
            }
            let Up { adopt, reset, drop, .. } = *self;
            stacks.push(Stack { name, loaded, adopt, reset, drop });
        }
        let remedy = match &self.functions {
            Some(_) => "build it there, or leave out --functions",
            None => "is its name in BuildProperties.Binary, and its crate where CodeUri says?",
        };
        Ok((stacks, Folders { folders, remedy: remedy.into() }))
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
        show(map, endpoint);
        anstream::println!("\n{}", styled(BOLD, "Try"));
        for line in tries(map, endpoint) {
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

fn bind(port: u16, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} is in use: end what uses it, or choose another with {option}")
        }
        _ => format!("port {port} cannot be used: {error}"),
    })
}

fn local(listener: &TcpListener) -> Result<std::net::SocketAddr, Failure> {
    listener.local_addr().map_err(|error| format!("a listener is lost: {error}"))
}

fn show(map: &Map, endpoint: &str) {
    let heading = |text: &str| styled(BOLD, format!("{text:<6}"));
    anstream::println!("{} {endpoint}", heading("AWS"));
    for api in &map.apis {
        anstream::println!("{} {}", heading("HTTP"), api.url);
        let width = api.routes.iter().map(|(route, _)| route.len()).max().unwrap_or_default();
        for (route, function) in &api.routes {
            anstream::println!("       {route:<width$} → {}", styled(FUNCTION, function));
        }
    }
    if !map.rules.is_empty() {
        anstream::println!("{}", heading("Rules"));
    }
    for rule in &map.rules {
        let mut line = format!("       {} {}", rule.bus, styled(EVENT, &rule.rule));
        for target in &rule.targets {
            line.push_str(&format!(" → {}", styled(QUEUE, target)));
        }
        if let Some(function) = &rule.function {
            line.push_str(&format!(" → {}", styled(FUNCTION, function)));
        }
        anstream::println!("{line}");
    }
    let streams: Vec<_> = map
        .functions
        .iter()
        .flat_map(|f| f.by.iter().filter(|by| by.starts_with("stream")).map(move |by| (f, by)))
        .collect();
    if !streams.is_empty() {
        anstream::println!("{}", heading("Tables"));
    }
    for (function, by) in streams {
        anstream::println!("       {by} → {}", styled(FUNCTION, &function.name));
    }
}

/// Three lines that work as they stand, from what the template has.
fn tries(map: &Map, endpoint: &str) -> Vec<String> {
    let me = std::env::current_exe().ok().and_then(|exe| {
        let here = std::env::current_dir().ok()?;
        Some(exe.strip_prefix(here).unwrap_or(&exe).display().to_string())
    });
    let me = me.unwrap_or_else(|| "pointsman".into());
    let at = match endpoint {
        "http://127.0.0.1:4566" => String::new(),
        other => format!(" --endpoint {other}"),
    };
    let mut lines = vec![format!("{me} tail{at}")];
    lines.extend(map.tries.iter().map(|line| {
        let http = map.apis.first().map_or("", |api| api.url.as_str());
        line.replace("{http}", http)
            .replace("{endpoint}", endpoint)
            .replace("{pointsman}", &me)
            .replace("{at}", &at)
    }));
    if map.tries.is_empty() {
        if let Some(api) = map.apis.first()
            && let Some((route, _)) = api.routes.first()
        {
            let (method, path) = route.split_once(' ').unwrap_or(("GET", route));
            lines.push(format!(
                "curl -i -X {method} {}{path} -H \"authorization: Bearer $({me} token --sub me{at})\"",
                api.url
            ));
        }
        if let Some(rule) = map.rules.first() {
            let pattern: serde_json::Value =
                serde_json::from_str(&rule.pattern).unwrap_or_default();
            let first = |name: &str| pattern[name][0].as_str().unwrap_or("test").to_owned();
            lines.push(format!(
                "{me} publish{at} --bus {} --source {} --detail-type {}",
                rule.bus,
                first("source"),
                first("detail-type")
            ));
        }
    }
    lines
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
