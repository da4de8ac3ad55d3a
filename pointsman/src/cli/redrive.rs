mod filter;
mod letter;
mod list;
mod run;
#[cfg(test)]
mod tests;

use super::Failure;
use super::client::At;
use super::sqs::Sqs;
use clap::Args;
use filter::Filter;
use run::{Order, Run};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Send what lies in a dead-letter queue back to where it came from
///
/// Each message is received, sent as it was before it was put aside, and deleted once the send is acknowledged: a
/// failure in between leaves it in both queues, and never in none. Where it came from says the message itself, or the
/// queue's redrive policy. What an EventBridge rule could not deliver goes to the rule's target queue.
///
/// Without a queue: which dead-letter queues hold messages.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Redrive {
    /// The dead-letter queue
    #[arg(value_name = "QUEUE")]
    dlq: Option<String>,
    /// Send everything to this queue instead
    #[arg(long, value_name = "QUEUE", requires = "dlq")]
    to: Option<String>,
    /// Only messages with this text in this attribute (reason=TEXT) or in the body (body=TEXT); may be given several
    /// times
    #[arg(long = "filter", value_name = "NAME=TEXT", requires = "dlq")]
    filters: Vec<String>,
    /// Only messages whose body matches this event pattern
    #[arg(long, value_name = "JSON", requires = "dlq")]
    pattern: Option<String>,
    /// Move so many at most
    #[arg(long, value_name = "NUMBER", requires = "dlq")]
    max: Option<usize>,
    /// Say what would be moved, and leave everything where it is
    #[arg(long, requires = "dlq")]
    dry_run: bool,
    /// In AWS itself, with the credentials and the Region of the environment
    #[arg(long)]
    aws: bool,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman redrive                                        where dead letters lie
  pointsman redrive order-view-dlq --dry-run               what would be moved
  pointsman redrive order-view-dlq                         all of it, back to order-view
  pointsman redrive order-view-dlq --filter 'reason=no event' --max 1
  pointsman redrive order-view-dlq --pattern '{\"detail-type\": [\"OrderPlaced\"]}'
  AWS_REGION=eu-central-1 pointsman redrive prod-order-view-dlq --aws";

impl Redrive {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let filter = Filter::read(&self.filters, self.pattern.as_deref())?;
        let sqs = if self.aws { Sqs::of_aws()? } else { Sqs::of_engine(&self.at) };
        let Some(dlq) = self.dlq else {
            println!("{}", list::dead_letters(&sqs)?);
            return Ok(ExitCode::SUCCESS);
        };
        let Redrive { to, max, dry_run, .. } = self;
        let order = Order { dlq, to, filter, max, dry_run };
        let interrupted = interrupted()?;
        let mut run = Run::begin(&sqs, &order, &interrupted)?;
        let ended = run.work(&mut |line| println!("{line}"));
        for note in run.notes() {
            eprintln!("pointsman: {note}");
        }
        println!("{}", run.told());
        ended?;
        if interrupted.load(Ordering::Relaxed) {
            return Err("interrupted: run it again for the rest".into());
        }
        Ok(if run.counts().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Becomes true at Ctrl-C: what is under way is then finished. A second one ends the process at once, which loses
/// nothing either.
fn interrupted() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads can be started: {error}"))?;
    let raised = flag.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if raised.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
    Ok(flag)
}
