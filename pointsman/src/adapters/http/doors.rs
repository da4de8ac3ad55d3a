use super::issuer::Issuer;
use super::serve::{Gateway, serve};
use crate::engine::Engine;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The HTTP APIs that are served, each on a listener of its own. What they answer follows the topology by itself.
pub struct Doors {
    engine: Engine,
    issuer: watch::Receiver<Option<Arc<Issuer>>>,
    open: Mutex<Vec<Door>>,
}

struct Door {
    api: String,
    url: String,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Doors {
    /// None is open yet.
    pub fn new(engine: Engine, issuer: watch::Receiver<Option<Arc<Issuer>>>) -> Doors {
        Doors { engine, issuer, open: Mutex::default() }
    }

    /// Serves an API of the engine's topology from now on.
    ///
    /// # Errors
    /// The listener is lost.
    pub fn open(&self, api: &str, listener: TcpListener) -> io::Result<()> {
        let url = format!("http://{}", listener.local_addr()?);
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let gateway = Gateway::new(self.engine.clone(), api.to_owned(), self.issuer.clone());
        let (stop, mut stopping) = watch::channel(false);
        let shutdown = async move {
            // Without a sender there is nobody left to serve for.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let server = tokio::spawn(serve(listener, Arc::new(gateway), shutdown));
        self.doors().push(Door { api: api.to_owned(), url, stop, server });
        Ok(())
    }

    /// Name and URL of each, in the order in which they were opened.
    pub fn urls(&self) -> Vec<(String, String)> {
        self.doors().iter().map(|door| (door.api.clone(), door.url.clone())).collect()
    }

    /// Closes what is not to stay: at most two seconds are left to what is under way, then the ports are free. The
    /// names of those closed.
    pub async fn close_all_but(&self, stays: impl Fn(&str) -> bool + Send) -> Vec<String> {
        let closing: Vec<Door> = self.doors().extract_if(.., |door| !stays(&door.api)).collect();
        for door in &closing {
            door.stop.send_replace(true);
        }
        let mut names = vec![];
        for door in closing {
            // A server that panicked has said so already.
            let _ = door.server.await;
            names.push(door.api);
        }
        names
    }

    /// Ends all at once, as a crash does; when it returns, the ports are free.
    pub async fn abandon(&self) {
        let closing = std::mem::take(&mut *self.doors());
        for door in closing {
            door.server.abort();
            // It holds its listener until it has noticed.
            let _ = door.server.await;
        }
    }

    /// A panic elsewhere leaves the list whole: each change is one call.
    fn doors(&self) -> MutexGuard<'_, Vec<Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
