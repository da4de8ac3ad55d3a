use super::*;
use crate::delivery::MAX_BYTES;
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};

fn entry(source: &str, n: usize) -> Entry {
    Entry::new(source, "Happened", format!("{{\"n\":{n}}}"))
}

fn seconds(n: u64) -> Deadline {
    Deadline::after(Duration::from_secs(n))
}

async fn publish(bus: &Memory, entries: &[Entry]) -> Vec<Outcome> {
    Publisher::new(Arc::new(bus.clone())).seeded(7).publish(entries, seconds(20)).await
}

#[tokio::test(start_paused = true)]
async fn only_the_entry_that_failed_is_sent_again() {
    let bus = Memory::new();
    bus.fail_next(Fault::Entry(1, "InternalFailure"));
    bus.fail_next(Fault::Entry(0, "ThrottlingException"));
    let entries: Vec<Entry> = (0..3).map(|n| entry("s", n)).collect();
    let outcomes = publish(&bus, &entries).await;
    assert!(outcomes.iter().all(Outcome::is_accepted), "{outcomes:?}");
    assert_eq!(bus.calls(), 3);
    let order = [&entries[0], &entries[2], &entries[1]];
    assert!(bus.events().iter().eq(order));
}

#[tokio::test(start_paused = true)]
async fn batches_keep_to_ten_entries_one_source_and_the_size() {
    let bus = Memory::new();
    let entries: Vec<Entry> =
        (0..25).map(|n| entry(if n % 5 == 0 { "a" } else { "b" }, n)).collect();
    let outcomes = publish(&bus, &entries).await;
    assert!(outcomes.iter().all(Outcome::is_accepted));
    assert_eq!(bus.calls(), 3, "five of a, twenty of b");

    let bus = Memory::new();
    let detail = format!("{{\"x\":\"{}\"}}", "y".repeat(MAX_BYTES / 2 - 30));
    let entries: Vec<Entry> = (0..4).map(|_| Entry::new("s", "T", detail.clone())).collect();
    assert!(publish(&bus, &entries).await.iter().all(Outcome::is_accepted));
    assert_eq!(bus.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_go_in_is_rejected_by_itself() {
    let bus = Memory::new();
    let huge = Entry::new("s", "T", format!("{{\"x\":\"{}\"}}", "y".repeat(MAX_BYTES)));
    let entries = [entry("s", 0), Entry::new("s", "T", "[]"), huge, entry("s", 3)];
    let outcomes = publish(&bus, &entries).await;
    let codes: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Rejected(failure) => failure.code.as_str(),
            Outcome::Unsent(_) => "unsent",
            Outcome::Accepted(_) => "in",
        })
        .collect();
    assert_eq!(codes, ["in", "MalformedDetail", "TooLarge", "in"]);
}

#[tokio::test(start_paused = true)]
async fn one_entry_that_spoils_a_call_does_not_take_the_others_with_it() {
    let bus = Memory::new();
    bus.fail_next(Fault::Call("ValidationException"));
    bus.fail_next(Fault::Call("ValidationException"));
    let entries: Vec<Entry> = (0..3).map(|n| entry("s", n)).collect();
    let outcomes = publish(&bus, &entries).await;
    assert!(matches!(&outcomes[0], Outcome::Rejected(f) if f.code == "ValidationException"));
    assert!(outcomes[1].is_accepted() && outcomes[2].is_accepted());
    assert_eq!(bus.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_speak_of_every_entry_is_none() {
    for fault in [Fault::ShortAnswer, Fault::LostAnswer] {
        let bus = Memory::new();
        bus.fail_next(fault);
        let entries: Vec<Entry> = (0..3).map(|n| entry("s", n)).collect();
        assert!(publish(&bus, &entries).await.iter().all(Outcome::is_accepted));
        assert_eq!(bus.events().len(), 6, "twice rather than perhaps not");
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_it_gives_back_what_is_not_in() {
    let bus = Memory::new();
    let deadline = seconds(2);
    bus.fail_next(Fault::Hang);
    let outcomes = Publisher::new(Arc::new(bus.clone())).publish(&[entry("s", 0)], deadline).await;
    assert!(matches!(&outcomes[0], Outcome::Unsent(f) if f.code == "Timeout"), "{outcomes:?}");
    assert!(bus.events().is_empty());

    bus.flaky(1, 100);
    let outcomes = publish(&bus, &[entry("s", 0)]).await;
    assert!(matches!(&outcomes[0], Outcome::Unsent(_)), "{outcomes:?}");
}

proptest! {
    /// Whatever the bus does: what is said to be in is in, what is in its own right is sent, and
    /// one that is not in is never called accepted.
    #[test]
    fn nothing_is_lost_and_nothing_is_accepted_that_is_not_in(
        seed: u64,
        percent in 0u8..70,
        sources in prop::collection::vec(0u8..3, 0..40),
        left in 0u64..20,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let bus = Memory::new();
            bus.flaky(seed, percent);
            let entries: Vec<Entry> = sources
                .iter()
                .enumerate()
                .map(|(n, source)| entry(&format!("s{source}"), n))
                .collect();
            let publisher = Publisher::new(Arc::new(bus.clone())).seeded(seed);
            let outcomes = publisher.publish(&entries, seconds(left)).await;
            prop_assert_eq!(outcomes.len(), entries.len());
            let taken: BTreeSet<String> = bus.events().into_iter().map(|e| e.detail).collect();
            for (entry, outcome) in entries.iter().zip(&outcomes) {
                prop_assert!(!outcome.is_accepted() || taken.contains(&entry.detail));
                prop_assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
                if percent == 0 && left > 0 {
                    prop_assert!(outcome.is_accepted());
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_dies_before_or_after_the_bus_took_its_events() {
    let (bus, crash) = (Memory::new(), crate::testing::Crash::new());
    bus.crashing(&crash, 0, 0);
    bus.fail_next(Fault::CrashBefore);
    assert_eq!(crash.run(publish(&bus, &[entry("s", 0)])).await, None);
    assert_eq!(bus.events(), []);
    bus.fail_next(Fault::CrashAfter);
    assert_eq!(crash.run(publish(&bus, &[entry("s", 1)])).await, None);
    assert_eq!(bus.take(), [entry("s", 1)]);
    let outcomes = crash.run(publish(&bus, &[entry("s", 2)])).await.unwrap();
    assert!(outcomes[0].is_accepted());
    assert_eq!(bus.take(), [entry("s", 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_no_fault_of_the_event() {
    let denials = [
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidAccountIdException",
        "InvalidClientTokenId",
        "NotAuthorizedForDetailTypeException",
        "NotAuthorizedForSourceException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    ];
    for code in denials {
        for fault in [Fault::Call(code), Fault::Entry(0, code)] {
            let bus = Memory::new();
            bus.fail_next(fault.clone());
            let publisher = Publisher::new(Arc::new(bus.clone()));
            let outcomes = publisher.publish(&[entry("s", 0)], seconds(0)).await;
            assert!(matches!(&outcomes[0], Outcome::Unsent(f) if f.code == code), "{outcomes:?}");
            bus.fail_next(fault);
            assert!(publish(&bus, &[entry("s", 0)]).await[0].is_accepted(), "{code}: it passed");
        }
    }
}
