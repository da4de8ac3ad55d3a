//! The end of the amendment window: the order is read, closed, and to be paid for.

use super::{Answer, Next, OrderRead, cancelled};
use contract::{
    event::Due,
    fulfilment::{CancelReason, PaymentRequested, ProcessPayment, Step},
};

impl Next<'_> {
    /// PaymentRequested on what the order's stream has by now, which may be more than was heard.
    pub(super) fn close(&self) -> Answer {
        let Some(OrderRead { order, version }) = self.context.order else {
            return Answer::NeedsOrder;
        };
        let order_id = order.order_id;
        if order.cancellation_requested {
            return cancelled(order_id, &order.customer_id, CancelReason::Customer);
        }
        let requested = PaymentRequested {
            order_id,
            customer_id: order.customer_id.clone(),
            order_version: *version,
            currency: order.currency.clone(),
            lines: order.lines.clone(),
            total: order.total,
            shipping_address: order.shipping_address.clone(),
        };
        let process = ProcessPayment {
            order_id,
            customer_id: order.customer_id.clone(),
            amount: order.total,
            currency: order.currency.clone(),
        };
        let deadline = self.deadline_of(order_id, Step::Payment);
        Answer::Closes(vec![requested.into()], vec![Due::now(process), deadline])
    }
}
