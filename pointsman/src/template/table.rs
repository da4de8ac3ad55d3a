//! `AWS::DynamoDB::Table`, `AWS::DynamoDB::GlobalTable` (its one region), `AWS::Serverless::SimpleTable`.

use super::build::Build;
use super::document::Raw;
use super::identity;
use super::node::Result;
use super::props::Props;
use crate::topology::{Spec, TableIndex, TableSpec};
use std::collections::BTreeMap;

/// Capacity, protection and encryption: they matter on AWS alone.
const INERT: [&str; 17] = [
    "BillingMode",
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "KinesisStreamSpecification",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "ProvisionedThroughput",
    "ResourcePolicy",
    "SSESpecification",
    "TableClass",
    "TableName",
    "Tags",
    "WarmThroughput",
    "WriteProvisionedThroughputSettings",
    "WriteOnDemandThroughputSettings",
    "Replicas",
    "ImportSourceSpecification",
];

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    let mut types = BTreeMap::new();
    for mut definition in props.maps("AttributeDefinitions")? {
        let attribute = definition.required("AttributeName")?;
        let kind = definition.word("AttributeType", &["S", "N", "B"])?;
        types.insert(attribute, kind.unwrap_or("S").to_owned());
    }
    let (hash, range) = keys(&mut props, &types)?;
    let mut indexes = Vec::new();
    for mut index in props.maps("GlobalSecondaryIndexes")? {
        let name = index.required("IndexName")?;
        let (hash, range) = keys(&mut index, &types)?;
        let mut projection = "ALL".to_owned();
        let mut include = Vec::new();
        if let Some(mut node) = index.map("Projection")? {
            let kind = node.word("ProjectionType", &["ALL", "KEYS_ONLY", "INCLUDE"])?;
            projection = kind.unwrap_or("ALL").to_owned();
            include = node.texts("NonKeyAttributes")?;
        }
        index.finish(build.scope, &INERT);
        indexes.push(TableIndex { name, hash, range, projection, include });
    }
    let stream = match props.map("StreamSpecification")? {
        Some(mut node) => {
            const VIEWS: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];
            let view = node.word("StreamViewType", &VIEWS)?;
            node.finish(build.scope, &["StreamEnabled", "ResourcePolicy"]);
            match view {
                Some(view) => Some(view.to_owned()),
                None => return node_missing(raw),
            }
        }
        None => None,
    };
    let ttl = match props.map("TimeToLiveSpecification")? {
        Some(mut node) => {
            let enabled = node.flag("Enabled")?.unwrap_or(false);
            node.text("AttributeName")?.filter(|_| enabled)
        }
        None => None,
    };
    props.finish(build.scope, &INERT);
    build.push(
        &raw.id,
        raw.pos,
        Spec::Table(TableSpec { name, hash, range, indexes, stream, ttl }),
    );
    Ok(())
}

fn node_missing<T>(raw: &Raw) -> Result<T> {
    super::node::fault(
        raw.pos,
        format!("StreamSpecification.StreamViewType of {} is missing", raw.id),
    )
}

pub(crate) fn simple(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    let mut hash = ("id".to_owned(), "S".to_owned());
    if let Some(mut key) = props.map("PrimaryKey")? {
        hash.0 = key.required("Name")?;
        let kind = key.word("Type", &["String", "Number", "Binary"])?.unwrap_or("String");
        hash.1 = kind[..1].to_owned();
    }
    props.finish(build.scope, &INERT);
    let spec = TableSpec { name, hash, range: None, indexes: Vec::new(), stream: None, ttl: None };
    build.push(&raw.id, raw.pos, Spec::Table(spec));
    Ok(())
}

type NameAndType = (String, String);

fn keys(
    props: &mut Props,
    types: &BTreeMap<String, String>,
) -> Result<(NameAndType, Option<NameAndType>)> {
    let (mut hash, mut range) = (None, None);
    for mut key in props.maps("KeySchema")? {
        let name = key.required("AttributeName")?;
        let Some(kind) = types.get(&name) else {
            let node = super::node::Node::text(key.pos, name);
            return key.wrong(
                "AttributeName",
                &node,
                "an attribute of AttributeDefinitions is wanted",
            );
        };
        let entry = Some((name, kind.clone()));
        match key.word("KeyType", &["HASH", "RANGE"])? {
            Some("RANGE") => range = entry,
            _ => hash = entry,
        }
    }
    match hash {
        Some(hash) => Ok((hash, range)),
        None => props.missing("KeySchema"),
    }
}
