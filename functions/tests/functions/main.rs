//! The functions' handlers, and the line they form, in memory; their binaries, as far as they start.
//!
//! What a function hands to the next goes through the documents that AWS would make of it.

mod binaries;
mod commands;
mod inventory;
mod maintenance;
mod payment;
mod provider;
mod queries;
mod readings;
mod relay;
mod scenario;
mod shipping;
mod shop;
mod slow;
mod steps;
mod view;
mod webhook;

#[path = "../../src/bin/maintenance.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod by_hand;

#[path = "../../src/bin/order-commands.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod order_commands;

#[path = "../../src/bin/order-queries.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod order_queries;

#[path = "../../src/bin/order-view.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod order_view;

#[path = "../../src/bin/outbox-relay.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod outbox_relay;

#[path = "../../src/bin/payment-webhook.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod payment_webhook;

#[path = "../../src/bin/readings.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod recorder;
