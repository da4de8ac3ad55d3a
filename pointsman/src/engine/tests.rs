//! What holds for the engine as a whole.

mod late;

use super::testing::*;
use super::*;
use crate::clock::{ManualClock, Time};
use crate::services::queue::{MessageToSend, Receive, SendMessages};
use crate::services::stack::ApplyTemplate;
use crate::services::{JumpClock, MoveClock};
use crate::storage::Fold;
use crate::topology::*;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn folding_the_journal_gives_the_state_that_deciding_gave() {
    let mut world = World::new();
    let [dlq, queue] = with_dead_letters("orders", 2);
    world.apply(vec![
        dlq,
        queue,
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("orders", "view")),
    ]);
    for n in 0..25 {
        world.send("orders", &format!("message {n}"));
        if n % 4 == 0 {
            for invoke in world.invocations() {
                if n % 8 == 0 {
                    world.finish(invoke.id, "{}")
                } else {
                    world.fail(invoke.id)
                };
            }
        }
        world.pass(Duration::from_secs(7));
    }
    let mut folded = State::default();
    for record in &world.journal {
        Fold::apply(&mut folded, record).unwrap();
    }
    assert!(folded.save() == world.state().save());
    let mut loaded = State::default();
    loaded.load(&folded.save()).unwrap();
    assert!(loaded.save() == folded.save());
    assert_eq!(loaded.live_bodies().count(), folded.live_bodies().count());
}

#[test]
fn deciding_twice_from_the_same_seed_decides_the_same() {
    let run = || {
        let mut world = World::new();
        world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
        world.send("orders", "a");
        world.receive("orders");
        world.journal
    };
    assert_eq!(run(), run());
}

#[test]
fn a_moved_clock_fires_timers_in_order_each_at_its_own_due() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    let first = world.receive("orders");
    world.pass(Duration::from_secs(5));
    world.send("orders", "b");
    world.receive("orders");
    let before = world.journal.len();
    let now = world.core.now();
    world.ask(MoveClock { by_ms: 3_600_000 });
    assert_eq!(world.core.now(), now + Duration::from_secs(3600));
    let visible: Vec<_> = world.journal[before..]
        .iter()
        .map(|r| core::decode(r).unwrap())
        .filter(|e| matches!(e.fact, Fact::Visible { .. }))
        .map(|e| e.at - first[0].first_received)
        .collect();
    assert_eq!(visible, [Duration::from_secs(30), Duration::from_secs(35)]);
    assert_eq!(world.queue("orders").visible(), 2);
}

#[test]
fn after_a_jump_all_timers_fire_at_its_end_and_a_restart_knows_where_it_went() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    world.receive("orders");
    world.pass(Duration::from_secs(5));
    world.send("orders", "b");
    world.receive("orders");
    let before = world.journal.len();
    let target = world.core.now() + Duration::from_secs(3600);
    world.ask(JumpClock { by_ms: 3_600_000 });
    assert_eq!(world.core.now(), target);
    let visible: Vec<_> = world.journal[before..]
        .iter()
        .map(|r| core::decode(r).unwrap())
        .filter(|e| matches!(e.fact, Fact::Visible { .. }))
        .map(|e| e.at)
        .collect();
    assert_eq!(visible, [target, target]);
    world.restart();
    assert_eq!(world.core.now(), target);
}

#[test]
fn engine_time_never_goes_back_even_if_the_wall_clock_does() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let before = world.core.now();
    world.clock = Arc::new(ManualClock::new(Time(before.0 - 60_000)));
    world.restart();
    assert_eq!(world.core.now(), before);
}

#[test]
fn a_restart_gives_back_what_mappings_held_without_counting_it_and_leaves_outsiders_theirs() {
    let mut world = World::new();
    world.apply(vec![
        Spec::Queue(QueueSpec::named("mapped")),
        Spec::Queue(QueueSpec::named("polled")),
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("mapped", "view")),
    ]);
    world.send("mapped", "a");
    world.send("polled", "b");
    world.receive("polled");
    let stale = world.invocations();
    assert_eq!(stale.len(), 1);
    world.restart();
    assert_eq!(world.queue("polled").in_flight(), 1);
    let again = world.invocations();
    assert_eq!(again.len(), 1, "the batch is handed out again at once");
    let Payload::Messages { messages, .. } = &again[0].payload else { panic!("{again:?}") };
    assert_eq!(messages[0].receives, 1, "the interrupted receive does not count");
    assert!(!world.finish(stale[0].id, "{}"), "an answer to the old epoch answers nobody");
    assert!(world.finish(again[0].id, "{}"));
    assert!(world.queue("mapped").is_empty());
}

#[test]
fn a_fact_of_an_older_journal_is_read_as_it_was_written() {
    // At 1,700,000,000,000, because of request 1, by whoever showed no key: the clock was moved by 5 ms.
    let old = [0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0x00, 0x01, 0x01, 0x01, 0x0a];
    let entry = Entry {
        at: Time(1_700_000_000_000),
        cause: Cause::Request(Id(1)),
        caller: Caller::Operator,
        fact: Fact::ClockMoved { offset_ms: 5 },
    };
    assert_eq!(core::decode(&old), Ok(entry.clone()));
    assert_eq!(core::encode(&entry), old);
    let user = Entry { caller: Caller::user(&"k".repeat(500)), ..entry };
    assert_eq!(core::decode(&core::encode(&user)), Ok(user.clone()));
    assert_eq!(user.caller, Caller::User { key: "k".repeat(128).into() });
}

#[test]
fn a_body_lives_as_long_as_a_message_needs_it() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    assert_eq!(world.state().live_bodies().count(), 1);
    let handed = world.receive("orders");
    world.delete("orders", &handed);
    assert_eq!(world.state().live_bodies().count(), 0);
}

mod threaded {
    use super::*;
    use std::io;
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

    #[tokio::test]
    async fn a_waiting_receiver_is_woken_by_a_message() {
        let engine = engine(Box::new(MemoryLog::default()), Box::new(|e| panic!("{e}")));
        queue(&engine).await;
        let waiting = {
            let engine = engine.clone();
            tokio::spawn(async move {
                let receive = Receive { queue: "orders".into(), max: 10, visibility: None };
                engine.receive(receive, Duration::from_secs(20), asked()).await
            })
        };
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
            engine
                .submit(SendMessages { queue: "orders".into(), messages }, asked())
                .await
                .unwrap();
        }
        let mut follower = engine.subscribe(Some(1));
        // It falls so far behind that what is on its way overflows.
        for _ in 0..20_000 / 8 {
            let messages = vec![hello().messages.remove(0); 8];
            engine
                .submit(SendMessages { queue: "orders".into(), messages }, asked())
                .await
                .unwrap();
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
        let waiting = {
            let engine = engine.clone();
            tokio::spawn(async move {
                let receive = Receive { queue: "orders".into(), max: 10, visibility: None };
                engine.receive(receive, Duration::from_secs(3600), asked()).await
            })
        };
        tokio::task::yield_now().await;
        engine.read(|_, _| ()).await.unwrap();
        engine.stop();
        answer.await.unwrap_err();
        assert_eq!(waiting.await.unwrap().unwrap_err().code, "InternalFailure");
        while follower.next().await.is_some() {}
        assert!(engine.subscribe(None).next().await.is_none());
    }

    /// A log that asks before it commits.
    struct Asking<F>(F, MemoryLog);

    impl<F: FnMut() -> io::Result<()> + Send + 'static> Log for Asking<F> {
        fn commit(&mut self, r: Vec<Vec<u8>>, b: Vec<(u64, Bytes)>) -> io::Result<()> {
            (self.0)()?;
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
        let until_let = move || {
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
        let failing = move || match *disk.lock().unwrap() {
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
}
