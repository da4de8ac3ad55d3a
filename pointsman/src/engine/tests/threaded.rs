//! The engine with its threads: who waits, what is told, and what is not.

use super::*;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use tokio::sync::mpsc::unbounded_channel;

fn asked() -> Asked {
    Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) }
}

fn engine(log: Box<dyn Log>, fatal: Fatal) -> Engine {
    let (effects, _) = unbounded_channel();
    start(Setup {
        state: State::default(),
        facts: 0,
        region: Region::default(),
        clock: Arc::new(crate::clock::SystemClock),
        random: Box::new(SeededRandom::new(1)),
        log,
        effects,
        fatal,
        faults: Arc::new(crate::faults::NoFaults),
    })
    .unwrap()
}

async fn queue(engine: &Engine) {
    let resources = resources(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
    engine.submit(template, asked()).await.unwrap();
}

fn hello() -> SendMessages {
    let message = MessageToSend { body: Bytes::from_static(b"hello"), ..Default::default() };
    SendMessages { queue: "orders".into(), messages: vec![message] }
}

/// A receiver that waits as long as SQS lets it.
fn long_poll(engine: &Engine) -> tokio::task::JoinHandle<Result<Vec<Handed>, Fault>> {
    let engine = engine.clone();
    tokio::spawn(async move {
        let receive = Receive { queue: "orders".into(), max: 10, visibility: None };
        engine.receive(receive, Duration::from_secs(20), asked()).await
    })
}

#[tokio::test]
async fn a_waiting_receiver_is_woken_by_a_message() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let waiting = long_poll(&engine);
    tokio::task::yield_now().await;
    engine.submit(hello(), asked()).await.unwrap();
    let handed = waiting.await.unwrap().unwrap();
    assert_eq!(engine.body(handed[0].body.id).unwrap(), "hello");
    engine.stop();
    assert_eq!(engine.submit(hello(), asked()).await.unwrap_err().code, "InternalFailure");
}

#[tokio::test]
async fn with_the_limit_of_messages_in_flight_a_short_poll_is_refused_and_a_long_one_waits() {
    const LIMIT: usize = 120_000;
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let messages = vec![hello().messages.remove(0); LIMIT + 1];
    let send = SendMessages { queue: "orders".into(), messages };
    engine.submit(send, asked()).await.unwrap();
    let receive = |max, wait| {
        let receive = Receive { queue: "orders".into(), max, visibility: None };
        engine.receive(receive, wait, asked())
    };
    assert_eq!(receive(LIMIT, Duration::ZERO).await.unwrap().len(), LIMIT);
    let refused = receive(1, Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.code, "OverLimit");
    assert!(receive(1, Duration::from_millis(10)).await.unwrap().is_empty());
    engine.stop();
}

#[tokio::test]
async fn the_feed_tells_durable_facts_in_order_with_their_bytes() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    let mut follower = engine.subscribe(None);
    queue(&engine).await;
    engine.submit(hello(), asked()).await.unwrap();
    let mut seen = vec![];
    while let Some(Followed::Item(item)) = follower.next().await {
        let is_sent = matches!(item.entry.fact, Fact::MessageSent { .. });
        seen.push(item.seq);
        if is_sent {
            assert_eq!(item.body.as_deref(), Some(&b"hello"[..]));
            break;
        }
    }
    assert!(seen.windows(2).all(|w| w[1] == w[0] + 1), "{seen:?}");
}

#[tokio::test]
async fn a_follower_from_the_beginning_sees_every_fact_once_and_goes_on_with_new_ones() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    for _ in 0..40_000 / 8 {
        let messages = vec![hello().messages.remove(0); 8];
        engine.submit(SendMessages { queue: "orders".into(), messages }, asked()).await.unwrap();
    }
    let mut follower = engine.subscribe(Some(1));
    // It falls so far behind that what is on its way overflows.
    for _ in 0..20_000 / 8 {
        let messages = vec![hello().messages.remove(0); 8];
        engine.submit(SendMessages { queue: "orders".into(), messages }, asked()).await.unwrap();
    }
    let (mut next, mut sent) = (1, 0);
    while sent < 60_000 {
        let Some(Followed::Item(item)) = follower.next().await else { panic!("it ended") };
        assert_eq!(item.seq, next);
        next += 1;
        if matches!(item.entry.fact, Fact::MessageSent { .. }) {
            assert_eq!(item.body.as_deref(), Some(&b"hello"[..]));
            sent += 1;
        }
    }
    engine.stop();
}

#[tokio::test]
async fn when_the_engine_ends_everybody_who_waits_is_told() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    let specs = vec![Spec::Queue(QueueSpec::named("orders")), Spec::Function(function("view"))];
    let resources = resources(specs);
    let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
    engine.submit(template, asked()).await.unwrap();
    let mut follower = engine.subscribe(None);
    let invoke = crate::services::function::Invoke {
        function: "view".into(),
        payload: Bytes::new(),
        http: None,
    };
    let (_, _, answer) = engine.invoke(invoke, asked()).await.unwrap();
    let waiting = long_poll(&engine);
    tokio::task::yield_now().await;
    engine.read(|_, _| ()).await.unwrap();
    engine.stop();
    answer.await.unwrap_err();
    assert_eq!(waiting.await.unwrap().unwrap_err().code, "InternalFailure");
    while follower.next().await.is_some() {}
    assert!(engine.subscribe(None).next().await.is_none());
}

/// A log that asks before it commits these records.
struct Asking<F>(F, MemoryLog);

impl<F: FnMut(&[Vec<u8>]) -> io::Result<()> + Send + 'static> Log for Asking<F> {
    fn commit(&mut self, r: Vec<Vec<u8>>, b: Vec<(u64, Bytes)>) -> io::Result<()> {
        (self.0)(&r)?;
        self.1.commit(r, b)
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        self.1.reader()
    }

    fn history(&self) -> Arc<dyn History> {
        self.1.history()
    }

    fn release(&mut self, gone: &[u64]) {
        self.1.release(gone);
    }
}

#[tokio::test]
async fn while_the_disk_is_slow_askers_wait_and_are_all_answered_when_it_is_not() {
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let until_let = move |_: &[Vec<u8>]| {
        let _ = held.recv();
        Ok(())
    };
    let slow = Asking(until_let, MemoryLog::default());
    let engine = engine(Box::new(slow), Box::new(|e| panic!("{e}")));
    let making = {
        let engine = engine.clone();
        tokio::spawn(async move { queue(&engine).await })
    };
    let mut asking = vec![];
    for _ in 0..50 {
        let engine = engine.clone();
        asking.push(tokio::spawn(async move {
            let messages = vec![hello().messages.remove(0); 1_000];
            engine.submit(SendMessages { queue: "orders".into(), messages }, asked()).await
        }));
    }
    tokio::task::yield_now().await;
    assert!(asking.iter().all(|task| !task.is_finished()));
    drop(let_go);
    making.await.unwrap();
    for task in asking {
        assert_eq!(task.await.unwrap().unwrap().len(), 1_000);
    }
    engine.stop();
}

#[tokio::test]
async fn after_a_failed_commit_nobody_is_told_anything() {
    let broken = Arc::new(Mutex::new(false));
    let told = Arc::new(Mutex::new(String::new()));
    let tell = told.clone();
    let disk = broken.clone();
    let failing = move |_: &[Vec<u8>]| match *disk.lock().unwrap() {
        true => Err(io::Error::other("the disk is gone")),
        false => Ok(()),
    };
    let engine = engine(
        Box::new(Asking(failing, MemoryLog::default())),
        Box::new(move |error| *tell.lock().unwrap() = error.to_string()),
    );
    queue(&engine).await;
    *broken.lock().unwrap() = true;
    assert_eq!(engine.submit(hello(), asked()).await.unwrap_err().code, "InternalFailure");
    let read = engine.read(|state, _| state.queues["orders"].len()).await;
    assert_eq!(read.unwrap_err().code, "InternalFailure", "a read is a reply, too");
    assert_eq!(*told.lock().unwrap(), "the disk is gone");
}

#[tokio::test]
async fn a_message_and_its_receipt_by_who_waits_for_it_are_committed_together() {
    let commits = Arc::new(Mutex::new(Vec::<Vec<Entry>>::new()));
    let seen = commits.clone();
    let see = move |records: &[Vec<u8>]| {
        let entries = records.iter().map(|record| core::decode(record).unwrap());
        seen.lock().unwrap().push(entries.collect());
        Ok(())
    };
    let log = Asking(see, MemoryLog::default());
    let engine = engine(Box::new(log), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let waiting = long_poll(&engine);
    tokio::task::yield_now().await;
    engine.submit(hello(), asked()).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().len(), 1);
    let commits = commits.lock().unwrap().clone();
    let together = commits.iter().any(|entries| {
        let facts: Vec<&Fact> = entries.iter().map(|entry| &entry.fact).collect();
        matches!(facts[..], [Fact::MessageSent { .. }, Fact::Received { .. }])
    });
    assert!(together, "{commits:?}");
    engine.stop();
}

#[tokio::test]
async fn who_has_waited_longest_is_served_first_and_who_has_gone_takes_nothing() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let (gone, first, second) = (long_poll(&engine), long_poll(&engine), long_poll(&engine));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    engine.submit(hello(), asked()).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap()[0].seq, 0);
    assert!(!second.is_finished());
    engine.submit(hello(), asked()).await.unwrap();
    assert_eq!(second.await.unwrap().unwrap()[0].seq, 1);
    engine.stop();
}

#[tokio::test]
async fn what_is_handed_out_as_the_time_is_up_still_arrives() {
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let let_pass = Arc::new(Mutex::new(true));
    let pass = let_pass.clone();
    let until_let = move |_: &[Vec<u8>]| {
        if !*pass.lock().unwrap() {
            let _ = held.recv();
        }
        Ok(())
    };
    let slow = Asking(until_let, MemoryLog::default());
    let engine = engine(Box::new(slow), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let receive = Receive { queue: "orders".into(), max: 10, visibility: None };
    let mut waiting = Box::pin(engine.receive(receive, Duration::from_millis(20), asked()));
    // It begins to wait.
    assert!(is_pending(waiting.as_mut()).await);
    *let_pass.lock().unwrap() = false;
    let sending = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.submit(hello(), asked()).await })
    };
    tokio::task::yield_now().await;
    // The message is handed out, but the disk is slow; meanwhile the time is up.
    crate::clock::sleep(Duration::from_millis(60)).await;
    assert!(is_pending(waiting.as_mut()).await, "nothing is told before it is durable");
    drop(let_go);
    assert_eq!(waiting.await.unwrap().len(), 1);
    sending.await.unwrap().unwrap();
    engine.stop();
}

/// Polls once; whether it is still under way.
async fn is_pending<F: Future + Unpin>(mut future: F) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut future).poll(cx).is_pending()))
        .await
}

#[tokio::test]
async fn a_decision_that_panics_ends_the_engine_also_for_those_who_wait() {
    let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
    queue(&engine).await;
    let waiting = long_poll(&engine);
    tokio::task::yield_now().await;
    let panicking = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.read(|_, _| panic!("on purpose")).await })
    };
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(waiting.await.unwrap().unwrap_err().code, "InternalFailure");
    assert_eq!(engine.submit(hello(), asked()).await.unwrap_err().code, "InternalFailure");
    engine.stop();
}
