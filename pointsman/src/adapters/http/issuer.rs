//! The local issuer of tokens: one RSA key in the state folder, a discovery document, keys, and signing.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Signs tokens that the HTTP APIs of this engine accept, whatever issuer their template names: `iss` is the
/// template's, the key is ours.
pub struct Issuer {
    signing: EncodingKey,
    checking: DecodingKey,
    jwk: Jwk,
    kid: String,
}

/// Why the issuer has no key.
#[derive(Debug)]
pub struct IssuerError {
    path: PathBuf,
    why: String,
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (delete it, and a new key is made; tokens signed before are void then)",
            self.path.display(),
            self.why
        )
    }
}

impl std::error::Error for IssuerError {}

impl Issuer {
    /// The issuer whose key lies in `folder`; made at the first call, readable by its owner alone.
    ///
    /// # Errors
    /// A file that cannot be read or written, or holds no RSA key.
    pub fn open(folder: &Path) -> Result<Issuer, IssuerError> {
        let path = folder.join("issuer.pem");
        let fault = |why: String| IssuerError { path: path.clone(), why };
        let pem = match fs::read(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = new_key().ok_or_else(|| fault("no key could be made".into()))?;
                keep(&path, &pem).map_err(|e| fault(e.to_string()))?;
                pem
            }
            Err(error) => return Err(fault(error.to_string())),
        };
        Issuer::from_pem(&pem).map_err(|e| fault(format!("holds no RSA key: {e}")))
    }

    fn from_pem(pem: &[u8]) -> Result<Issuer, jsonwebtoken::errors::Error> {
        let signing = EncodingKey::from_rsa_pem(pem)?;
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::RS256)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(kid.clone());
        let checking = DecodingKey::from_jwk(&jwk)?;
        Ok(Issuer { signing, checking, jwk, kid })
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// What the signing library refuses.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).map_err(|e| e.to_string())
    }

    /// The claims of a token that this issuer signed; nothing else about them is checked.
    pub(super) fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(self.kid.as_str()) {
            return None;
        }
        let mut only_signature = Validation::new(Algorithm::RS256);
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        only_signature.required_spec_claims.clear();
        let token = jsonwebtoken::decode(token, &self.checking, &only_signature).ok()?;
        Some(token.claims)
    }

    /// `/.well-known/openid-configuration` of the issuer at `url`.
    pub fn discovery(&self, url: &str) -> Value {
        json!({
            "issuer": url,
            "jwks_uri": format!("{url}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        })
    }

    /// `/.well-known/jwks.json`
    pub fn keys(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }
}

/// A new RSA key of 2,048 bits as PKCS #8 in PEM.
fn new_key() -> Option<Vec<u8>> {
    let key = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = key.as_der().ok()?;
    let text = STANDARD.encode(der.as_ref());
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).ok()?);
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Some(pem.into_bytes())
}

/// Written whole under another name first, so that a crash leaves no half key.
fn keep(path: &Path, pem: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(pem)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
