//! What must be true of a world in which nothing moves any more.

mod deadlines;

use crate::{
    customers::{Known, SKUS},
    provider::Told,
    world::World,
};
use contract::{
    event::{Envelope, StreamName},
    fulfilment::{CancelReason, FulfilmentEvent, OrderCancelled, PaymentRequested},
    inventory::InventoryEvent,
    order::OrderEvent,
    payment::PaymentEvent,
    shipping::ShipmentEvent,
    values::OrderId,
};
use domain::{
    inventory::Reservation,
    order::{self, Order},
    shipping::State as Shipment,
    view::{OrderView, Projection, project},
};
use pointsman_kit::{
    store::{History, Kind},
    table::{Item, Key, Tables, Value, from_item},
};
use std::collections::{BTreeMap, BTreeSet};

/// The most hops that a chain of the domain may have: half of what is taken for a loop.
const MOST_HOPS: u32 = contract::event::HOP_LIMIT / 2;

/// What was seen to happen, over all worlds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    orders: u64,
    fulfilled: u64,
    cancelled: BTreeMap<String, u64>,
    cancellations_refused: u64,
    refunded: u64,
    amended: u64,
    amendments_refused: u64,
    crashes: u64,
    redriven: u64,
    hops: u32,
    /// Orders that were charged behind a refusal or an undo.
    charged_after_all: u64,
    told: Told,
}

/// An order's streams.
struct Streams {
    order: History,
    fulfilment: History,
    payment: History,
    inventory: History,
    shipment: History,
}

/// All that must be true.
pub(crate) async fn all(world: &World) -> Result<Seen, String> {
    let mut seen =
        Seen { crashes: world.crashes, redriven: world.redriven as u64, ..Seen::default() };
    seen.told = world.provider.told;
    world.provider.fault.clone().map_or(Ok(()), Err)?;
    expect(world.mail.is_empty(), || "messages are left".to_owned())?;
    expect(world.quarantined == 0, || "something good was put aside".to_owned())?;
    expect(!world.negative, || "stock was negative".to_owned())?;
    let mut set_aside: BTreeMap<String, i64> = BTreeMap::new();
    for known in &world.known {
        let id = known.id.ok_or("an order was never placed")?;
        let one = one(world, id, known, &mut seen, &mut set_aside).await;
        one.map_err(|fault| format!("order {id}: {fault}"))?;
    }
    let left = stock(world);
    for (sku, _) in SKUS {
        let (had, left) = (world.stock[sku], left[sku]);
        let aside = set_aside.get(sku).copied().unwrap_or(0);
        expect(left >= 0 && left + aside == had, || {
            format!("of {had} {sku}, {left} are left and {aside} set aside")
        })?;
    }
    Ok(seen)
}

/// How much of each sku is left.
pub(crate) fn stock(world: &World) -> BTreeMap<&'static str, i64> {
    let items = world.tables.items("Services");
    let of = |sku: &str| {
        let pk = Value::S(format!("stock#{sku}"));
        let item = items.iter().find(|item| item["pk"] == pk);
        item.and_then(|item| item["available"].as_n()).unwrap_or(0)
    };
    SKUS.iter().map(|(sku, _)| (*sku, of(sku))).collect()
}

async fn one(
    world: &World,
    id: OrderId,
    known: &Known,
    seen: &mut Seen,
    set_aside: &mut BTreeMap<String, i64>,
) -> Result<(), String> {
    let streams = Streams::read(world, id).await?;
    seen.orders += 1;
    seen.hops = seen.hops.max(streams.hops());
    expect(seen.hops <= MOST_HOPS, || format!("a chain of {} hops", seen.hops))?;
    let order = streams.order()?;
    let requested = streams.requested()?;
    let end = streams.end()?;
    amendments(&streams, &order, requested.as_ref(), known, seen)?;
    let money = money(world, id).await?;
    let reservation: Option<Reservation> = row(world, "reservation", id).await?;
    let shipment: Option<Shipment> = row(world, "shipment", id).await?;
    if let Some(Reservation::Allocated { items }) = &reservation {
        for item in items {
            let aside = set_aside.entry(item.sku.to_string()).or_default();
            *aside += i64::from(item.quantity.get());
        }
    }
    expect(money.refunded <= money.taken, || "more refunded than taken".to_owned())?;
    expect((money.refunded > 0) == streams.refunded()?, || {
        format!("{money:?}, but the payment's stream says otherwise")
    })?;
    streams.handled_once()?;
    seen.charged_after_all += u64::from(streams.charged_after_all()?);
    let refusals = streams.refusals()?;
    match &end {
        End::Fulfilled => {
            seen.fulfilled += 1;
            let total = requested.as_ref().map(|requested| requested.total.get());
            expect(Some(money.taken) == total && money.refunded == 0, || {
                format!("fulfilled for {total:?}, but {money:?}")
            })?;
            expect(matches!(reservation, Some(Reservation::Allocated { .. })), || {
                format!("fulfilled with {reservation:?}")
            })?;
            expect(matches!(shipment, Some(Shipment::Shipped(_))), || {
                format!("fulfilled with {shipment:?}")
            })?;
            expect(refusals == usize::from(known.cancelled), || {
                format!("{refusals} cancellations refused; asked for: {}", known.cancelled)
            })?;
            seen.cancellations_refused += refusals as u64;
            deadlines::heard(world, &streams)?;
        }
        End::Cancelled(cancelled) => {
            *seen.cancelled.entry(cancelled.reason.to_string()).or_default() += 1;
            expect(money.taken == money.refunded, || format!("cancelled, but {money:?}"))?;
            seen.refunded += u64::from(money.taken > 0);
            expect(!matches!(reservation, Some(Reservation::Allocated { .. })), || {
                "cancelled with goods set aside".to_owned()
            })?;
            expect(!matches!(shipment, Some(Shipment::Shipped(_))), || {
                "cancelled, but shipped".to_owned()
            })?;
            expect(cancelled.reason != CancelReason::Customer || known.cancelled, || {
                "cancelled for a customer who never asked".to_owned()
            })?;
            expect(refusals == 0, || "cancelled, and its cancellation refused".to_owned())?;
            deadlines::over(world, &streams, cancelled.reason)?;
        }
    }
    view(world, id, &streams).await
}

/// Every change that was answered with 202 is paid for, every other is not in the order, and nobody is asked to pay who
/// had cancelled.
fn amendments(
    streams: &Streams,
    order: &Order,
    requested: Option<&PaymentRequested>,
    known: &Known,
    seen: &mut Seen,
) -> Result<(), String> {
    let events = streams.order.events::<OrderEvent>().map_err(text)?;
    let added = events.iter().filter(|event| matches!(event.data, OrderEvent::ItemAdded(_)));
    let added = added.count();
    expect(added == known.added.len(), || {
        format!("{added} items added, but {} were answered with 202", known.added.len())
    })?;
    seen.amended += added as u64;
    seen.amendments_refused += u64::from(known.refused);
    let Some(requested) = requested else { return Ok(()) };
    expect(requested.total == order.total && requested.lines == order.lines, || {
        format!("to be paid for is {requested:?}, but the order is {order:?}")
    })?;
    let misplaced = events.iter().find(|event| {
        let is_late = event.metadata.version > requested.order_version;
        is_late != matches!(event.data, OrderEvent::CancellationRequested(_))
    });
    expect(misplaced.is_none(), || format!("on the wrong side of {requested:?}: {misplaced:?}"))
}

/// What the provider did under an order's key.
#[derive(Debug)]
struct Money {
    taken: u64,
    refunded: u64,
}

async fn money(world: &World, id: OrderId) -> Result<Money, String> {
    let item = get(world, Key::new("Services", format!("provider#{id}"), "charge")).await?;
    let of = |name: &str| item.as_ref().and_then(|item| item.get(name)).and_then(Value::as_n);
    Ok(Money { taken: of("taken").unwrap_or(0), refunded: of("refunded").unwrap_or(0) })
}

/// What customers read is what the streams say.
async fn view(world: &World, id: OrderId, streams: &Streams) -> Result<(), String> {
    let found = world.read_model.find("1", id).await.map_err(text)?.view;
    let mut expected = OrderView::new(id);
    for event in streams.events() {
        match project(&expected, event).map_err(text)? {
            Projection::Apply(after) => expected = *after,
            other => return Err(format!("{other:?} in a fold of all events")),
        }
    }
    expect(found == expected, || format!("the view is {found:?}, not {expected:?}"))
}

/// How an order ended.
enum End {
    Fulfilled,
    Cancelled(OrderCancelled),
}

impl Streams {
    /// Reads them; the store itself finds gaps in versions.
    async fn read(world: &World, id: OrderId) -> Result<Self, String> {
        let read = async |kind: &str| {
            let stream = StreamName::new(kind, id).map_err(text)?;
            world.store.read(&stream).await.map_err(text)
        };
        let streams = Self {
            order: read("order").await?,
            fulfilment: read("fulfilment").await?,
            payment: read("payment").await?,
            inventory: read("inventory").await?,
            shipment: read("shipment").await?,
        };
        streams.payment.events::<PaymentEvent>().map_err(text)?;
        streams.inventory.events::<InventoryEvent>().map_err(text)?;
        let left = streams.shipment.events::<ShipmentEvent>().map_err(text)?.len();
        expect(left <= 1, || format!("{left} events of one shipment"))?;
        for history in streams.all() {
            let mut last = 0;
            for row in &history.rows {
                let metadata = &row.envelope.metadata;
                expect(metadata.previous == last, || format!("{metadata:?} behind event {last}"))?;
                if row.kind == Kind::Event {
                    last = metadata.version;
                }
            }
        }
        Ok(streams)
    }

    fn all(&self) -> [&History; 5] {
        [&self.order, &self.fulfilment, &self.payment, &self.inventory, &self.shipment]
    }

    fn events(&self) -> impl Iterator<Item = &Envelope> {
        let rows = self.all().into_iter().flat_map(|history| &history.rows);
        rows.filter(|row| row.kind == Kind::Event).map(|row| &row.envelope)
    }

    fn hops(&self) -> u32 {
        let rows = self.all().into_iter().flat_map(|history| &history.rows);
        rows.map(|row| row.envelope.metadata.hops).max().unwrap_or(0)
    }

    /// No event or command led to the same thing twice.
    fn handled_once(&self) -> Result<(), String> {
        for history in self.all() {
            let mut seen = BTreeSet::new();
            for row in &history.rows {
                let metadata = &row.envelope.metadata;
                let what = (&metadata.event_type, &metadata.causation_id);
                expect(seen.insert(what), || format!("{what:?} twice in {}", metadata.stream))?;
            }
        }
        Ok(())
    }

    /// When fulfilment first said this, in milliseconds.
    fn at(&self, name: &str) -> Option<i64> {
        let mut rows = self.fulfilment.rows.iter().map(|row| &row.envelope.metadata);
        let found = rows.find(|metadata| metadata.event_type == name);
        found.map(|metadata| metadata.occurred_at.as_ms())
    }

    fn order(&self) -> Result<Order, String> {
        let events = self.order.events::<OrderEvent>().map_err(text)?;
        order::fold(events.iter().map(|event| &event.data)).ok_or("no OrderPlaced".to_owned())
    }

    fn saga(&self) -> Result<Vec<FulfilmentEvent>, String> {
        let events = self.fulfilment.events::<FulfilmentEvent>().map_err(text)?;
        Ok(events.into_iter().map(|event| event.data).collect())
    }

    fn requested(&self) -> Result<Option<PaymentRequested>, String> {
        let mut requested = self.saga()?.into_iter().filter_map(|event| match event {
            FulfilmentEvent::PaymentRequested(requested) => Some(requested),
            _ => None,
        });
        let first = requested.next();
        expect(requested.next().is_none(), || "payment was requested twice".to_owned())?;
        Ok(first)
    }

    fn end(&self) -> Result<End, String> {
        let mut ends = self.saga()?.into_iter().filter_map(|event| match event {
            FulfilmentEvent::OrderFulfilled(_) => Some(End::Fulfilled),
            FulfilmentEvent::OrderCancelled(cancelled) => Some(End::Cancelled(cancelled)),
            _ => None,
        });
        let end = ends.next().ok_or("it has no end")?;
        expect(ends.next().is_none(), || "it ended twice".to_owned())?;
        Ok(end)
    }

    fn refusals(&self) -> Result<usize, String> {
        let refusals =
            |event: &FulfilmentEvent| matches!(event, FulfilmentEvent::CancellationRefused(_));
        Ok(self.saga()?.iter().filter(|event| refusals(event)).count())
    }

    /// Whether money was taken behind a refusal or an undo. It never is twice.
    fn charged_after_all(&self) -> Result<bool, String> {
        let events = self.payment.events::<PaymentEvent>().map_err(text)?;
        let charged: Vec<usize> = (0..events.len())
            .filter(|at| matches!(events[*at].data, PaymentEvent::PaymentProcessed(_)))
            .collect();
        expect(charged.len() <= 1, || format!("{} payments of one order", charged.len()))?;
        Ok(charged.first().is_some_and(|at| *at > 0))
    }

    fn refunded(&self) -> Result<bool, String> {
        let events = self.payment.events::<PaymentEvent>().map_err(text)?;
        let refunds =
            events.iter().filter(|event| matches!(event.data, PaymentEvent::PaymentRefunded(_)));
        let refunds = refunds.count();
        expect(refunds <= 1, || format!("{refunds} refunds of one payment"))?;
        Ok(refunds == 1)
    }
}

impl Seen {
    pub(crate) fn add(&mut self, more: &Self) {
        let Self { orders, fulfilled, cancelled, cancellations_refused, refunded, .. } = more;
        self.orders += orders;
        self.fulfilled += fulfilled;
        self.cancellations_refused += cancellations_refused;
        self.refunded += refunded;
        self.amended += more.amended;
        self.amendments_refused += more.amendments_refused;
        self.crashes += more.crashes;
        self.redriven += more.redriven;
        self.hops = self.hops.max(more.hops);
        self.charged_after_all += more.charged_after_all;
        self.told.add(&more.told);
        for (reason, count) in cancelled {
            *self.cancelled.entry(reason.clone()).or_default() += count;
        }
    }

    /// That the worlds were not all alike: everything that can happen did, many times.
    pub(crate) fn assert_everything_happened(&self) {
        let reasons = [
            "customer",
            "paymentDeclined",
            "outOfStock",
            "paymentLate",
            "inventoryLate",
            "shippingLate",
        ];
        for reason in reasons {
            let count = self.cancelled.get(reason).copied().unwrap_or(0);
            assert!(count >= 20, "cancelled for {reason}: {count}");
        }
        let others = [
            self.fulfilled,
            self.cancellations_refused,
            self.refunded,
            self.amended,
            self.amendments_refused,
            self.crashes,
            self.redriven,
            self.charged_after_all,
        ];
        let told = self.told.counts();
        assert!(others.iter().chain(&told).all(|count| *count >= 100), "{self:?}");
    }
}

async fn row<T: serde::de::DeserializeOwned>(
    world: &World,
    thing: &str,
    id: OrderId,
) -> Result<Option<T>, String> {
    let item = get(world, functions::row::key("Services", thing, id)).await?;
    item.map(|item| from_item(&item).map_err(text)).transpose()
}

async fn get(world: &World, key: Key) -> Result<Option<Item>, String> {
    world.tables.get(&key).await.map_err(text)
}

fn expect(truth: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if truth { Ok(()) } else { Err(fault()) }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
