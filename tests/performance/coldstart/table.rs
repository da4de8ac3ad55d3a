//! DynamoDB as far as two reads go that find nothing, over TLS on loopback.

use super::runtime::SETTLES;
use crate::{http, proc};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Error, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Of 127.0.0.1, for a hundred years. Nobody trusts it but a function that is measured.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

/// What every read is answered with.
const NOTHING: &str = "{\"Items\":[],\"Count\":0,\"ScannedCount\":0}";

pub(super) struct Table {
    endpoint: String,
    /// Where the certificate is, for who must trust it.
    trusted: PathBuf,
    watched: Arc<Mutex<Watched>>,
}

/// Whose CPU is looked at when its first request is there.
#[derive(Default)]
struct Watched {
    pid: Option<u32>,
    first: Option<f64>,
}

impl Table {
    /// Serves until the program ends.
    pub(super) fn serve(work: &Path) -> std::result::Result<Table, String> {
        let config = Arc::new(tls().map_err(|error| format!("the certificate: {error}"))?);
        let trusted = work.join("certificate.pem");
        std::fs::write(&trusted, CERTIFICATE).map_err(|error| error.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let watched = Arc::new(Mutex::new(Watched::default()));
        let (endpoint, seen) = (format!("https://{address}"), watched.clone());
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (config, seen) = (config.clone(), seen.clone());
                thread::spawn(move || drop(serve(connection, config, &seen)));
            }
        });
        Ok(Table { endpoint, trusted, watched })
    }

    /// With these a function finds it and trusts it.
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("POINTSMAN_TLS_ROOTS", "system".to_owned()),
            ("SSL_CERT_FILE", self.trusted.display().to_string()),
        ]
    }

    /// From now on it is this process that calls.
    pub(super) fn watch(&self, pid: u32) {
        if let Ok(mut watched) = self.watched.lock() {
            *watched = Watched { pid: Some(pid), first: None };
        }
    }

    /// Milliseconds of CPU that it had used when its first call had been sent.
    pub(super) fn first_call(&self) -> Option<f64> {
        self.watched.lock().ok()?.first
    }
}

fn tls() -> std::result::Result<ServerConfig, Box<dyn std::error::Error>> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE)?;
    let key = PrivateKeyDer::from_pem_slice(KEY)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_no_client_auth().with_single_cert(vec![certificate], key)?)
}

fn serve(connection: TcpStream, tls: Arc<ServerConfig>, watched: &Mutex<Watched>) -> Result<()> {
    connection.set_nodelay(true)?;
    let session = ServerConnection::new(tls).map_err(Error::other)?;
    let mut connection = BufReader::new(StreamOwned::new(session, connection));
    loop {
        http::read(&mut connection)?;
        if let Ok(mut watched) = watched.lock()
            && let (Some(pid), None) = (watched.pid, watched.first)
        {
            thread::sleep(SETTLES);
            watched.first = Some(proc::exact_cpu_ms(pid));
        }
        let length = NOTHING.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n\r\n"
        );
        let stream = connection.get_mut();
        stream.write_all((head + NOTHING).as_bytes())?;
        stream.flush()?;
    }
}
