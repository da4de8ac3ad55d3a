//! Events to a function's handler: bus, rule, queue, event source mapping, function.

use crate::load::{self, Board, Client, Load, Mode, Outcome, Way};
use crate::measure::Options;
use crate::proc;
use crate::server::{Kind, Server};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SIZE: usize = 256;
/// Prints a zip with the function as AWS wants it, in base64.
const ZIP: &str = "\
import base64, io, sys, zipfile
out, info = io.BytesIO(), zipfile.ZipInfo('bootstrap')
info.external_attr, info.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
with zipfile.ZipFile(out, 'w') as file:
    file.writestr(info, open(sys.argv[1], 'rb').read())
print(base64.b64encode(out.getvalue()).decode())";

pub(crate) fn run(options: &Options, kind: Kind, folder: &Path) -> Result<Outcome, String> {
    if kind == Kind::Moto {
        return Ok(Outcome::given_up("runs functions in Docker alone"));
    }
    let limit = Duration::from_secs(options.settings.limit);
    let events = options.settings.handled;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let at = listener.local_addr().map_err(|error| error.to_string())?.to_string();
    let parameter = ["--parameter".to_owned(), format!("CountAt={at}")];
    let extra = if kind == Kind::Pointsman { &parameter[..] } else { &[] };
    let server = Server::start(&options.programs, kind, folder, "counter.yaml", extra)?;
    let mut client = Client::new(&server.address, limit);
    let way = match kind {
        Kind::Pointsman => Way::make(&mut client, Some("counter"))?,
        _ => {
            let way = Way::make(&mut client, None)?;
            create(options, &mut client, &way, &at)?;
            way
        }
    };
    // The first event starts the function.
    let first = Arc::new(Board::new(1, limit));
    let counted = Arc::new(Mutex::new(first.clone()));
    let counting = counted.clone();
    thread::spawn(move || count(&listener, &counting));
    let load = Load { mode: Mode::Stream, events: 1, size: SIZE, limit };
    load::put(&server.address, &way, load, &first, 0);
    first.wait();
    let board = Arc::new(Board::new(events, limit));
    *counted.lock().map_err(|_| "a thread panicked")? = board.clone();
    let before = (proc::own_cpu(), proc::cpu(server.pid()));
    load::put(&server.address, &way, Load { events, ..load }, &board, 0);
    board.all_put();
    board.wait();
    let own = proc::own_cpu().since(before.0);
    board.measured(own, proc::cpu(server.pid()).since(before.1));
    board.stop();
    board.outcome(false, proc::resident(server.pid()))
}

/// Makes the function by Lambda's own API.
fn create(options: &Options, client: &mut Client, way: &Way, at: &str) -> Result<(), String> {
    let program = options.programs.ministack.as_ref().ok_or("ministack is not here")?;
    let mut zip = Command::new(program.with_file_name("python"));
    let zip = zip.args(["-c", ZIP]).arg(options.programs.functions.join("counter")).output();
    let zip = zip.map_err(|error| format!("python: {error}"))?;
    let zip = String::from_utf8_lossy(&zip.stdout);
    let function = json!({
        "FunctionName": "counter", "Runtime": "provided.al2023", "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/counter", "Timeout": 10,
        "Code": {"ZipFile": zip.trim()},
        "Environment": {"Variables": {"COUNT_AT": at}},
    });
    client.lambda("POST", "/2015-03-31/functions", &function)?;
    let mapping = json!({
        "FunctionName": "counter", "EventSourceArn": way.arn, "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    client.lambda("POST", "/2015-03-31/event-source-mappings", &mapping).map(|_: Value| ())
}

/// Takes what functions tell, each environment over a connection of its own, to the board that is in use.
fn count(listener: &TcpListener, boards: &Arc<Mutex<Arc<Board>>>) {
    while let Ok((mut told, _)) = listener.accept() {
        let boards = boards.clone();
        thread::spawn(move || {
            let mut number = [0; 8];
            while told.read_exact(&mut number).is_ok() {
                let Ok(board) = boards.lock().map(|board| board.clone()) else { return };
                board.received(u64::from_le_bytes(number), board.elapsed());
            }
        });
    }
}
