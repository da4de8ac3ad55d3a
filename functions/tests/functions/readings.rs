//! readings: each is told what became of it, and told again it is the same event.

use crate::{
    recorder::{self, Readings, Trigger},
    shop::{Call, NOW, Reply},
};
use contract::{event::Envelope, reading::CpuUsageRecorded};
use pointsman_kit::{
    observability::Log,
    publisher::{Entry, Fault, Memory, Publisher},
    runtime::{Error, Invocation},
};
use serde_json::{Value, json};
use std::{fs, io, path::Path, sync::Arc, time::Duration};

const AT: &str = "2025-12-31T23:59:59.000Z";

fn readings(bus: &Memory) -> Readings {
    Readings {
        publisher: Publisher::new(Arc::new(bus.clone())).seeded(1),
        host: "readings".parse().unwrap(),
        loadavg: || Ok("0.25 0.20 0.10 1/234 5678\n".to_owned()),
    }
}

async fn invoke(readings: &Readings, trigger: Trigger) -> Result<Value, Error> {
    let (log, _) = Log::captured("test");
    let of = Invocation::new("invocation-1", Duration::from_secs(9), &log);
    recorder::handle(readings, trigger, of).await
}

async fn tell(bus: &Memory, body: &Value) -> Reply {
    let call = Call::new("POST /readings", "collector").body(body.clone());
    Reply::of(&invoke(&readings(bus), call.event()).await.unwrap())
}

fn reading(host: &str, at: &str, percent: f64) -> Value {
    json!({ "host": host, "at": at, "cpuPercent": percent })
}

fn batch(readings: &[Value]) -> Value {
    json!({ "readings": readings })
}

fn recorded(entry: &Entry) -> Envelope<CpuUsageRecorded> {
    let envelope: Envelope = serde_json::from_str(&entry.detail).unwrap();
    envelope.read().unwrap()
}

fn statuses(reply: &Reply) -> Vec<u64> {
    let results = reply.body["results"].as_array().unwrap().iter();
    results.map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_reading_is_an_event_and_the_answer_has_its_id() {
    let bus = Memory::new();
    let told = batch(&[reading("web-1", AT, 37.5), reading("web-2", AT, 4.0)]);
    let reply = tell(&bus, &told).await;
    assert_eq!((reply.status, statuses(&reply)), (207, vec![202, 202]));
    let entries = bus.events();
    for (n, (entry, host)) in entries.iter().zip(["web-1", "web-2"]).enumerate() {
        assert_eq!((&*entry.source, &*entry.detail_type), ("shop.readings", "CpuUsageRecorded"));
        let Envelope { metadata, data } = recorded(entry);
        assert_eq!(reply.body["results"][n]["eventId"], metadata.id.to_string());
        assert_eq!((metadata.subject.as_str(), data.host.as_str()), (host, host));
        assert_eq!(metadata.stream.as_str(), format!("reading#{host}@{AT}"));
        assert_eq!((metadata.version, metadata.previous, metadata.hops), (1, 0, 0));
        assert_eq!(
            (metadata.correlation_id.as_str(), data.at.to_string()),
            ("request-1", AT.into())
        );
        assert_eq!((metadata.occurred_at.as_ms(), entry.time), (NOW, Some(metadata.occurred_at)));
    }
    // Told again, in another request, it is the same event.
    let again = tell(&bus, &batch(&[reading("web-2", AT, 4.0)])).await;
    assert_eq!(again.body["results"][0], reply.body["results"][1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_reading_is_its_own_affair() {
    let bus = Memory::new();
    let told = batch(&[
        reading("web-1", AT, 50.0),
        reading("Web 1", AT, 50.0),
        reading("web-1", "yesterday", 50.0),
        reading("web-1", AT, 100.5),
        json!({ "host": "web-1", "at": AT }),
        json!({ "host": "web-1", "at": AT, "cpuPercent": 5, "unit": "%" }),
        json!(7),
        reading("web-1", "2026-01-01T00:01:00.001Z", 50.0),
        reading("web-1", AT, 50.0),
        reading("web-1", AT, 51.0),
        reading("web-2", AT, 51.0),
    ]);
    let reply = tell(&bus, &told).await;
    let expected = [202, 400, 400, 400, 400, 400, 400, 422, 202, 422, 202];
    assert_eq!((reply.status, statuses(&reply)), (207, expected.to_vec()));
    let results = reply.body["results"].as_array().unwrap();
    let fields: Vec<&str> =
        results.iter().map(|result| result["field"].as_str().unwrap_or_default()).collect();
    assert_eq!(
        fields,
        ["", "host", "at", "cpuPercent", "cpuPercent", "unit", "", "at", "", "cpuPercent", ""]
    );
    assert_eq!(
        (&results[7]["code"], &results[9]["code"]),
        (&"ReadingInFuture".into(), &"ReadingContradicted".into())
    );
    assert_eq!(results[8], results[0], "told twice, it is published once");
    assert_eq!(bus.events().len(), 2);
    assert!(results.iter().all(|result| result.get("retryable").is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_batch_as_a_whole_has_its_limits() {
    let bus = Memory::new();
    let many = |count: usize| batch(&vec![reading("web-1", AT, 1.0); count]);
    for (body, status, field) in [
        (json!([]), 400, ""),
        (json!({ "reading": [] }), 400, "reading"),
        (json!({ "readings": 7 }), 400, "readings"),
        (batch(&[]), 422, "readings"),
        (many(101), 422, "readings"),
        (json!({ "readings": ["x".repeat(64 * 1024)] }), 413, ""),
    ] {
        let reply = tell(&bus, &body).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(reply.body["field"].as_str().unwrap_or_default(), field, "{reply:?}");
    }
    assert_eq!(bus.calls(), 0);
    assert_eq!(statuses(&tell(&bus, &many(100)).await), [202; 100]);
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_does_not_take_goes_back_to_who_told_it() {
    let bus = Memory::new();
    let hosts: Vec<Value> =
        (0..12).map(|n| reading(&format!("web-{n}"), AT, f64::from(n))).collect();
    // Ten go in one call, of which the fourth fails; it is tried again.
    bus.fail_next(Fault::Entry(3, "ThrottlingException"));
    assert_eq!(statuses(&tell(&bus, &batch(&hosts)).await), [202; 12]);
    assert_eq!(bus.calls(), 3);

    let bus = Memory::new();
    bus.fail_next(Fault::Entry(3, "ThrottlingException"));
    bus.fail_next(Fault::Entry(1, "InternalFailure"));
    // The two that failed go on failing.
    for _ in 0..100 {
        bus.fail_next(Fault::Call("ThrottlingException"));
    }
    let reply = tell(&bus, &batch(&hosts)).await;
    assert_eq!(reply.status, 207);
    for (n, result) in reply.body["results"].as_array().unwrap().iter().enumerate() {
        if n == 3 || n == 11 {
            assert_eq!((&result["status"], &result["code"]), (&503.into(), &"NotPublished".into()));
            assert_eq!(result["retryable"], true);
        } else {
            assert_eq!(result["status"], 202, "{n}");
        }
    }
    assert_eq!(bus.events().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_records_this_machine_at_the_time_it_was_due() {
    let bus = Memory::new();
    let tick =
        || serde_json::from_value(json!({ "scheduledTime": "2026-01-01T00:01:00Z" })).unwrap();
    let answer = invoke(&readings(&bus), tick()).await.unwrap();
    let Envelope { metadata, data } = recorded(&bus.events()[0]);
    assert_eq!(answer, json!({ "recorded": true, "eventId": metadata.id }));
    assert_eq!((data.host.as_str(), data.at.as_ms()), ("readings", NOW + 60_000));
    assert_eq!(metadata.occurred_at, data.at);
    assert!((1..=2_500).contains(&data.cpu_percent.hundredths()), "{data:?}");
    // Invoked again for the same minute, it tells of the same event.
    assert_eq!(invoke(&readings(&bus), tick()).await.unwrap(), answer);

    // Where there is nothing to read, there is nothing to record, nor to be tried again.
    let missing: fn() -> io::Result<String> = || Err(io::ErrorKind::NotFound.into());
    for loadavg in [missing, || Ok("no load".to_owned())] {
        let elsewhere = Readings { loadavg, ..readings(&bus) };
        assert_eq!(invoke(&elsewhere, tick()).await.unwrap(), json!({ "recorded": false }));
    }
    // What the bus does not take, the scheduler tries again.
    bus.flaky(1, 100);
    assert!(invoke(&readings(&bus), tick()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_sample_payloads_are_what_it_takes_and_the_example_what_it_makes() {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let read = |name: &str| -> String { fs::read_to_string(events.join(name)).unwrap() };
    let bus = Memory::new();
    let http = serde_json::from_str(&read("samples/http-record-readings.json")).unwrap();
    let reply = Reply::of(&invoke(&readings(&bus), http).await.unwrap());
    assert_eq!((reply.status, statuses(&reply)), (207, vec![202, 202]));
    let tick = serde_json::from_str(&read("samples/schedule-readings.json")).unwrap();
    assert_eq!(invoke(&readings(&bus), tick).await.unwrap()["recorded"], true);

    let example: Envelope =
        serde_json::from_str(&read("CpuUsageRecorded/v1.0.example.json")).unwrap();
    let bus = Memory::new();
    let reply = tell(&bus, &batch(std::slice::from_ref(&example.data))).await;
    assert_eq!(statuses(&reply), [422], "it lies in the future of this test");
    let call =
        Call::new("POST /readings", "collector").body(batch(std::slice::from_ref(&example.data)));
    let call = call.at(example.metadata.occurred_at.as_ms());
    let reply = Reply::of(&invoke(&readings(&bus), call.event()).await.unwrap());
    assert_eq!(reply.body["results"][0]["eventId"], example.metadata.id.to_string());
    let made: Envelope = serde_json::from_str(&bus.events()[0].detail).unwrap();
    assert_eq!((made.data, made.metadata.stream), (example.data, example.metadata.stream));
}
