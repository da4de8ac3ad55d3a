use super::super::Failure;
use crate::system::{Stack, Templates};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// Reads the templates, and finds a port for each of their HTTP APIs, since URLs stand in what is read.
pub(super) struct Reader {
    templates: Templates,
    /// Port of the first API; 0 takes any that is free.
    first: u16,
    /// How many ports were taken.
    taken: u16,
    /// Bound already.
    spare: Option<TcpListener>,
}

/// Templates, and listeners for their new HTTP APIs.
pub(super) type Read = (Vec<Stack>, Vec<(String, TcpListener)>);

impl Reader {
    /// Takes the first port at once, so that one that is in use is told before anything else is done.
    pub(super) fn new(mut templates: Templates, first: u16) -> Result<Reader, Failure> {
        let spare = bind(first, "--http-port")?;
        templates.options.http_base = format!("http://{}", local(&spare)?);
        Ok(Reader { templates, first, taken: 1, spare: Some(spare) })
    }

    /// The templates as they are given.
    pub(super) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Reads all of them; `running` is what runs of them, if anything does, and `open` has the URLs of its HTTP APIs.
    pub(super) fn read(
        &mut self,
        running: &[Stack],
        open: Vec<(String, String)>,
    ) -> Result<Read, Failure> {
        let mut templates = self.templates.clone();
        templates.options.apis = open.into_iter().collect();
        let mut http = vec![];
        loop {
            let stacks = templates.read(running).map_err(|error| error.to_string())?;
            let apis = templates.apis(&stacks).into_iter();
            let new: Vec<String> =
                apis.filter(|api| !templates.options.apis.contains_key(api)).collect();
            // A lone first one was read with its URL.
            let is_read = matches!(&new[..], [_]) && http.is_empty() && self.spare.is_some();
            let is_done = new.is_empty() || is_read;
            for api in new {
                let listener = self.listener(running.is_empty())?;
                templates.options.apis.insert(api.clone(), format!("http://{}", local(&listener)?));
                http.push((api, listener));
            }
            if is_done {
                return Ok((stacks, http));
            }
        }
    }

    /// Lets go of the port that no API has taken.
    pub(super) fn let_go(&mut self) {
        self.spare = None;
    }

    /// While the system runs, a port that is in use is no reason to refuse a template.
    fn listener(&mut self, is_start: bool) -> Result<TcpListener, Failure> {
        if let Some(spare) = self.spare.take() {
            return Ok(spare);
        }
        let port = if self.first == 0 { 0 } else { self.first.saturating_add(self.taken) };
        self.taken += 1;
        match bind(port, "--http-port") {
            Err(_) if !is_start => bind(0, "--http-port"),
            bound => bound,
        }
    }
}

/// A listener on this machine alone.
pub(super) fn bind(port: u16, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} is in use: end what uses it, or choose another with {option}")
        }
        _ => format!("port {port} cannot be used: {error}"),
    })
}

/// Where it listens.
pub(super) fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| format!("a listener is lost: {error}"))
}
