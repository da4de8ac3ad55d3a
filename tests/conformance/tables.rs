//! The kit's memory table against its DynamoDB adapter on the engine: the same generated sequences of calls, and every
//! answer, refusal, cancellation, page and the content at the end must be the same.
//!
//! `POINTSMAN_SEQUENCES=5000` runs so many sequences, `POINTSMAN_SEED=7` others than the usual ones. Texts of errors
//! are not compared, and neither is the order of a scan, of which DynamoDB says nothing.

mod calls;
mod once;

use crate::sdk_config::sdk_config;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use calls::{Call, INDEX, sequence};
use pointsman::testing;
use pointsman_kit::table::{
    Cursor, DynamoDb, Error, Item, Key, MAX_TRANSACTION, Memory, Op, Page, Query, Reason, Scan,
    Tables, Value,
};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Lanes go on side by side, each on two tables of its own.
const LANES: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_table_and_the_real_one_answer_alike() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/bare.yaml");
    let engine = testing::start(template).await.expect("the engine starts");
    let client = Client::new(&sdk_config(engine.endpoint()).await);
    let (seed, sequences) =
        (number("POINTSMAN_SEED").unwrap_or(1), number("POINTSMAN_SEQUENCES").unwrap_or(200));
    let each = u32::try_from(sequences.div_ceil(LANES)).expect("as many as a u32 holds");
    println!("{sequences} sequences from POINTSMAN_SEED={seed}");
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let tables = [format!("lane-{lane}-a"), format!("lane-{lane}-b")];
        for table in &tables {
            create(&client, table).await;
        }
        let real = DynamoDb::new(client.clone());
        let runtime = Handle::current();
        lanes.push(tokio::task::spawn_blocking(move || {
            run_lane(&runtime, &real, tables.map(Arc::from), [seed, lane], each)
        }));
    }
    let mut failures = vec![];
    for lane in lanes {
        failures.extend(lane.await.expect("a lane ends").err());
    }
    engine.stop().await;
    assert!(failures.is_empty(), "POINTSMAN_SEED={seed}\n{}", failures.join("\n\n"));
}

/// Runs so many sequences; the first that differs comes back, made as short as it gets.
fn run_lane(
    runtime: &Handle,
    real: &DynamoDb,
    tables: [Arc<str>; 2],
    [seed, lane]: [u64; 2],
    sequences: u32,
) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&lane.to_le_bytes());
    let config = Config {
        cases: sequences,
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let run = TestRunner::new_with_rng(config, rng).run(&sequence(&tables), |calls| {
        let compared = runtime.block_on(compare(real, &tables, &calls));
        compared.map_err(TestCaseError::fail)
    });
    run.map_err(|error| match error {
        TestError::Fail(reason, calls) => format!("{reason}\n{}", shown(&calls)),
        TestError::Abort(reason) => format!("no sequence: {reason}"),
    })
}

/// Makes `calls` to both, and leaves the real tables empty.
async fn compare(real: &DynamoDb, tables: &[Arc<str>; 2], calls: &[Call]) -> Result<(), String> {
    let mut memory = Memory::new();
    for table in tables {
        memory = memory.with_index(table.clone(), INDEX);
    }
    let mut compared = calls_alike(real, &memory, calls).await;
    for table in tables {
        let mut content = everything(real, table).await;
        let keys = content.iter().map(place);
        let deletes = keys.map(|(pk, sk)| Op::delete(Key::new(table.clone(), pk, sk)));
        for some in deletes.collect::<Vec<_>>().chunks(MAX_TRANSACTION) {
            real.transact(some.to_vec()).await.expect("TransactWriteItems");
        }
        content.sort_by_cached_key(place);
        let content = [memory.items(table), content];
        compared = compared.and_then(|()| same(&format!("the content of {table}"), content));
    }
    compared
}

async fn calls_alike(real: &DynamoDb, memory: &Memory, calls: &[Call]) -> Result<(), String> {
    let mut cursors = vec![];
    for (nth, call) in calls.iter().enumerate() {
        let answers = [
            answer(memory, call, &cursors, &mut vec![]).await,
            answer(real, call, &cursors.clone(), &mut cursors).await,
        ];
        same(&format!("call {nth}, {call:?}"), answers)?;
    }
    Ok(())
}

/// What is compared of an answer.
#[derive(Debug, PartialEq)]
enum Answer {
    Item(Option<Item>),
    Pages(Vec<(Vec<Item>, Option<Cursor>)>),
    /// What a scan found, sorted, and in how many pages.
    Found(Vec<Item>, Option<usize>),
    Written,
    ConditionFailed(Option<Item>),
    Cancelled(Vec<(String, Option<Item>)>),
    Failed(&'static str, String),
}

/// `cursors` are those of earlier calls; new ones go to `seen`.
async fn answer(
    tables: &dyn Tables,
    call: &Call,
    cursors: &[Cursor],
    seen: &mut Vec<Cursor>,
) -> Answer {
    let answer = match call {
        Call::Get(key) => tables.get(key).await.map(Answer::Item),
        Call::Pages(query, None) => pages(tables, query, None, seen).await,
        Call::Pages(query, Some(index)) => {
            let after = index.get_from(cursors).cloned();
            pages(tables, query, after, seen).await
        }
        Call::Scan(scan) => found(tables, scan).await,
        Call::Write(op) => tables.write(op.clone()).await.map(|()| Answer::Written),
        Call::Transact(ops) => tables.transact(ops.clone()).await.map(|()| Answer::Written),
    };
    answer.unwrap_or_else(|error| match error {
        Error::ConditionFailed { item } => Answer::ConditionFailed(item),
        Error::Cancelled(reasons) => {
            let reasons = reasons.into_iter().map(|reason| {
                let code = reason.code().to_owned();
                match reason {
                    Reason::ConditionFailed { item } => (code, item),
                    _ => (code, None),
                }
            });
            Answer::Cancelled(reasons.collect())
        }
        Error::Busy { code } => Answer::Failed("busy", code),
        Error::Lost { message } => Answer::Failed("lost", message),
        Error::Refused { code, .. } => Answer::Failed("refused", code),
        other => Answer::Failed("other", other.to_string()),
    })
}

async fn pages(
    tables: &dyn Tables,
    query: &Query,
    mut after: Option<Cursor>,
    seen: &mut Vec<Cursor>,
) -> Result<Answer, Error> {
    let mut pages = vec![];
    loop {
        let Page { items, next } = tables.page(query, after.as_ref()).await?;
        pages.push((items, next.clone()));
        seen.extend(next.clone());
        match next {
            Some(next) => after = Some(next),
            None => return Ok(Answer::Pages(pages)),
        }
    }
}

/// Scans every part. How many pages a part has depends on what is in it, so of several they are not counted.
async fn found(tables: &dyn Tables, scan: &Scan) -> Result<Answer, Error> {
    let (mut found, mut pages) = (vec![], 0);
    let others = scan.segments.min(8);
    for segment in (0..others).chain((scan.segment >= others).then_some(scan.segment)) {
        let (mut after, scan) = (None, scan.clone().segment(segment, scan.segments));
        loop {
            let page = tables.scan(&scan, after.as_ref()).await?;
            assert!(scan.limit.is_none_or(|limit| page.items.len() <= limit), "{scan:?}");
            found.extend(page.items);
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    found.sort_by_cached_key(place);
    Ok(Answer::Found(found, (scan.segments == 1).then_some(pages)))
}

async fn everything(real: &DynamoDb, table: &Arc<str>) -> Vec<Item> {
    match found(real, &Scan::new(table.clone())).await {
        Ok(Answer::Found(items, _)) => items,
        other => panic!("{table}: {other:?}"),
    }
}

fn place(item: &Item) -> (String, String) {
    let text = |name| item.get(name).and_then(Value::as_s).unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, [memory, real]: [T; 2]) -> Result<(), String> {
    if memory == real {
        return Ok(());
    }
    Err(cut(&format!("{what}\n  memory: {memory:?}\n  real:   {real:?}")))
}

fn shown(calls: &[Call]) -> String {
    calls.iter().map(|call| cut(&format!("  {call:?}\n"))).collect()
}

/// The text without most of what repeats in it.
fn cut(text: &str) -> String {
    let (mut shown, mut run, mut last) = (String::new(), 0, None);
    for letter in text.chars() {
        run = if last == Some(letter) { run + 1 } else { 0 };
        last = Some(letter);
        match run {
            0..60 => shown.push(letter),
            60 => shown.push('…'),
            _ => {}
        }
    }
    shown
}

async fn create(client: &Client, name: &str) {
    let attribute = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build().expect("a definition")
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("a key")
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name(INDEX.name)
        .key_schema(key(INDEX.pk, KeyType::Hash))
        .key_schema(key(INDEX.sk, KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build();
    let table = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["pk", "sk", INDEX.pk, INDEX.sk].map(attribute).to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(index.expect("an index"));
    table.send().await.expect("CreateTable");
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number is wanted")))
}
