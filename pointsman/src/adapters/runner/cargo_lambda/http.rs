use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// One request on a connection of its own, on this machine. Dropped, it hangs up.
pub(super) async fn call(
    method: Method,
    authority: &str,
    path: &str,
    body: Bytes,
) -> io::Result<Response<Bytes>> {
    let stream = TcpStream::connect(authority).await?;
    // A socket that refuses is only slower.
    let _ = stream.set_nodelay(true);
    let request = Request::builder().method(method).uri(path).header(HOST, authority);
    let request = request.header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(body)).map_err(io::Error::other)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, hyper::Error>(Response::from_parts(parts, body))
    };
    tokio::pin!(exchange, connection);
    let answered = tokio::select! {
        answered = &mut exchange => answered,
        // What was read by then may still be the whole answer.
        _ = &mut connection => exchange.await,
    };
    answered.map_err(io::Error::other)
}
