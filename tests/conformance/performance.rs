//! The page of figures says what was measured, and nothing else.

#[path = "../performance/http.rs"]
mod http;
#[path = "../performance/page/mod.rs"]
#[allow(dead_code, unused_imports, reason = "some of it is for the programs that measure")]
mod page;
#[path = "../performance/load/sigv4.rs"]
#[allow(dead_code, reason = "some of it is for the programs that measure")]
mod sigv4;

use page::record::{Figure, Run, figure, gave_up};
use page::tables::{number, spread};
use sigv4::{Signed, Signer, timestamp};
use std::fs;
use std::path::Path;
use std::time::Duration;

#[test]
fn the_page_and_its_plot_are_what_the_kept_figures_make() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for (name, wanted) in page::made(&docs).expect("the page can be made") {
        let found = fs::read_to_string(docs.join(name)).expect("it is there");
        assert!(
            found == wanted,
            "docs/{name} is not what its figures make: cargo verify performance -- --page"
        );
    }
}

#[test]
fn what_stands_between_marks_is_replaced_and_nothing_else() {
    let page = "# A\n<!-- measured: b -->\nold\n<!-- end -->\nc <!-- measured: b -->\n<!-- end -->";
    let done = page::filled(page, |name| (name == "b").then(|| "new\n".to_owned()));
    let wanted =
        "# A\n<!-- measured: b -->\nnew\n<!-- end -->\nc <!-- measured: b -->\nnew\n<!-- end -->";
    assert_eq!(done.as_deref(), Ok(wanted));
}

#[test]
fn a_mark_that_nothing_is_measured_for_is_refused_by_its_name() {
    let refused = page::filled("<!-- measured: speed -->\n<!-- end -->", |_| None);
    assert_eq!(refused, Err("nothing measured is called speed".to_owned()));
    let refused = page::filled("<!-- measured: a -->\n", |_| Some(String::new()));
    assert_eq!(refused, Err("a has no end".to_owned()));
}

#[test]
fn a_figure_is_the_median_of_its_runs_and_where_they_lay() {
    let run = |server: &str, what: &str, value| Run {
        round: 1,
        what: what.to_owned(),
        server: server.to_owned(),
        figures: [("rate".to_owned(), value)].into(),
        gave_up: None,
    };
    let mut runs = vec![run("a", "stream", 3.0), run("a", "stream", 1.0), run("a", "stream", 2.0)];
    runs.extend([run("b", "stream", 7.0), run("a", "burst", 9.0)]);
    let wanted = |median, least, most| Some(Figure { median, least, most });
    assert_eq!(figure(&runs, "stream", "a", "rate"), wanted(2.0, 1.0, 3.0));
    assert_eq!(figure(&runs, "stream", "c", "rate"), None);
    runs.push(run("a", "stream", 10.0));
    assert_eq!(figure(&runs, "stream", "a", "rate"), wanted(2.5, 1.0, 10.0));
    runs[0].gave_up = Some("after 1 s".to_owned());
    assert_eq!(gave_up(&runs, "stream", "a"), Some("after 1 s"));
}

#[track_caller]
fn case(value: f64, wanted: &str) {
    assert_eq!(number(value), wanted);
}

#[test]
fn a_number_is_whole_or_has_three_digits() {
    case(0.0, "0");
    case(20.0, "20");
    case(1.234, "1.23");
    case(9.996, "10.0");
    case(12.34, "12.3");
    case(123.4, "123");
    case(1_234.4, "1,234");
    case(1_234_567.0, "1,234,567");
    case(-123_456.0, "-123,456");
    case(-12.5, "-12.5");
}

#[test]
fn a_spread_is_told_only_where_there_is_one() {
    assert_eq!(spread(Figure { median: 2.0, least: 1.0, most: 3.0 }), "2 (1–3)");
    assert_eq!(spread(Figure { median: 2.0, least: 2.0, most: 2.0 }), "2");
}

#[test]
fn the_load_signs_as_botocore_does() {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "127.0.0.1:4566"),
        ("x-amz-date", "20261121T120005Z"),
        ("x-amz-target", "AWSEvents.PutEvents"),
    ];
    let body = b"{\"Entries\":[]}";
    let request = Signed { method: "POST", path: "/", service: "events", headers: &headers, body };
    let mut signer = Signer::new("us-east-1", "test", "secret");
    // botocore 1.43.127
    let wanted = "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/events/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=73cbc7f91662f22e77963069a8efd6df30eeccedcd89ecdd07ac9dd78ca11c7e";
    assert_eq!(signer.sign(&request, "20261121T120005Z"), wanted);
    // With the key that it has kept.
    assert_eq!(signer.sign(&request, "20261121T120005Z"), wanted);
}

#[test]
fn a_request_is_dated_in_utc() {
    let dated = |seconds| timestamp(Duration::from_secs(seconds));
    assert_eq!(dated(0), "19700101T000000Z");
    assert_eq!(dated(1_709_208_000), "20240229T120000Z");
    assert_eq!(dated(1_795_262_405), "20261121T120005Z");
}

#[track_caller]
fn read(message: &str, body: &str, closes: bool) {
    let read = http::read(&mut message.as_bytes()).expect("it is whole");
    let line = message.lines().next().unwrap_or_default();
    let found = (&*read.line, &*String::from_utf8_lossy(&read.body), read.closes);
    assert_eq!(found, (line, body, closes), "{message}");
}

#[test]
fn a_message_ends_where_its_head_says() {
    read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "ab", false);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    read(&format!("{chunked}2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"), "abc", false);
    read("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "ab", true);
    read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "a", true);
    read("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", true);
    read("HTTP/1.1 204 No Content\r\n\r\n", "", false);
    read("GET /next HTTP/1.1\r\nhost: a\r\n\r\n", "", false);
    assert!(http::read(&mut "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab".as_bytes()).is_err());
}
