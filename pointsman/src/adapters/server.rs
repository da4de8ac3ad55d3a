//! HTTP/1 on a listener: accepts until a shutdown, then lets what is under way end.

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long open requests may take after the shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait when no connection can be accepted, which is when the process has too many open files.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, then for at most two seconds what is under way. `stop` turns true at the shutdown, for
/// answers that would otherwise wait longer. Where `answer` gives none, the connection is closed.
///
/// Connections end with this future: none outlives the engine it belongs to.
pub(super) async fn serve<A, F, B>(
    listener: TcpListener,
    stop: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
    answer: A,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Option<Response<B>>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let stopping = stop.subscribe();
                    connections.spawn(connection(stream, peer, stopping, answer.clone()));
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

/// The connection is closed instead of an answer.
#[derive(Debug)]
struct Unanswered;

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no answer")
    }
}

impl Error for Unanswered {}

/// One client, until it or the server goes.
async fn connection<A, F, B>(
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Option<Response<B>>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    // Without it, small answers wait for acknowledgements; slower, but not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answered = answer(request, peer);
        async move { answered.await.ok_or(Unanswered) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        // A client that goes in the middle of a request is no fault of ours.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
