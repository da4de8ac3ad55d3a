//! All declarations as a list: schemas, catalogue and lints come from here.

use crate::{
    customer::{CustomerEvent, RegisterUser, UserRegistered},
    fulfilment::{
        AllocateInventory, CancelShipment, CancellationRefused, CheckDeadline, FulfilmentEvent,
        OrderCancelled, OrderFulfilled, PaymentRequested, ProcessPayment, RefundPayment,
        ReleaseInventory, ShipOrder,
    },
    inventory::{InventoryAllocated, InventoryEvent, InventoryReleased, InventoryUnavailable},
    order::{
        AddItem, CancelOrder, CancellationRequested, ItemAdded, OrderEvent, OrderPlaced,
        PlaceOrder, ShippingAddressUpdated, UpdateShippingAddress,
    },
    payment::{PaymentDeclined, PaymentEvent, PaymentProcessed, PaymentRefunded},
    reading::{CpuUsageRecorded, ReadingEvent, RecordCpuUsage},
    shipping::{OrderShipped, ShipmentCancelled, ShipmentEvent},
};
use pointsman_event::{
    Command, CommandDeclaration, Declaration, Envelope, Event, EventSet, ReadError,
};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};

/// An event of the shop.
#[derive(Debug, Clone, Copy)]
pub struct EventEntry {
    /// What it says about itself.
    pub declaration: Declaration,
    /// The JSON Schema of its data, at the version its declaration names.
    pub schema: fn() -> Schema,
    /// Reads it as a consumer does, and returns it at today's version.
    pub read: fn(&Envelope) -> Result<Envelope, ReadError>,
}

/// A command of the shop.
#[derive(Debug, Clone, Copy)]
pub struct CommandEntry {
    /// What it says about itself.
    pub declaration: CommandDeclaration,
    /// The JSON Schema of its data.
    pub schema: fn() -> Schema,
}

/// Every event, by stream and in the order of its life.
pub fn all() -> &'static [EventEntry] {
    const {
        &[
            event::<UserRegistered>(),
            event::<OrderPlaced>(),
            event::<ItemAdded>(),
            event::<ShippingAddressUpdated>(),
            event::<CancellationRequested>(),
            event::<PaymentRequested>(),
            event::<OrderFulfilled>(),
            event::<OrderCancelled>(),
            event::<CancellationRefused>(),
            event::<PaymentProcessed>(),
            event::<PaymentDeclined>(),
            event::<PaymentRefunded>(),
            event::<InventoryAllocated>(),
            event::<InventoryUnavailable>(),
            event::<InventoryReleased>(),
            event::<OrderShipped>(),
            event::<ShipmentCancelled>(),
            event::<CpuUsageRecorded>(),
        ]
    }
}

/// Every command.
pub fn commands() -> &'static [CommandEntry] {
    const {
        &[
            command::<RegisterUser>(),
            command::<PlaceOrder>(),
            command::<AddItem>(),
            command::<UpdateShippingAddress>(),
            command::<CancelOrder>(),
            command::<ProcessPayment>(),
            command::<RefundPayment>(),
            command::<AllocateInventory>(),
            command::<ReleaseInventory>(),
            command::<ShipOrder>(),
            command::<CancelShipment>(),
            command::<CheckDeadline>(),
            command::<RecordCpuUsage>(),
        ]
    }
}

/// The declarations of events that are kept in no stream: who has something to tell publishes them
/// itself, and no relay does.
pub fn unstored() -> &'static [Declaration] {
    ReadingEvent::declarations()
}

/// The declarations of a stream type's events; none for a type the event store does not have.
pub fn of_stream(kind: &str) -> &'static [Declaration] {
    match kind {
        crate::customer::STREAM => CustomerEvent::declarations(),
        crate::order::STREAM => OrderEvent::declarations(),
        crate::fulfilment::STREAM => FulfilmentEvent::declarations(),
        crate::payment::STREAM => PaymentEvent::declarations(),
        crate::inventory::STREAM => InventoryEvent::declarations(),
        crate::shipping::STREAM => ShipmentEvent::declarations(),
        _ => &[],
    }
}

/// The source that a stream type's events speak as; `None` for a type the event store does not have.
pub fn source_of(kind: &str) -> Option<&'static str> {
    of_stream(kind).first().map(|declaration| declaration.source)
}

const fn event<E: Event + JsonSchema>() -> EventEntry {
    EventEntry { declaration: Declaration::of::<E>(), schema: schema::<E>, read: read::<E> }
}

const fn command<C: Command + JsonSchema>() -> CommandEntry {
    CommandEntry { declaration: CommandDeclaration::of::<C>(), schema: schema::<C> }
}

fn schema<T: JsonSchema>() -> Schema {
    // As readers of events see it: what may be left out on the way in is not required.
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

fn read<E: Event>(envelope: &Envelope) -> Result<Envelope, ReadError> {
    let typed = envelope.read::<E>()?;
    let unwritable = |error: serde_json::Error| ReadError::Unreadable {
        event: E::NAME,
        id: envelope.metadata.id,
        why: pointsman_event::upcast::Unreadable::Data {
            found: envelope.metadata.schema_version,
            reason: error.to_string(),
        },
    };
    typed.erase().map_err(unwritable)
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
