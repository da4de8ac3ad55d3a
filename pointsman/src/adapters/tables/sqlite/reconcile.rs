//! Tables made to fit a template.

use super::actions;
use super::store::{Store, failed};
use crate::adapters::tables::{Outcome, Reconciled, TablesError};
use crate::topology::{TableIndex, TableSpec};
use dynoxide::DynoxideError;
use dynoxide::storage::TableMetadata;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, DynoxideError>;
/// Name and type of a key's attribute.
type Attribute = (String, String);

impl Store {
    pub(super) fn reconcile(
        &mut self,
        tables: &[TableSpec],
    ) -> std::result::Result<Vec<Reconciled>, TablesError> {
        let mut outcomes = Vec::new();
        for spec in tables {
            let outcome = one(self, spec)
                .map_err(|error| TablesError::Failed(format!("table {}: {error}", spec.name)));
            // Also after a failure: what was done before it stays.
            self.note_writes(0, None);
            outcomes.push(Reconciled { table: spec.name.clone(), outcome: outcome? });
        }
        for table in self.storage.list_table_names().map_err(|error| failed(&error))? {
            if !tables.iter().any(|spec| spec.name == table) {
                outcomes.push(Reconciled { table, outcome: Outcome::Kept });
            }
        }
        Ok(outcomes)
    }
}

fn one(store: &Store, spec: &TableSpec) -> Result<Outcome> {
    let Some(now) = store.storage.get_table_metadata(&spec.name)? else {
        create(store, spec)?;
        return Ok(Outcome::Created);
    };
    let mut changes = Changes { store, spec, made: Vec::new(), refused: Vec::new() };
    changes.key(&now)?;
    changes.indexes(&now)?;
    changes.stream(&now)?;
    changes.ttl(&now)?;
    Ok(match changes {
        Changes { made, refused, .. } if made.is_empty() && refused.is_empty() => {
            Outcome::Unchanged
        }
        Changes { made, refused, .. } => Outcome::Changed { made, refused },
    })
}

fn create(store: &Store, spec: &TableSpec) -> Result<()> {
    let mut request = json!({
        "TableName": spec.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key_schema(&spec.hash, spec.range.as_ref()),
        "AttributeDefinitions": attributes(spec),
    });
    if !spec.indexes.is_empty() {
        request["GlobalSecondaryIndexes"] = spec.indexes.iter().map(index).collect();
    }
    if let Some(view) = &spec.stream {
        request["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": view });
    }
    run(store, "CreateTable", &request)?;
    if let Some(attribute) = &spec.ttl {
        store.storage.update_ttl_config(&spec.name, Some(attribute), true)?;
    }
    Ok(())
}

/// A table that is there, and what is done to make it fit.
struct Changes<'a> {
    store: &'a Store,
    spec: &'a TableSpec,
    made: Vec<String>,
    refused: Vec<String>,
}

impl Changes<'_> {
    fn key(&mut self, now: &TableMetadata) -> Result<()> {
        let schema: Vec<Value> = read(&now.key_schema)?;
        let wanted = key_schema(&self.spec.hash, self.spec.range.as_ref());
        let types: BTreeMap<String, String> = definitions(now)?.into_iter().collect();
        let keys = std::iter::once(&self.spec.hash).chain(&self.spec.range);
        let same_types = keys.into_iter().all(|(name, kind)| types.get(name) == Some(kind));
        if plain(&schema) != plain(&wanted) || !same_types {
            self.refused.push(
                "its key differs; a key cannot be changed, so give the table another name or delete it first"
                    .into(),
            );
        }
        Ok(())
    }

    fn indexes(&mut self, now: &TableMetadata) -> Result<()> {
        let there: Vec<Value> = now.gsi_definitions.as_deref().map_or(Ok(Vec::new()), read)?;
        let name_of = |index: &Value| index["IndexName"].as_str().unwrap_or_default().to_owned();
        for index in &there {
            let name = name_of(index);
            if !self.spec.indexes.iter().any(|wanted| wanted.name == name) {
                self.update(json!([{ "Delete": { "IndexName": name } }]))?;
                self.made.push(format!("index {name} deleted"));
            }
        }
        for wanted in &self.spec.indexes {
            let name = &wanted.name;
            match there.iter().find(|index| name_of(index) == *name) {
                None => {
                    self.update(json!([{ "Create": index(wanted) }]))?;
                    self.made.push(format!("index {name} created"));
                }
                Some(index_there) if same_index(index_there, &index(wanted)) => {}
                Some(_) => self.refused.push(format!(
                    "index {name} differs in key or projection; an index cannot be changed, so give it another name"
                )),
            }
        }
        Ok(())
    }

    fn stream(&mut self, now: &TableMetadata) -> Result<()> {
        let there = now.stream_view_type.as_deref().filter(|_| now.stream_enabled);
        if there == self.spec.stream.as_deref() {
            return Ok(());
        }
        let name = &self.spec.name;
        let update = |specification: Value| {
            let request = json!({ "TableName": name, "StreamSpecification": specification });
            run(self.store, "UpdateTable", &request)
        };
        if there.is_some() {
            update(json!({ "StreamEnabled": false }))?;
        }
        let made = match &self.spec.stream {
            Some(view) => {
                update(json!({ "StreamEnabled": true, "StreamViewType": view }))?;
                format!("stream {view}")
            }
            None => "stream switched off".into(),
        };
        self.made.push(made);
        Ok(())
    }

    fn ttl(&mut self, now: &TableMetadata) -> Result<()> {
        let there = now.ttl_attribute.as_deref().filter(|_| now.ttl_enabled);
        let wanted = self.spec.ttl.as_deref();
        if there != wanted {
            self.store.storage.update_ttl_config(&self.spec.name, wanted, wanted.is_some())?;
            self.made.push(match wanted {
                Some(attribute) => format!("time to live by {attribute}"),
                None => "time to live switched off".into(),
            });
        }
        Ok(())
    }

    fn update(&self, indexes: Value) -> Result<()> {
        let request = json!({
            "TableName": self.spec.name,
            "AttributeDefinitions": attributes(self.spec),
            "GlobalSecondaryIndexUpdates": indexes,
        });
        run(self.store, "UpdateTable", &request)
    }
}

fn run(store: &Store, operation: &str, request: &Value) -> Result<()> {
    actions::run(store, operation, request.to_string().as_bytes()).map(|_| ())
}

fn key_schema(hash: &Attribute, range: Option<&Attribute>) -> Vec<Value> {
    let key = |(name, _): &Attribute, kind| json!({ "AttributeName": name, "KeyType": kind });
    std::iter::once(key(hash, "HASH")).chain(range.map(|range| key(range, "RANGE"))).collect()
}

fn index(spec: &TableIndex) -> Value {
    let mut projection = json!({ "ProjectionType": spec.projection });
    if !spec.include.is_empty() {
        projection["NonKeyAttributes"] = json!(spec.include);
    }
    json!({
        "IndexName": spec.name,
        "KeySchema": key_schema(&spec.hash, spec.range.as_ref()),
        "Projection": projection,
    })
}

/// Every key attribute, once.
fn attributes(spec: &TableSpec) -> Vec<Value> {
    let own = std::iter::once(&spec.hash).chain(&spec.range);
    let of_indexes =
        spec.indexes.iter().flat_map(|index| std::iter::once(&index.hash).chain(&index.range));
    let all: BTreeMap<&String, &String> =
        own.chain(of_indexes).map(|(name, kind)| (name, kind)).collect();
    all.into_iter()
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
        .collect()
}

fn definitions(now: &TableMetadata) -> Result<Vec<Attribute>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(read::<Vec<Value>>(&now.attribute_definitions)?
        .iter()
        .map(|one| (text(&one["AttributeName"]), text(&one["AttributeType"])))
        .collect())
}

/// Key attributes as `(name, kind)`, whatever else the library keeps beside them.
fn plain(schema: &[Value]) -> Vec<(Option<&str>, Option<&str>)> {
    schema.iter().map(|key| (key["AttributeName"].as_str(), key["KeyType"].as_str())).collect()
}

fn same_index(there: &Value, wanted: &Value) -> bool {
    let schema = |index: &Value| index["KeySchema"].as_array().cloned().unwrap_or_default();
    let included = |index: &Value| {
        let list = index["Projection"]["NonKeyAttributes"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> =
            list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        names.sort();
        names
    };
    plain(&schema(there)) == plain(&schema(wanted))
        && there["Projection"]["ProjectionType"] == wanted["Projection"]["ProjectionType"]
        && included(there) == included(wanted)
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
