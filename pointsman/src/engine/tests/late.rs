//! What came due while nobody looked: the engine was down, or the machine slept, or much of it at once.

use super::*;
use std::io;
use std::sync::Mutex;
use tokio::sync::mpsc::unbounded_channel;

fn mapped(receives: u32) -> World {
    let mut world = World::new();
    let [dlq, queue] = with_dead_letters("orders", receives);
    let source = MappingSource::Queue { queue: "orders".into(), max_concurrency: None };
    let mapping = Spec::Mapping(MappingSpec { source, ..queue_mapping("orders", "view") });
    world.apply(vec![dlq, queue, Spec::Function(function("view")), mapping]);
    world
}

#[test]
fn a_restart_after_the_visibility_timeout_counts_no_receive_and_runs_the_batch_once() {
    for receives in [1, 5] {
        let mut world = mapped(receives);
        world.send("orders", "a");
        world.invocation();
        world.clock.advance(Duration::from_secs(3600));
        world.restart();
        world.pass(Duration::ZERO);
        let again = world.invocation();
        assert_eq!(given(&again)[0].receives, 1, "the interrupted receive does not count");
        assert!(world.queue("orders-dlq").is_empty(), "a good message is no dead letter");
        assert!(world.finish(again.id, "{}"));
        assert!(world.queue("orders").is_empty());
    }
}

#[test]
fn nothing_is_decided_to_have_happened_while_the_engine_was_down() {
    let mut world = mapped(5);
    world.send("orders", "a");
    world.clock.advance(Duration::from_secs(3600));
    let before = world.journal.len();
    world.restart();
    let now = world.core.now();
    let late = world.journal[before..].iter().map(|record| core::decode(record).unwrap());
    for entry in late {
        assert_eq!(entry.at, now, "{entry:?}");
    }
}

#[test]
fn a_machine_that_slept_uses_up_one_receive_of_a_message_and_not_all() {
    let mut world = mapped(5);
    world.send("orders", "a");
    world.invocation();
    world.pass(Duration::from_secs(3600));
    let again = world.invocation();
    assert_eq!(given(&again)[0].receives, 2);
    assert!(world.queue("orders-dlq").is_empty());
}

/// Remembers how many messages each commit made visible.
#[derive(Clone, Default)]
struct Sizes(Arc<Mutex<Vec<usize>>>);

impl Log for Sizes {
    fn commit(&mut self, records: Vec<Vec<u8>>, _: Vec<(u64, Bytes)>) -> io::Result<()> {
        let visible = records.iter().map(|record| match core::decode(record).unwrap().fact {
            Fact::Visible { messages, .. } => messages.len(),
            _ => 0,
        });
        self.0.lock().unwrap().push(visible.sum());
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        MemoryLog::default().reader()
    }

    fn history(&self) -> Arc<dyn History> {
        MemoryLog::default().history()
    }

    fn release(&mut self, _: &[u64]) {}
}

#[tokio::test]
async fn much_that_comes_due_at_once_is_committed_in_parts_and_nothing_is_asked_in_between() {
    const ALL: usize = 70_000;
    let sizes = Sizes::default();
    let engine = start(Setup {
        state: State::default(),
        facts: 0,
        region: Region::default(),
        clock: Arc::new(ManualClock::new(Time(1_700_000_000_000))),
        random: Box::new(SeededRandom::new(1)),
        log: Box::new(sizes.clone()),
        effects: unbounded_channel().0,
        fatal: Box::new(|error| panic!("{error}")),
        faults: Arc::new(crate::faults::NoFaults),
    });
    let engine = engine.unwrap_or_else(|fault| panic!("{fault}"));
    let asked = Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) };
    let resources = resources(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
    engine.submit(template, asked.clone()).await.unwrap();
    let message = MessageToSend { body: Bytes::from_static(b"a"), ..Default::default() };
    let messages = vec![message; ALL / 7];
    for _ in 0..7 {
        let send = SendMessages { queue: "orders".into(), messages: messages.clone() };
        engine.submit(send, asked.clone()).await.unwrap();
        let receive = Receive { queue: "orders".into(), max: ALL, visibility: None };
        engine.submit(receive, asked.clone()).await.unwrap();
    }
    let (moved, looked) = tokio::join!(
        engine.submit(MoveClock { by_ms: 3_600_000 }, asked.clone()),
        engine.read(|state, _| state.queues["orders"].visible()),
    );
    moved.unwrap();
    assert_eq!(looked.unwrap(), ALL, "who asks after the move sees all of it");
    engine.stop();
    let sizes = sizes.0.lock().unwrap();
    assert_eq!(sizes.iter().sum::<usize>(), ALL);
    assert!(sizes.iter().all(|size| *size <= ALL / 3), "{sizes:?}");
}
