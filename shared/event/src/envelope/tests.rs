use super::*;
use crate::{Command, Flat, Kind, Origin, Status, cloud_event, upcast::Upcaster};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LampLit {
    watts: u32,
}

impl Event for LampLit {
    const NAME: &str = "LampLit";
    const VERSION: SchemaVersion = SchemaVersion::new(2, 0);
    const SOURCE: &str = "house.lamps";
    const STREAM: &str = "lamp";
    const OWNER: &str = "house";
    const REASON: &str = "A room became bright.";
    const STATUS: Status =
        Status::Deprecated { since: "2026-11-21", replaced_by: Some("LampChanged") };
    const UPCASTERS: &[Upcaster] =
        &[Upcaster { from: 1, step: |data| Ok(json!({ "watts": data["power"] })) }];
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LightLamp {}

impl Command for LightLamp {
    const NAME: &str = "LightLamp";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Stream { stream: "room", source: "house.rooms" };
    const OWNER: &str = "house";
    const REASON: &str = "Somebody came in.";
}

crate::event_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum LampEvent { LampLit }
}

crate::command_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum RoomCommand { LightLamp }
}

crate::message_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum Inbox { Lamp(LampEvent), Room(RoomCommand) }
}

const NOW: Timestamp = Timestamp::from_ms(1_795_217_400_000);

fn id(number: u8) -> Ulid {
    Ulid::new(1_795_217_400_000, [number; 10])
}

fn lit(cause: &Cause, now: Timestamp) -> Envelope<LampLit> {
    let place = Place::new("lamp#7".parse().unwrap(), 3, 1);
    Envelope::new(id(1), place, cause, now, LampLit { watts: 40 })
}

fn first() -> Envelope<LampLit> {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    lit(&Cause::request("r-1", NOW).traced(Some(trace)), NOW)
}

#[test]
fn the_wire_form_is_the_one_agreed() {
    assert_eq!(
        serde_json::to_value(first()).unwrap(),
        json!({
            "metadata": {
                "id": "01M7XMQ860040G2081040G2081",
                "type": "LampLit",
                "source": "house.lamps",
                "subject": "7",
                "stream": "lamp#7",
                "version": 3,
                "previous": 1,
                "schemaVersion": "2.0",
                "occurredAt": "2026-11-20T23:30:00.000Z",
                "correlationId": "r-1",
                "causationId": "r-1",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "hops": 0
            },
            "data": { "watts": 40 }
        })
    );
}

#[test]
fn what_follows_inherits_and_is_one_hop_further() {
    let parent = first().metadata;
    let child = lit(&Cause::parent(&parent).unwrap(), NOW).metadata;
    assert_eq!(child.correlation_id, "r-1");
    assert_eq!(child.causation_id, parent.id.to_string());
    assert_eq!((child.traceparent, child.hops), (parent.traceparent.clone(), 1));
    assert_eq!(lit(&Cause::again(&parent), NOW).metadata.hops, 0);
}

#[test]
fn nothing_occurs_before_its_cause() {
    let parent = first().metadata;
    let early = Timestamp::from_ms(NOW.as_ms() - 5);
    assert_eq!(lit(&Cause::parent(&parent).unwrap(), early).metadata.occurred_at, NOW);
    let late = Timestamp::from_ms(NOW.as_ms() + 5);
    assert_eq!(lit(&Cause::parent(&parent).unwrap(), late).metadata.occurred_at, late);
}

#[test]
fn a_chain_ends_at_the_hop_limit() {
    let mut last = first();
    for hops in 1..=HOP_LIMIT {
        last = lit(&Cause::parent(&last.metadata).unwrap(), NOW);
        assert_eq!(last.metadata.hops, hops);
    }
    let error = Cause::parent(&last.metadata).unwrap_err();
    assert_eq!(error.id, last.metadata.id);
    assert!(error.to_string().contains("32 hops"), "{error}");
}

#[test]
fn an_old_version_is_read_and_a_new_field_ignored() {
    let mut old = first().erase().unwrap();
    old.metadata.schema_version = SchemaVersion::new(1, 3);
    old.data = json!({ "power": 25 });
    assert_eq!(old.read::<LampLit>().unwrap().data, LampLit { watts: 25 });

    let mut new = serde_json::to_value(first()).unwrap();
    new["metadata"]["colour"] = json!("red");
    new["data"]["colour"] = json!("red");
    let new: Envelope = serde_json::from_value(new).unwrap();
    assert_eq!(new.read::<LampLit>().unwrap(), first());
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut event = first().erase().unwrap();
    event.data = json!({ "watts": "many" });
    let error = event.read::<LampLit>().unwrap_err().to_string();
    assert!(error.contains("LampLit 01M7XMQ860040G2081040G2081: schema version 2.0"), "{error}");
    event.metadata.event_type = "LampBroke".into();
    let error = event.read::<LampLit>().unwrap_err().to_string();
    assert_eq!(error, "expected LampLit, found \"LampBroke\"");
}

#[test]
fn a_set_reads_its_own_and_leaves_others() {
    use crate::{EventSet, Readable};
    let mut event = first().erase().unwrap();
    assert_eq!(LampEvent::read(&event), Ok(Some(LampLit { watts: 40 }.into())));
    let lit = LampEvent::from(LampLit { watts: 40 });
    assert_eq!(lit.to_data().unwrap(), event.data);
    assert_eq!(lit.declaration(), &LampEvent::declarations()[0]);
    assert_eq!(lit.declaration().kind, Kind::State);
    event.metadata.event_type = "LampBroke".into();
    assert_eq!(LampEvent::read(&event), Ok(None));
}

#[test]
fn commands_and_events_are_read_from_one_set() {
    use crate::{CommandSet, Readable};
    let event = first().erase().unwrap();
    assert_eq!(Inbox::read(&event), Ok(Some(Inbox::Lamp(LampLit { watts: 40 }.into()))));
    let light = RoomCommand::from(LightLamp {});
    assert_eq!(light.declaration(), &RoomCommand::declarations()[0]);
    let Origin::Stream { source, .. } = light.declaration().origin else { panic!("no stream") };
    let mut command = first().erase().unwrap();
    command.metadata.event_type = light.declaration().name.to_owned();
    command.metadata.schema_version = light.declaration().version;
    command.metadata.source = source.to_owned();
    command.data = light.to_data().unwrap();
    assert_eq!(RoomCommand::read(&event), Ok(None));
    assert_eq!(Inbox::read(&command), Ok(Some(Inbox::Room(light))));
    command.metadata.schema_version = SchemaVersion::new(2, 0);
    assert!(Inbox::read(&command).unwrap_err().to_string().contains("newer than 1.0"));
    command.metadata.event_type = "LampBroke".into();
    assert_eq!(Inbox::read(&command), Ok(None));
}

#[test]
fn a_command_has_metadata_of_its_sender() {
    let Origin::Stream { stream, source } = LightLamp::ORIGIN else { panic!("not from a stream") };
    let place = Place::new(StreamName::new(stream, 9).unwrap(), 2, 1).about("lamp 7");
    let cause = Cause::request("r-1", NOW);
    let what = (LightLamp::NAME, LightLamp::VERSION, source);
    let metadata = Metadata::new(id(2), what, place, &cause, NOW);
    assert_eq!((metadata.event_type.as_str(), metadata.subject.as_str()), ("LightLamp", "lamp 7"));
    assert_eq!(metadata.stream.as_str(), "room#9");
}

#[test]
fn a_cloud_event_has_what_the_format_demands() {
    let event = cloud_event(&first()).unwrap();
    for (name, value) in [
        ("specversion", json!("1.0")),
        ("id", json!("01M7XMQ860040G2081040G2081")),
        ("source", json!("house.lamps")),
        ("type", json!("LampLit")),
        ("time", json!("2026-11-20T23:30:00.000Z")),
        ("partitionkey", json!("lamp#7")),
        ("sequence", json!("0000000003")),
        ("data", json!({ "watts": 40 })),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    for name in event.as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase()) && name.len() <= 20, "{name}");
    }
}

#[test]
fn the_flat_form_is_read_strictly() {
    let flat = Flat::from(first());
    let text = serde_json::to_string(&flat).unwrap();
    assert_eq!(
        text,
        r#"{"eventType":"LampLit","eventId":"01M7XMQ860040G2081040G2081","timestamp":"2026-11-20T23:30:00.000Z","payload":{"watts":40}}"#
    );
    assert_eq!(serde_json::from_str::<Flat<LampLit>>(&text).unwrap(), flat);
    let unknown = text.replace("\"payload\"", "\"extra\":1,\"payload\"");
    let error = serde_json::from_str::<Flat>(&unknown).unwrap_err().to_string();
    assert!(error.contains("unknown field `extra`"), "{error}");
}
