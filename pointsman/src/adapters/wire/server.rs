use super::ask::Wire;
use super::reply::Body;
use super::{WireState, route};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long open requests may take after the shutdown; long polls end at once.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait when no connection can be accepted, which is when the process has too many open files.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Serves every AWS service of the engine on `listener` until `shutdown`, then for at most two seconds what is
/// under way.
pub async fn serve(listener: TcpListener, state: WireState, shutdown: impl Future<Output = ()>) {
    let (stop, stopping) = watch::channel(false);
    let wire = Arc::new(Wire::new(state, stopping));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(wire.clone(), stream));
                }
                Err(_) => crate::clock::sleep(EXHAUSTED).await,
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all => {}
        () = crate::clock::sleep(GRACE) => {}
    }
    connections.shutdown().await;
}

/// One client, until it or the server goes.
async fn connection(wire: Arc<Wire>, stream: TcpStream) {
    // Without it answers would only be slower.
    let _ = stream.set_nodelay(true);
    let mut stopping = wire.stopping.clone();
    let service = service_fn(|request| answer(wire.clone(), request));
    // Without a timer hyper closes no idle connection under a client that is about to use it again.
    let mut connection = pin!(
        http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        // A client that goes in the middle of a request is no fault of ours.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn answer(wire: Arc<Wire>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(route::answer(&wire, request).await)
}
