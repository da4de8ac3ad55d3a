//! How often the kit's DynamoDB adapter sends a write whose answer is not what it should be.

use crate::sdk_config::sdk_config;
use aws_sdk_dynamodb::Client;
use pointsman_kit::table::{DynamoDb, Error, Item, Key, Op, Tables};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const FINE: (u16, &str) = (200, "{}");
const BROKEN: (u16, &str) = (500, r#"{"__type":"InternalServerError","message":"broken"}"#);
const THROTTLED: (u16, &str) = (400, r#"{"__type":"ThrottlingException","message":"too fast"}"#);

/// What the adapter makes of these answers, the last of them for ever, and how often it asks.
async fn sent<T>(
    answers: &'static [(u16, &'static str)],
    send: impl AsyncFnOnce(DynamoDb) -> T,
) -> (T, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            answer(stream, answers[nth.min(answers.len() - 1)]);
        }
    });
    let adapter = DynamoDb::new(Client::new(&sdk_config(&endpoint).await));
    let result = send(adapter).await;
    (result, asked.load(Ordering::SeqCst))
}

/// One request on one connection.
fn answer(stream: TcpStream, (status, body): (u16, &str)) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    reader.read_exact(&mut vec![0; length]).expect("a body");
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\n");
    let rest = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    reader.into_inner().write_all((head + &rest).as_bytes()).expect("an answer");
}

fn count() -> Op {
    Op::update(Key::new("T", "a", "a")).add("n", 1)
}

#[tokio::test]
async fn a_lone_write_that_may_have_gone_in_is_not_sent_again() {
    for op in [count(), Op::delete(count().key), Op::put(count().key, Item::new())] {
        let (result, asked) = sent(&[BROKEN], async |tables| tables.write(op).await).await;
        assert!(matches!(result, Err(Error::Lost { .. })), "{result:?}");
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_lone_write_that_was_throttled_is_sent_again() {
    let (result, asked) =
        sent(&[THROTTLED, THROTTLED, FINE], async |tables| tables.write(count()).await).await;
    assert_eq!((result, asked), (Ok(()), 3));
    let (result, asked) = sent(&[THROTTLED], async |tables| tables.write(count()).await).await;
    assert!(matches!(result, Err(Error::Busy { .. })), "{result:?}");
    assert!(asked > 3, "{asked}");
}

#[tokio::test]
async fn a_transaction_may_be_sent_again_since_it_carries_a_token() {
    let (result, asked) =
        sent(&[BROKEN, FINE], async |tables| tables.transact(vec![count()]).await).await;
    assert_eq!((result, asked), (Ok(()), 2));
}
