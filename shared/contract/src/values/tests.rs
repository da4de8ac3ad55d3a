use super::*;
use crate::order::{OrderPlaced, PlaceOrder};
use serde_json::{Value, json};

#[track_caller]
fn refused<T: std::str::FromStr<Err = Invalid>>(texts: &[&str]) {
    for text in texts {
        assert!(text.parse::<T>().is_err(), "{text:?} must be refused");
    }
}

#[track_caller]
fn taken<T: std::str::FromStr<Err = Invalid> + ToString>(texts: &[&str]) {
    for text in texts {
        let value = text.parse::<T>().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(&value.to_string(), text);
    }
}

#[test]
fn each_text_is_parsed_once() {
    taken::<Sku>(&["TEA-01", "7"]);
    refused::<Sku>(&["", "tea", "A B", "Ä", &"A".repeat(41)]);
    taken::<Currency>(&["EUR"]);
    refused::<Currency>(&["eur", "EU", "EURO", ""]);
    taken::<Country>(&["DE"]);
    refused::<Country>(&["de", "DEU", ""]);
    taken::<CustomerId>(&["auth0|7", "6f9619ff-8b86"]);
    refused::<CustomerId>(&["", "a b", "a\n", "ü", &"a".repeat(256)]);
    taken::<Email>(&["ann@example.com", "ü@b"]);
    refused::<Email>(&["", "ann", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a@\u{ffff}b"]);
    taken::<Name>(&["Ann", "Ann-Marie O’Hara", &"ü".repeat(100)]);
    refused::<Name>(&["", " Ann", "Ann ", "A\nB", "A\u{fffe}B", &"ü".repeat(101)]);
    taken::<PostalCode>(&["10115", "SW1A 1AA"]);
    refused::<PostalCode>(&["", " 1", "1234567890123", "1_2"]);
    taken::<Host>(&["web-1", "7", "a.b.example.com"]);
    refused::<Host>(&["", "-a", ".a", "Web-1", "a b", "a@b", "a#b", &"a".repeat(101)]);
}

/// What the code takes of a text and what its schema takes are the same.
#[track_caller]
fn judged_alike<T: std::str::FromStr<Err = Invalid> + schemars::JsonSchema>(texts: &[&str]) {
    let schema = schemars::schema_for!(T).to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in texts {
        let taken = text.parse::<T>().is_ok();
        assert_eq!(validator.is_valid(&json!(text)), taken, "{text:?} and {schema}");
    }
}

#[test]
fn a_schema_judges_texts_as_the_code_does() {
    let texts =
        ["Ann", "A B", "", " A", "A ", "A\u{a0}", "A\nB", "A\u{85}B", "\u{ffff}", "a\u{fffe}b"];
    judged_alike::<Name>(&texts);
    judged_alike::<Street>(&texts);
    judged_alike::<City>(&texts);
    judged_alike::<Region>(&texts);
    judged_alike::<Email>(&["a@b", "a b@c", "a\u{1}@b", "a@b@c", "a@\u{ffff}", "a@b\u{fffe}"]);
    judged_alike::<TransactionId>(&["t-1", "", "a b", "\u{e4}"]);
    let (twelve, thirteen) = ("1".repeat(12), "1".repeat(13));
    let codes = ["10115", "SW1A 1AA", "1", "-", "1 ", " 1", " ", "", "1_2", "1\n", "\u{e4}"];
    judged_alike::<PostalCode>(&codes);
    judged_alike::<PostalCode>(&[&twelve, &thirteen, "12345678901 ", " 12345678901"]);
    let (forty, more) = ("A".repeat(40), "A".repeat(41));
    judged_alike::<Sku>(&["TEA-01", "7", "", "tea", "A B", "\u{c4}", "A\n", &forty, &more]);
    judged_alike::<Currency>(&["EUR", "eur", "EU", "EURO", "", "EUR\n", "\u{c4}UR"]);
    judged_alike::<Country>(&["DE", "de", "DEU", "D", "", "DE\n"]);
    let (longest, longer) = ("a".repeat(255), "a".repeat(256));
    let ids = ["auth0|7", "", "a b", "a\n", "\u{fc}", "~!", "\u{7f}", &longest, &longer];
    judged_alike::<CustomerId>(&ids);
    judged_alike::<Host>(&["web-1", "", "-a", "a-", "A", "a@b", &"a".repeat(101)]);
}

#[test]
fn a_quantity_is_1_to_999_and_an_amount_exact_in_every_reader() {
    assert_eq!(Quantity::try_from(999).unwrap().get(), 999);
    for wrong in [0, 1000, 65_537, u32::MAX] {
        assert!(Quantity::try_from(wrong).is_err(), "{wrong}");
    }
    let (one, most) = (Quantity::try_from(1).unwrap(), Quantity::try_from(999).unwrap());
    assert_eq!((most.plus(one), one.plus(one)), (None, Quantity::try_from(2).ok()));

    let greatest = Amount::try_from(Amount::MAX).unwrap();
    assert!(Amount::try_from(Amount::MAX + 1).is_err());
    assert_eq!(greatest.plus(Amount::ZERO), Some(greatest));
    assert_eq!(greatest.plus(Amount::try_from(1).unwrap()), None);
    assert_eq!(greatest.times(one), Some(greatest));
    assert_eq!(greatest.times(most), None);
}

#[test]
fn a_percentage_is_kept_to_a_hundredth_and_written_as_it_was() {
    for (text, hundredths, written) in [
        ("0", 0, "0.0"),
        ("37.5", 3_750, "37.5"),
        ("100", 10_000, "100.0"),
        ("33.333", 3_333, "33.33"),
    ] {
        let percent: Percent = serde_json::from_str(text).unwrap();
        assert_eq!(percent.hundredths(), hundredths, "{text}");
        assert_eq!(serde_json::to_string(&percent).unwrap(), written);
        assert_eq!(serde_json::from_str::<Percent>(written).unwrap(), percent);
    }
    for hundredths in 0..=10_000_u16 {
        let percent = Percent::try_from(f64::from(hundredths) / 100.0).unwrap();
        assert_eq!(percent.hundredths(), u32::from(hundredths));
    }
    for wrong in ["-0.1", "100.001", "1e300", "\"50\"", "null"] {
        assert!(serde_json::from_str::<Percent>(wrong).is_err(), "{wrong}");
    }
    assert!(Percent::try_from(f64::NAN).is_err());
}

fn request() -> Value {
    json!({
        "items": [{ "sku": "TEA-01", "quantity": 2 }],
        "shippingAddress": {
            "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE"
        }
    })
}

#[track_caller]
fn says(change: impl FnOnce(&mut Value), expected: &str) {
    let mut request = request();
    change(&mut request);
    let error = serde_json::from_value::<PlaceOrder>(request).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_request_with_an_unknown_or_wrong_field_is_refused_by_name() {
    serde_json::from_value::<PlaceOrder>(request()).unwrap();
    says(|r| r["coupon"] = json!("X"), "unknown field `coupon`");
    says(|r| r["items"][0]["price"] = json!(1), "unknown field `price`");
    says(|r| r["shippingAddress"]["planet"] = json!("Mars"), "unknown field `planet`");
    says(|r| r["shippingAddress"]["country"] = json!("Germany"), "country must be an ISO 3166-1");
    says(|r| r["items"][0]["sku"] = json!("tea"), "sku must be 1 to 40 characters");
    says(|r| r["items"][0]["quantity"] = json!(-1), "u32");
    says(|r| r["shippingAddress"] = json!({}), "missing field `recipient`");
}

#[test]
fn an_event_with_unknown_fields_is_read() {
    let mut event = json!({
        "orderId": "01M7XMQ860040G2081040G2081", "customerId": "ann", "currency": "EUR",
        "lines": [{ "sku": "TEA-01", "quantity": 2, "unitPrice": 450, "gift": true }],
        "total": 900, "shippingAddress": request()["shippingAddress"], "channel": "web"
    });
    event["shippingAddress"]["planet"] = json!("Earth");
    let event: OrderPlaced = serde_json::from_value(event).unwrap();
    assert_eq!(event.total.get(), 900);
}
