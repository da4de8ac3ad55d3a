use super::*;
use crate::delivery::Failure;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn messages_go_to_their_queue_and_a_failed_one_is_sent_again() {
    let queues = Memory::new();
    queues.fail_next(Failure::transient("InternalError", ""));
    let messages: Vec<Message> = (0..12)
        .map(|n| Message::new(if n < 11 { "a" } else { "b" }, n.to_string()).delay(n))
        .collect();
    let sender = Sender::new(Arc::new(queues.clone())).seeded(3);
    let outcomes = sender.send(&messages, Deadline::after(Duration::from_secs(9))).await;
    assert!(outcomes.iter().all(Outcome::is_accepted), "{outcomes:?}");
    let mut sent: Vec<u64> = queues.messages().iter().map(|m| m.body.parse().unwrap()).collect();
    sent.sort_unstable();
    assert_eq!(sent, (0..12).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_message_the_queue_refuses_for_good_is_rejected() {
    let queues = Memory::new();
    queues.fail_next(Failure::permanent("InvalidMessageContents", ""));
    let sender = Sender::new(Arc::new(queues.clone()));
    let messages = [Message::new("a", "1"), Message::new("a", "2")];
    let outcomes = sender.send(&messages, Deadline::after(Duration::from_secs(9))).await;
    assert!(matches!(outcomes[0], Outcome::Rejected(_)));
    assert!(outcomes[1].is_accepted());
}

/// However queues fail and senders die: what was told to be in is in, and with its delay.
#[tokio::test(start_paused = true)]
async fn what_flaky_queues_accepted_is_there_to_be_taken() {
    for seed in 0..100 {
        let (queues, crash) = (Memory::new(), crate::testing::Crash::new());
        queues.flaky(seed, 30);
        queues.crashing(&crash, seed, 10);
        let messages: Vec<Message> =
            (0..25).map(|n| Message::new("a", n.to_string()).delay(n)).collect();
        let sender = Sender::new(Arc::new(queues.clone())).seeded(seed);
        let send = || sender.send(&messages, Deadline::after(Duration::from_secs(9)));
        let outcomes = loop {
            if let Some(outcomes) = crash.run(send()).await {
                break outcomes;
            }
        };
        let taken = queues.take();
        assert!(queues.take().is_empty());
        for (message, outcome) in messages.iter().zip(outcomes) {
            assert!(!outcome.is_accepted() || taken.contains(message), "seed {seed}: {message:?}");
        }
    }
}

#[test]
fn a_delay_is_within_what_sqs_takes() {
    assert_eq!(Message::new("a", "").delay(901).delay, 900);
    assert_eq!(Message::new("a", "").delay(u64::MAX).delay, 900);
    assert_eq!(Message::new("a", "").delay(7).delay, 7);
}

#[test]
fn a_command_is_wrapped_as_an_event_would_be() {
    use crate::store::{Kind, Row};
    use pointsman_event::{Cause, Envelope, Metadata, Place, SchemaVersion, Timestamp, Ulid};
    let now = Timestamp::from_ms(1_700_000_000_123);
    let place = Place::new("lamp#7".parse().unwrap(), 1, 0);
    let declared = ("ChangeBulb", SchemaVersion::new(1, 0), "what the row says");
    let metadata =
        Metadata::new(Ulid::from_bits(7), declared, place, &Cause::request("r", now), now);
    let envelope = Envelope { metadata, data: serde_json::json!({ "a": "\"" }) };
    let detail = serde_json::to_string(&envelope).unwrap();
    let row = Row { kind: Kind::Command, envelope, detail, due: None, recorded_at: now };
    let message = Message::command("http://q", "house \"lamps\"", &row);
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["detail-type"], "ChangeBulb");
    assert_eq!(body["source"], "house \"lamps\"");
    let detail: Envelope = serde_json::from_value(body["detail"].clone()).unwrap();
    assert_eq!(detail, row.envelope);
}

#[test]
fn only_a_fault_of_the_message_itself_is_permanent() {
    for code in ["InvalidMessageContents", "InvalidParameterValue", "BatchRequestTooLong"] {
        assert!(is_permanent(code) && is_permanent(&format!("AWS.SimpleQueueService.{code}")));
    }
    let denials = [
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ExpiredToken",
        "InvalidClientTokenId",
        "KmsAccessDenied",
        "KmsThrottled",
        "RequestThrottled",
        "UnsupportedOperation",
    ];
    for code in denials {
        assert!(!is_permanent(code), "{code}");
    }
}
