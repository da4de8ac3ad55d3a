//! The faults that the simulated world must find. Each is one that a person could make, in code that nothing but care
//! keeps right.

/// A fault.
pub(crate) struct Mutation {
    /// What it is, in words.
    pub(crate) name: &'static str,
    /// How it comes into the sources.
    pub(crate) edits: &'static [Edit],
}

/// A change of a file.
pub(crate) struct Edit {
    /// The file, from the workspace's root.
    pub(crate) file: &'static str,
    /// What is there, exactly once.
    pub(crate) find: &'static str,
    /// What is there instead.
    pub(crate) replace: &'static str,
}

const SAGA: &str = "functions/domain/src/fulfilment.rs";
const UNDO: &str = "functions/domain/src/fulfilment/undo.rs";
const CLOSE: &str = "functions/domain/src/fulfilment/close.rs";
const FULFILMENT: &str = "functions/src/bin/fulfilment.rs";
const PAYMENT: &str = "functions/src/bin/payment.rs";
const WEBHOOK: &str = "functions/src/bin/payment-webhook.rs";
const COMMAND: &str = "functions/src/command.rs";

/// All of them.
pub(crate) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "the order is closed although it changed since it was read",
        edits: &[Edit {
            file: FULFILMENT,
            find: r#".guard("OrderChanged", process.store().unchanged(&position))"#,
            replace: "",
        }],
    },
    Mutation {
        name: "the order is not closed when its payment is requested",
        edits: &[Edit {
            file: FULFILMENT,
            find: r#".effect("OrderClosed", process.store().close(&live, &stream))"#,
            replace: "",
        }],
    },
    Mutation {
        name: "an order is changed whether it is closed or not",
        edits: &[Edit {
            file: COMMAND,
            find: "if let Some(guard) = guard.filter(|_| !appended.rows.is_empty()) {",
            replace: "if let Some(guard) = guard.filter(|_| false) {",
        }],
    },
    Mutation {
        name: "a wish to cancel is not looked for when the order is closed",
        edits: &[Edit {
            file: CLOSE,
            find: "if order.cancellation_requested {",
            replace: "if false {",
        }],
    },
    Mutation {
        name: "one too many is sold",
        edits: &[Edit {
            file: "functions/src/stock.rs",
            find: "Condition::at_least(AVAILABLE, quantity)",
            replace: "Condition::at_least(AVAILABLE, quantity - 1)",
        }],
    },
    Mutation {
        name: "goods are not put back",
        edits: &[Edit {
            file: "functions/domain/src/inventory.rs",
            find: "moves: Moves::PutBack(items.clone()),",
            replace: "moves: Moves::Nothing,",
        }],
    },
    Mutation {
        name: "the undo of goods that were never set aside leaves no tombstone",
        edits: &[Edit {
            file: "functions/domain/src/inventory.rs",
            find: "        (InventoryCommand::AllocateInventory(command), None) => {",
            replace: "        (InventoryCommand::AllocateInventory(command), None | Some(Reservation::Tombstone)) => {",
        }],
    },
    Mutation {
        name: "a stopped shipment leaves all the same",
        edits: &[
            Edit {
                file: "functions/domain/src/shipping.rs",
                find: "        (_, Some(_)) => None,\n        (ShippingCommand::ShipOrder(command), None) => {",
                replace: "        (ShippingCommand::CancelShipment(_), Some(_)) | (_, Some(State::Shipped(_))) => None,\n        (ShippingCommand::ShipOrder(command), _) => {",
            },
            Edit {
                file: "functions/src/bin/shipping.rs",
                find: "row::first(&key, row::attributes(&state)?)",
                replace: "row::set(pointsman_kit::table::Op::update(key.clone()), &row::attributes(&state)?)",
            },
        ],
    },
    Mutation {
        name: "a marker is keyed on the delivery instead of the event",
        edits: &[Edit {
            file: "shared/kit/src/consumer/record.rs",
            find: "let id = self.event.metadata.id.to_string();",
            replace: r#"let id = format!("{}-{}", self.event.metadata.id, self.now);"#,
        }],
    },
    Mutation {
        name: "what was handled leaves no marker",
        edits: &[Edit {
            file: "shared/kit/src/process.rs",
            find: "let mut transaction = transaction.once(&once, None);",
            replace: "let mut transaction = transaction;",
        }],
    },
    Mutation {
        name: "rows are written whether their place is taken or not",
        edits: &[Edit {
            file: "shared/kit/src/store/append.rs",
            find: "let op = Op::put(key, row.to_item()).when(Condition::Absent);",
            replace: "let op = Op::put(key, row.to_item());",
        }],
    },
    Mutation {
        name: "the payment is undone before the goods",
        edits: &[Edit {
            file: UNDO,
            find: "Stage::Allocating => self.undo(Undoable::Inventory, CancelReason::Customer),",
            replace: "Stage::Allocating => self.undo(Undoable::Payment, CancelReason::Customer),",
        }],
    },
    Mutation {
        name: "a stopped shipment's goods stay set aside",
        edits: &[Edit {
            file: UNDO,
            find: "                self.undo(Undoable::Inventory, reason)\n",
            replace: "                self.undo(Undoable::Payment, reason)\n",
        }],
    },
    Mutation {
        name: "an order ends before its refund is answered",
        edits: &[Edit {
            file: SAGA,
            find: "            next.undo(Undoable::Payment, CancelReason::OutOfStock)\n",
            replace: "            match &saga.requested {\n                Some(order) => cancelled(order.order_id, &order.customer_id, CancelReason::OutOfStock),\n                None => nothing(),\n            }\n",
        }],
    },
    Mutation {
        name: "a parcel that left while it was being stopped is not noticed",
        edits: &[Edit {
            file: UNDO,
            find: "(Undoable::Shipment, ShipmentEvent::OrderShipped(shipped)) => {",
            replace: "(Undoable::Inventory, ShipmentEvent::OrderShipped(shipped)) => {",
        }],
    },
    Mutation {
        name: "a customer is not told that it is too late to cancel",
        edits: &[Edit {
            file: UNDO,
            find: "events.extend(asked.then(|| refused(order)));",
            replace: "let _ = asked;",
        }],
    },
    Mutation {
        name: "the deadline of the step before counts",
        edits: &[Edit {
            file: SAGA,
            find: "Self::Allocating => Some(Step::Inventory),",
            replace: "Self::Allocating => Some(Step::Payment),",
        }],
    },
    Mutation {
        name: "a deadline is over as soon as it is checked",
        edits: &[
            Edit { file: SAGA, find: "if self.context.now < check.due {", replace: "if false {" },
            Edit {
                file: "functions/src/relay.rs",
                find: "u64::try_from(ms).unwrap_or(0).div_ceil(1000)",
                replace: "(u64::try_from(ms).unwrap_or(0) / 1000).saturating_sub(1)",
            },
        ],
    },
    Mutation {
        name: "a deadline that came early is forgotten",
        edits: &[Edit {
            file: SAGA,
            find: "return follows([], [Due::again(check.clone(), check.due)]);",
            replace: "return nothing();",
        }],
    },
    Mutation {
        name: "the relay calls done what it could not send",
        edits: &[Edit {
            file: "functions/src/bin/outbox-relay.rs",
            find: "Outcome::Unsent(failure) => logs[at].warn(\"not relayed\").cause(&failure).emit(),",
            replace: "Outcome::Unsent(failure) => {\n                logs[at].warn(\"not relayed\").cause(&failure).emit();\n                done[at] = true;\n            }",
        }],
    },
    Mutation {
        name: "a batch's failures are forgotten",
        edits: &[Edit {
            file: "shared/kit/src/consumer/harness.rs",
            find: "            failures.push(message.message_id);\n",
            replace: "",
        }],
    },
    Mutation {
        name: "a view takes an event as often as it comes",
        edits: &[Edit {
            file: "functions/domain/src/view.rs",
            find: "if metadata.version <= position {",
            replace: "if false {",
        }],
    },
    Mutation {
        name: "a view is written over whatever it has become meanwhile",
        edits: &[Edit {
            file: "functions/src/read_model.rs",
            find: "Condition::equal(REV, rev)",
            replace: "Condition::at_least(REV, rev)",
        }],
    },
    Mutation {
        name: "money is given back but not asked for at the provider",
        edits: &[Edit {
            file: PAYMENT,
            find: "let outcome = provider::ask(&*self.provider, live, question, &key, customer_id).await;",
            replace: "let outcome = match (question, self.provider.find(&key).await) {\n            (Question::Cancel, Ok(Some(provider::Outcome::Answered(provider::Answer::Charged(receipt))))) => {\n                Ok(provider::Outcome::Undone(provider::Undone::Refunded(receipt)))\n            }\n            _ => provider::ask(&*self.provider, live, question, &key, customer_id).await,\n        };",
        }],
    },
    Mutation {
        name: "a tombstone is put over a charge in flight",
        edits: &[
            Edit {
                file: "functions/domain/src/payment.rs",
                find: "(_, Found::LeftCharging) => Next::Lock,",
                replace: "(C::ProcessPayment(_), Found::LeftCharging) => Next::Lock,\n        (_, Found::LeftCharging) => Next::Tombstone,",
            },
            Edit {
                file: PAYMENT,
                find: "let row = row::first(&key, row::attributes(&settled.payment)?);",
                replace: "let row = row::set(Op::update(key.clone()).remove(\"until\"), &row::attributes(&settled.payment)?);",
            },
        ],
    },
    Mutation {
        name: "the provider is not asked to cancel what a crash left in flight",
        edits: &[Edit {
            file: PAYMENT,
            find: "let settled = match self.ask(command, &question, live).await {",
            replace: "let nothing = domain::payment::Outcome::Undone(domain::payment::Undone::NothingTaken);\n        let asked = match question {\n            Question::Cancel => Ok(payment::settled(command, nothing)),\n            _ => self.ask(command, &question, live).await,\n        };\n        let settled = match asked {",
        }],
    },
    Mutation {
        name: "each attempt is a payment of its own to the provider",
        edits: &[Edit {
            file: PAYMENT,
            find: "(command.order_id().to_string(), command.customer_id());",
            replace: "(format!(\"{}-{}\", command.order_id(), self.wall.now()), command.customer_id());",
        }],
    },
    Mutation {
        name: "a webhook's word leaves no mark",
        edits: &[Edit {
            file: WEBHOOK,
            find: "                .once(once, Some(kept))\n",
            replace: "",
        }],
    },
    Mutation {
        name: "a webhook that came second is called done",
        edits: &[Edit {
            file: WEBHOOK,
            find: r#"invocation.log.count("DecidedAgain");"#,
            replace: "return Ok(response);",
        }],
    },
    Mutation {
        name: "a webhook is recorded whatever the payment has become meanwhile",
        edits: &[
            Edit {
                file: WEBHOOK,
                find: "State::Charging(_) => Lock::new(key.clone()).end(item),",
                replace: "State::Charging(_) => Op::update(Lock::new(key.clone()).end(item).key).remove(\"until\"),",
            },
            Edit {
                file: WEBHOOK,
                find: r#"let op = op.when(Condition::equal("state", state));"#,
                replace: r#"let _ = Condition::equal("state", state);"#,
            },
        ],
    },
    Mutation {
        name: "money that came behind its undo is not heard of",
        edits: &[Edit {
            file: "functions/domain/src/payment/report.rs",
            find: "(State::Charging(_) | State::Declined | State::Tombstone, Report::Charged(receipt)) => {\n            news(Answer::Charged(receipt.clone()))\n        }",
            replace: "(State::Declined | State::Tombstone, Report::Charged(_)) => Reported::Known,\n        (State::Charging(_), Report::Charged(receipt)) => news(Answer::Charged(receipt.clone())),",
        }],
    },
    Mutation {
        name: "money that came behind its undo is kept",
        edits: &[Edit {
            file: SAGA,
            find: "(Stage::Cancelled(reason), Heard::Payment(P::PaymentProcessed(_)))\n            if context.previous > 0 =>",
            replace: "(Stage::Cancelled(reason), Heard::Payment(P::PaymentProcessed(_)))\n            if context.previous > 99 =>",
        }],
    },
    Mutation {
        name: "anybody may speak as the provider",
        edits: &[Edit {
            file: WEBHOOK,
            find: "    webhook.secrets.verify(&request, SIGNATURE, webhook.wall.now())?;\n",
            replace: "    let _ = webhook.secrets.verify(&request, SIGNATURE, webhook.wall.now());\n",
        }],
    },
];
