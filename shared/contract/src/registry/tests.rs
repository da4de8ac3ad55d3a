//! The catalogue under `events/` is what the code says. `UPDATE=1 cargo test -p contract` writes
//! the README and the schema of today's version anew. Examples are written by hand, one a version,
//! and then kept: they stand for what is in stores. So are the schemas of older versions.

use super::*;
use pointsman_event::{Origin, Status};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(super) fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

pub(super) fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Whether what is stale is to be written.
fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

#[track_caller]
fn fresh(path: &Path, expected: &str) {
    if fs::read_to_string(path).is_ok_and(|found| found == expected) {
        return;
    }
    assert!(update(), "{} is stale: UPDATE=1 cargo test -p contract", path.display());
    fs::create_dir_all(path.parent().expect("a file in a folder")).unwrap();
    fs::write(path, expected).unwrap();
}

fn readme(declaration: &Declaration) -> String {
    let Declaration { name, version, source, stream, owner, reason, status, kind } = declaration;
    let status = match status {
        Status::Active => "active".to_owned(),
        Status::Deprecated { since, replaced_by } => match replaced_by {
            Some(other) => format!("deprecated since {since}, replaced by {other}"),
            None => format!("deprecated since {since}, replaced by nothing"),
        },
    };
    let kind = match kind {
        pointsman_event::Kind::State => "carries its state",
        pointsman_event::Kind::Identifier => "an identifier: the consumer fetches",
    };
    let stream = match unstored().contains(declaration) {
        true => "none: it goes straight to the bus".to_owned(),
        false => format!("`{stream}#<id>`"),
    };
    format!(
        "# {name}\n\n{reason}\n\n| | |\n|---|---|\n| owner | {owner} |\n| status | {status} |\n\
         | kind | {kind} |\n| source | `{source}` |\n| stream | {stream} |\n\
         | version | {version}: [schema of `data`](v{version}.json), \
         [example](v{version}.example.json) |\n"
    )
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn the_catalogue_is_fresh() {
    for entry in all() {
        let Declaration { name, version, .. } = entry.declaration;
        let folder = events().join(name);
        fresh(&folder.join("README.md"), &readme(&entry.declaration));
        fresh(&folder.join(format!("v{version}.json")), &pretty(&(entry.schema)()));
    }
    let known: BTreeSet<_> = all().iter().map(|e| e.declaration.name.to_owned()).collect();
    let folders: BTreeSet<_> = fs::read_dir(events())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir() && entry.file_name() != "samples")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, known, "a folder an event, and none besides");
}

#[test]
fn every_version_ever_written_is_read_by_todays_code() {
    for entry in all() {
        let declaration = entry.declaration;
        let mut versions = BTreeSet::new();
        for file in fs::read_dir(events().join(declaration.name)).unwrap() {
            let path = file.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let Some(version) = file.strip_suffix(".example.json") else { continue };
            let envelope: Envelope = serde_json::from_value(json(&path)).unwrap();
            let metadata = &envelope.metadata;
            assert_eq!(format!("v{}", metadata.schema_version), version, "{}", path.display());
            assert_eq!(metadata.event_type, declaration.name);
            assert_eq!(metadata.source, declaration.source);
            assert_eq!(metadata.stream.kind(), declaration.stream);
            versions.insert(metadata.schema_version);

            let schema = json(&path.with_file_name(format!("{version}.json")));
            assert_valid(&schema, &envelope.data, &path);
            let read = (entry.read)(&envelope).unwrap_or_else(|e| panic!("{file}: {e}"));
            let today = (entry.schema)().to_value();
            assert_valid(&today, &read.data, &path);
            if metadata.schema_version == declaration.version {
                assert_eq!(read, envelope, "{}: an example says nothing twice", path.display());
            }
        }
        assert!(versions.contains(&declaration.version), "{}: no example", declaration.name);
    }
}

#[test]
fn a_schema_refuses_what_the_code_refuses() {
    for entry in all() {
        let Declaration { name, version, .. } = entry.declaration;
        let path = events().join(name).join(format!("v{version}.example.json"));
        let envelope: Envelope = serde_json::from_value(json(&path)).unwrap();
        let schema = (entry.schema)().to_value();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for field in envelope.data.as_object().unwrap().keys() {
            for wrong in [None, Some(Value::Bool(true))] {
                let mut bad = envelope.clone();
                let data = bad.data.as_object_mut().unwrap();
                match &wrong {
                    None => data.remove(field),
                    Some(value) => data.insert(field.clone(), value.clone()),
                };
                let read = (entry.read)(&bad).is_ok();
                assert_eq!(read, validator.is_valid(&bad.data), "{name}.{field}: {wrong:?}");
                assert!(!read, "{name}.{field}: {wrong:?} was read");
            }
        }
    }
}

#[test]
fn declarations_are_complete_and_unlike() {
    let mut names = BTreeSet::new();
    for EventEntry { declaration, .. } in all() {
        let Declaration { name, source, stream, owner, reason, .. } = *declaration;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(name.starts_with(|c: char| c.is_ascii_uppercase()) && name.len() <= 128);
        let past = name.ends_with("ed") || name == "InventoryUnavailable";
        assert!(past, "{name}: an event's name is past tense");
        assert!(source.starts_with("shop.") && !owner.is_empty() && reason.ends_with('.'));
        if unstored().contains(declaration) {
            assert_eq!(source_of(stream), None, "{name}: no relay speaks for it");
            continue;
        }
        assert!(of_stream(stream).contains(declaration), "{name} is of no set");
        assert_eq!(source_of(stream), Some(source), "{stream}: one source a stream type");
    }
    let streams = ["customer", "order", "fulfilment", "payment", "inventory", "shipment"];
    let of_streams = streams.iter().map(|kind| of_stream(kind).len()).sum::<usize>();
    let of_sets = of_streams + unstored().len();
    assert_eq!(of_sets, all().len(), "an event of a set is missing in all()");
    for CommandEntry { declaration, schema } in commands() {
        let CommandDeclaration { name, origin, owner, reason, .. } = *declaration;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(reason.ends_with('.') && !owner.is_empty());
        let schema = schema().to_value();
        // A client's mistake is told; between streams, an older reader meets a newer writer.
        let strict = schema["additionalProperties"] == false;
        assert_eq!(strict, origin == Origin::Door, "{name}");
    }
    assert!(of_stream("parcel").is_empty() && source_of("parcel").is_none());
}

#[track_caller]
pub(super) fn assert_valid(schema: &Value, data: &Value, path: &Path) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(data).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(faults.is_empty(), "{}: {}", path.display(), faults.join("; "));
}
