use super::ask::Wire;
use super::{WireState, route};
use crate::adapters::server;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves every AWS service of the engine on `listener` until `shutdown`, then for at most two seconds what is
/// under way; long polls end at once.
pub async fn serve(listener: TcpListener, state: WireState, shutdown: impl Future<Output = ()>) {
    let (stop, stopping) = watch::channel(false);
    let wire = Arc::new(Wire::new(state, stopping));
    let answer = move |request, _| {
        let wire = wire.clone();
        async move { route::answer(&wire, request).await }
    };
    server::serve(listener, stop, shutdown, answer).await;
}
