use super::*;
use contract::{event::Ulid, fulfilment::CancelReason};

fn order_id() -> OrderId {
    OrderId(Ulid::new(1, [7; 10]))
}

fn picks(items: &[(&str, u32)]) -> Vec<Pick> {
    let pick = |&(sku, quantity): &(&str, u32)| Pick {
        sku: sku.parse().unwrap(),
        quantity: quantity.try_into().unwrap(),
    };
    items.iter().map(pick).collect()
}

fn allocate_command(items: Vec<Pick>) -> InventoryCommand {
    AllocateInventory { order_id: order_id(), items }.into()
}

fn release() -> InventoryCommand {
    ReleaseInventory { order_id: order_id(), reason: CancelReason::Customer }.into()
}

fn order() -> Vec<Pick> {
    picks(&[("CUP", 1), ("TEA", 3)])
}

#[track_caller]
fn leads_to(command: &InventoryCommand, found: Option<Reservation>, expected: Option<Decided>) {
    assert_eq!(decide(command, found.as_ref(), &[]), Ok(expected), "{command:?}, {found:?}");
}

#[test]
fn each_command_has_one_answer_in_each_state() {
    let order_id = order_id();
    let allocated = || Reservation::Allocated { items: order() };
    let allocate = allocate_command(order());
    let taken = Decided {
        reservation: allocated(),
        event: InventoryAllocated { order_id, items: order() }.into(),
        moves: Moves::Take(order()),
    };
    leads_to(&allocate, None, Some(taken));
    let tombstone = Decided {
        reservation: Reservation::Tombstone,
        event: unavailable(order_id, UnavailableReason::Cancelled, &[]),
        moves: Moves::Nothing,
    };
    leads_to(&release(), None, Some(tombstone));
    let released = Decided {
        reservation: Reservation::Released,
        event: InventoryReleased { order_id, items: order() }.into(),
        moves: Moves::PutBack(order()),
    };
    leads_to(&release(), Some(allocated()), Some(released));

    leads_to(&allocate, Some(allocated()), None);
    for state in [Reservation::Unavailable, Reservation::Released, Reservation::Tombstone] {
        leads_to(&allocate, Some(state.clone()), None);
        leads_to(&release(), Some(state), None);
    }
}

#[test]
fn what_is_put_back_is_what_was_taken() {
    let taken = picks(&[("POT", 2)]);
    let found = Reservation::Allocated { items: taken.clone() };
    let decided = decide(&release(), Some(&found), &[]).unwrap().unwrap();
    assert_eq!(decided.moves, Moves::PutBack(taken));
}

#[test]
fn too_little_of_one_sku_is_nothing_of_all() {
    let available = |sku: &Sku| if sku.as_str() == "TEA" { 2 } else { 1 };
    let short = missing(&order(), available);
    assert_eq!(short, ["TEA".parse().unwrap()]);
    assert_eq!(missing(&order(), |_| 3), []);
    assert_eq!(missing(&order(), |_| 0).len(), 2);

    let decided = decide(&allocate_command(order()), None, &short).unwrap().unwrap();
    assert_eq!((decided.reservation, decided.moves), (Reservation::Unavailable, Moves::Nothing));
    let reason = UnavailableReason::OutOfStock;
    assert_eq!(decided.event, unavailable(order_id(), reason, &short));
}

#[test]
fn what_one_transaction_cannot_do_is_refused() {
    let twice = picks(&[("TEA", 1), ("CUP", 1), ("TEA", 2)]);
    let unfit = decide(&allocate_command(twice), None, &[]).unwrap_err();
    assert_eq!(unfit.to_string(), "TEA is named more than once");
    let skus = |count| (0..count).map(|n| picks(&[(&format!("S{n}"), 1)]).remove(0)).collect();
    assert!(decide(&allocate_command(skus(97)), None, &[]).is_ok());
    let unfit = decide(&allocate_command(skus(98)), None, &[]).unwrap_err();
    assert_eq!(unfit.to_string(), "98 skus, but at most 97 at once");
}

#[test]
fn a_reservation_is_kept_by_its_state() {
    let kept = |reservation: &Reservation| {
        let json = serde_json::to_string(reservation).unwrap();
        assert_eq!(&serde_json::from_str::<Reservation>(&json).unwrap(), reservation);
        json
    };
    let allocated = Reservation::Allocated { items: picks(&[("TEA", 3)]) };
    assert_eq!(kept(&allocated), r#"{"state":"allocated","items":[{"sku":"TEA","quantity":3}]}"#);
    assert_eq!(kept(&Reservation::Tombstone), r#"{"state":"tombstone"}"#);
}
