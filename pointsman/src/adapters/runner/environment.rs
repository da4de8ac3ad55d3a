//! One execution environment: a process, and what it runs one after the other.

use super::ask::{Ask, Given, Ran, Refusal, Work, not_taken, refuse, tell};
use super::failure;
use super::identity::{EnvironmentId, trace_header};
use super::lines::Lines;
use super::logs::Said;
use super::pool::{Member, Pool};
use super::spawner::{Exit, Process};
use crate::clock::{self, Stopwatch};
use crate::engine::Id;
use crate::faults::{Injected, Invocation, Point};
use crate::platform;
use crate::services::function::Finished;
use crate::topology::FunctionSpec;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// How long work waits for a process that has answered but not asked again; then another one gets it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long an asked process may take to end before it is killed.
const GRACE: Duration = Duration::from_millis(250);

/// What is written by the time a process has ended is read at most so long.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Lines read at most between an answer and its report, so that a process that never stops writing does not hold it.
const LINES_AT_ONCE: usize = 10_000;

pub(super) struct Environment {
    pub(super) member: Member,
    pub(super) pool: Arc<Pool>,
    pub(super) spec: Arc<FunctionSpec>,
    pub(super) inbox: UnboundedReceiver<Ask>,
    pub(super) process: Box<dyn Process>,
    pub(super) out: Lines,
    pub(super) err: Lines,
    /// The process waits here for work.
    pub(super) next: Option<oneshot::Sender<Result<Given, Refusal>>>,
    /// To be run as soon as the process asks.
    pub(super) work: Option<Work>,
    /// Told when it waits for work, or why it never will: where it was started without any.
    pub(super) ready: Option<oneshot::Sender<Result<(), String>>>,
    /// The invocation that lines of the log belong to.
    pub(super) request: Option<Id>,
    /// How long the start took, until it has been reported.
    pub(super) init: Option<Duration>,
}

enum Happened {
    Asked(Ask),
    Exited(Exit),
}

/// The environment ends.
struct Over;

impl Environment {
    /// Lives: gets ready, runs what it is given, and ends.
    pub(super) async fn live(mut self) {
        if self.start().await.is_ok() {
            while self.run_one().await.is_ok() {}
        }
        self.pool.registry.remove(self.id());
        self.pool.take_out(&self.member);
        self.end_process().await;
        self.inbox.close();
        while let Ok(ask) = self.inbox.try_recv() {
            if let Ask::Run(work) = ask {
                not_taken(Some(work));
            }
        }
        not_taken(self.work.take());
    }

    fn id(&self) -> EnvironmentId {
        self.member.id
    }

    /// Until the process asks for work.
    async fn start(&mut self) -> Result<(), Over> {
        let watch = Stopwatch::start();
        let init = self.pool.limits.init;
        let too_late = clock::sleep(init);
        tokio::pin!(too_late);
        self.request = self.work.as_ref().map(|work| work.request);
        let failed = loop {
            let request = self.request.unwrap_or(Id(0));
            tokio::select! {
                happened = self.happens() => match happened {
                    Happened::Asked(Ask::Next(next)) => {
                        self.next = Some(next);
                        self.init = Some(watch.elapsed());
                        self.pool.has_started(&self.member);
                        return self.is_ready();
                    }
                    Happened::Asked(Ask::InitError { finished, tell }) => {
                        // The process may not wait for the reply.
                        let _ = tell.send(Ok(()));
                        break finished;
                    }
                    Happened::Asked(Ask::Stop) => {
                        self.stopped();
                        return Err(Over);
                    }
                    Happened::Asked(ask) => refuse(ask),
                    Happened::Exited(exit) => break failure::exited(request, exit),
                },
                () = &mut too_late => break failure::init_timed_out(request, init),
            }
        };
        self.pool.has_not_started(&self.member);
        self.written().await;
        self.finish(failed, None);
        Err(Over)
    }

    /// Without work it goes to the idle ones.
    fn is_ready(&mut self) -> Result<(), Over> {
        let Some(ready) = self.ready.take() else { return Ok(()) };
        let listed = self.pool.put_back(&self.member);
        // Whoever warmed it up may have gone.
        let _ = ready.send(Ok(()));
        if listed { Ok(()) } else { Err(Over) }
    }

    /// Waits for work and for the process to ask for it, brings them together, and waits for the answer.
    async fn run_one(&mut self) -> Result<(), Over> {
        let (work, given_to) = self.work_and_next().await?;
        let point = Invocation { id: work.id, function: &self.spec.name, attempt: work.attempt };
        let struck = self.pool.faults.strike(Point::Invocation(point));
        if let Some(Injected::Delay(by)) = struck {
            clock::sleep(by).await;
        }
        let timeout = Duration::from_secs(u64::from(self.spec.timeout));
        let wall = self.pool.clock.wall();
        let given = Given {
            request: work.request,
            payload: work.payload.clone(),
            deadline: wall + timeout,
            trace: trace_header(self.id().epoch, work.id, wall),
            function_arn: self.pool.region.function(&self.spec.name),
        };
        self.pool.registry.runs(self.id(), work.id);
        let (request, watch) = (work.request, Stopwatch::start());
        let (id, attempt) = (work.id, work.attempt);
        self.request = Some(request);
        self.work = Some(work);
        if given_to.send(Ok(given)).is_err() {
            // The process hung up before it was given anything, and asks again or ends.
            self.pool.registry.ends(self.id());
            return Ok(());
        }
        self.say(Said::Start);
        if struck == Some(Injected::Kill) {
            self.process.kill();
        }
        let too_late = clock::sleep(timeout);
        tokio::pin!(too_late);
        let own = request.to_string();
        let (finished, over) = loop {
            tokio::select! {
                happened = self.happens() => match happened {
                    Happened::Asked(Ask::Answer { request: of, finished, tell }) if of == own => {
                        let point = Invocation { id, function: &self.spec.name, attempt };
                        if self.pool.faults.strike(Point::Response(point)) == Some(Injected::Kill) {
                            self.process.kill();
                            let exit = self.process.wait().await;
                            break (failure::exited(request, exit), Err(Over));
                        }
                        let _ = tell.send(Ok(()));
                        break (finished, Ok(()));
                    }
                    Happened::Asked(Ask::Stop) => {
                        self.stopped();
                        return Err(Over);
                    }
                    Happened::Asked(ask) => refuse(ask),
                    Happened::Exited(exit) => break (failure::exited(request, exit), Err(Over)),
                },
                () = &mut too_late => {
                    // Whatever it still does must not count.
                    self.process.kill();
                    break (failure::timed_out(request, timeout), Err(Over));
                }
            }
        };
        let duration = watch.elapsed();
        self.written().await;
        self.pool.registry.ends(self.id());
        if over.is_err() {
            self.pool.registry.remove(self.id());
        } else if !self.pool.put_back(&self.member) {
            // The function has changed since.
            self.finish(finished, Some(duration));
            return Err(Over);
        }
        self.finish(finished, Some(duration));
        over
    }

    async fn work_and_next(
        &mut self,
    ) -> Result<(Work, oneshot::Sender<Result<Given, Refusal>>), Over> {
        // Right after the start, the work is here already, and the environment in nobody's list.
        let mut listed = self.work.is_none();
        loop {
            if self.next.as_ref().is_some_and(oneshot::Sender::is_closed) {
                self.next = None;
            }
            if self.work.is_some()
                && let Some(next) = self.next.take()
                && let Some(work) = self.work.take()
            {
                return Ok((work, next));
            }
            let wait = if self.work.is_some() { PATIENCE } else { self.pool.limits.idle };
            tokio::select! {
                happened = self.happens() => match happened {
                    Happened::Asked(Ask::Run(work)) => {
                        self.work = Some(work);
                        listed = false;
                    }
                    Happened::Asked(Ask::Next(next)) => {
                        self.next = Some(next);
                        if !listed && self.work.is_none() {
                            if !self.pool.put_back(&self.member) {
                                return Err(Over);
                            }
                            listed = true;
                        }
                    }
                    Happened::Asked(Ask::Stop) => {
                        self.stopped();
                        return Err(Over);
                    }
                    Happened::Asked(ask) => refuse(ask),
                    Happened::Exited(exit) => {
                        let how = failure::how(exit);
                        self.say(Said::Trouble(format!("{how}, between two invocations")));
                        return Err(Over);
                    }
                },
                () = clock::sleep(wait) => match self.work.take() {
                    Some(work) => not_taken(Some(work)),
                    // If it is in the list no longer, somebody is just sending it work.
                    None if !listed || self.pool.take_out(&self.member) => return Err(Over),
                    None => {}
                },
            }
        }
    }

    /// The next thing that happens; lines of the log are written on the way. Nothing is lost if it is dropped.
    async fn happens(&mut self) -> Happened {
        loop {
            tokio::select! {
                // What was asked counts even if the process has ended since; its lines come before its end.
                biased;
                Some(ask) = self.inbox.recv() => match ask {
                    Ask::Kill(killed) => {
                        self.process.kill();
                        // Whoever asked may have gone.
                        let _ = killed.send(());
                    }
                    ask => return Happened::Asked(ask),
                },
                line = self.out.next(), if !self.out.is_over() => {
                    if let Some(line) = line {
                        self.say(Said::Out(line));
                    }
                }
                line = self.err.next(), if !self.err.is_over() => {
                    if let Some(line) = line {
                        self.say(Said::Err(line));
                    }
                }
                exit = self.process.wait() => {
                    self.last_words().await;
                    return Happened::Exited(exit);
                }
            }
        }
    }

    /// Takes over what the process has written by now, so that it stands with the invocation it belongs to.
    async fn written(&mut self) {
        for _ in 0..LINES_AT_ONCE {
            if let Some(line) = self.out.next_written().await {
                self.say(Said::Out(line));
            } else if let Some(line) = self.err.next_written().await {
                self.say(Said::Err(line));
            } else {
                return;
            }
        }
    }

    async fn last_words(&mut self) {
        let enough = clock::sleep(LAST_WORDS);
        tokio::pin!(enough);
        while !(self.out.is_over() && self.err.is_over()) {
            tokio::select! {
                line = self.out.next(), if !self.out.is_over() => {
                    if let Some(line) = line {
                        self.say(Said::Out(line));
                    }
                }
                line = self.err.next(), if !self.err.is_over() => {
                    if let Some(line) = line {
                        self.say(Said::Err(line));
                    }
                }
                () = &mut enough => return,
            }
        }
    }

    /// Reports the end of the work in hand, to the log and to whoever waits.
    fn finish(&mut self, finished: Finished, duration: Option<Duration>) {
        if let Finished::Failed { kind, message, .. } = &finished
            && duration.is_none()
        {
            let why = format!("{} could not start: {kind}: {message}", self.spec.name);
            if let Some(ready) = self.ready.take() {
                // Whoever warmed it up may have gone.
                let _ = ready.send(Err(why.clone()));
            }
            self.say(Said::Trouble(why));
        }
        if let Some(duration) = duration {
            let status = match &finished {
                Finished::Answered(_) => None,
                Finished::Failed { .. } => Some("error".into()),
                Finished::TimedOut { .. } => Some("timeout".into()),
            };
            let peak = self.process.pid().and_then(platform::peak_memory);
            let (memory, init) = (self.spec.memory, self.init.take());
            self.say(Said::End);
            self.say(Said::Report { duration, memory, peak, init, status });
        }
        tell(self.work.take(), Ran::Finished(finished));
    }

    fn stopped(&mut self) {
        tell(self.work.take(), Ran::Stopped);
    }

    async fn end_process(&mut self) {
        self.process.terminate();
        let asked = tokio::select! {
            _ = self.process.wait() => true,
            () = clock::sleep(GRACE) => false,
        };
        if !asked {
            self.process.kill();
            self.process.wait().await;
        }
        if let Some(pid) = self.process.pid() {
            self.pool.leftovers.forget(pid);
        }
    }

    fn say(&self, said: Said) {
        self.pool.logs.say(&self.member.function, self.id().number, self.request, said);
    }
}
