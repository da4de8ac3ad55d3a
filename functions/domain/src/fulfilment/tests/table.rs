//! The saga's table, as `docs/saga.md` shows it. `UPDATE=1 cargo test` prints it anew.

use super::*;
use std::{fmt::Write, fs, path::Path};

/// Every state, with what leads there.
fn states() -> Vec<(&'static str, Saga)> {
    let behind = |before: Vec<Heard>, more: &[Heard]| given(&[&before[..], more].concat());
    vec![
        ("Waiting", given(&[])),
        ("Open", given(&open())),
        ("Paying", given(&paying())),
        ("Allocating", given(&allocating())),
        ("Shipping", given(&shipping())),
        ("Undoing shipment", behind(shipping(), &[check(Step::Shipping, 0)])),
        ("Undoing inventory", behind(allocating(), &[check(Step::Inventory, 0)])),
        ("Undoing payment", behind(paying(), &[check(Step::Payment, 0)])),
        ("Fulfilled", behind(shipping(), &[shipped()])),
        ("Fulfilled, cancellation refused", behind(shipping(), &[shipped(), wish()])),
        ("Cancelled", behind(paying(), &[declined()])),
    ]
}

/// Everything that may be heard, with how many events its stream had before.
fn all_heard() -> Vec<(String, Heard, u64)> {
    let mut all = vec![
        ("OrderPlaced".to_owned(), placed(), 0),
        ("ItemAdded, ShippingAddressUpdated".to_owned(), added(), 1),
        ("CancellationRequested".to_owned(), wish(), 1),
        ("PaymentProcessed".to_owned(), processed(), 0),
        ("PaymentProcessed, behind another event of the payment".to_owned(), processed(), 1),
        ("PaymentDeclined".to_owned(), declined(), 0),
        ("PaymentRefunded".to_owned(), refunded(), 1),
        ("InventoryAllocated".to_owned(), set_aside(), 0),
        ("InventoryUnavailable".to_owned(), unavailable(), 0),
        ("InventoryReleased".to_owned(), released(), 1),
        ("OrderShipped".to_owned(), shipped(), 0),
        ("ShipmentCancelled".to_owned(), stopped(), 0),
    ];
    for step in [Step::Amendment, Step::Payment, Step::Inventory, Step::Shipping] {
        let name = serde_json::to_value(step).unwrap();
        let name = name.as_str().unwrap();
        all.push((format!("CheckDeadline({name}), early"), check(step, 1), 0));
        all.push((format!("CheckDeadline({name}), due"), check(step, 0), 0));
    }
    all
}

fn name(saga: &Saga) -> String {
    match saga.stage {
        Stage::Undoing(Undoable::Payment, _) => "Undoing payment".to_owned(),
        Stage::Undoing(Undoable::Inventory, _) => "Undoing inventory".to_owned(),
        Stage::Undoing(Undoable::Shipment, _) => "Undoing shipment".to_owned(),
        Stage::Cancelled(_) => "Cancelled".to_owned(),
        Stage::Fulfilled if saga.refused => "Fulfilled, cancellation refused".to_owned(),
        stage => format!("{stage:?}"),
    }
}

fn page() -> String {
    let mut page = "# The saga\n\n\
        What `fulfilment` does in each state about what it hears. Printed from \
        `functions/domain/src/fulfilment.rs`;\n`UPDATE=1 cargo test` prints it anew. What is not in \
        a state's table changes nothing there.\n\n\
        An undo is answered whether its step was done or not. It has no deadline: there is nothing \
        else to be done.\nWhere a decision depends on the order as it is now, that is read first; a \
        wish to cancel found there counts as heard.\n"
        .to_owned();
    for (state, saga) in states() {
        assert_eq!(state, name(&saga));
        let rows = all_heard().into_iter().filter_map(|(what, heard, previous)| {
            let follows = follows(&saga, &heard, &order(), previous);
            let then = name(&step(saga.clone(), &heard, &order(), previous));
            (!follows.is_empty()).then(|| format!("| {what} | {} | {then} |", follows.join(", ")))
        });
        let rows: Vec<String> = rows.collect();
        write!(page, "\n## {state}\n\n").unwrap();
        if rows.is_empty() {
            page.push_str("Nothing changes it.\n");
        } else {
            page.push_str("| hears | appends | is then |\n|---|---|---|\n");
            page.push_str(&rows.join("\n"));
            page.push('\n');
        }
    }
    page
}

#[test]
fn the_table_in_the_docs_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/saga.md");
    let expected = page();
    if fs::read_to_string(&path).is_ok_and(|found| found == expected) {
        return;
    }
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    assert!(update, "docs/saga.md is stale: UPDATE=1 cargo test");
    fs::write(&path, expected).unwrap();
}

#[test]
fn only_what_the_table_says_changes_a_saga() {
    for (state, saga) in states() {
        for (what, heard, previous) in all_heard() {
            let silent = follows(&saga, &heard, &order(), previous).is_empty();
            let after = step(saga.clone(), &heard, &order(), previous);
            assert!(!silent || after == saga, "{state}: {what}");
        }
    }
}
