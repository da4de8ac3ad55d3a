//! `CorsConfiguration` of an HTTP API: preflights are answered without a route, and a function's own CORS headers
//! give way.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Cors {
    allow_origins: Vec<String>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    allow_credentials: bool,
    max_age: Option<u32>,
}

impl Cors {
    pub(super) fn parse(text: Option<&str>) -> Option<Cors> {
        serde_json::from_str(text?).ok()
    }

    /// Sets the headers for a request from `origin`; without an origin nothing is set.
    pub(super) fn set(
        &self,
        headers: &mut HeaderMap,
        origin: Option<&HeaderValue>,
        preflight: bool,
    ) {
        let names: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with("access-control-"))
            .cloned()
            .collect();
        for name in names {
            headers.remove(name);
        }
        let Some(origin) = origin.and_then(|o| o.to_str().ok()) else { return };
        let any = self.allow_origins.iter().any(|o| o == "*");
        if !any && !self.allow_origins.iter().any(|o| o == origin) {
            return;
        }
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("access-control-allow-origin", if any { "*" } else { origin });
        if self.allow_credentials {
            set("access-control-allow-credentials", "true");
        }
        if !self.expose_headers.is_empty() {
            set("access-control-expose-headers", &self.expose_headers.join(","));
        }
        if preflight {
            set("access-control-allow-methods", &self.allow_methods.join(","));
            set("access-control-allow-headers", &self.allow_headers.join(","));
            if let Some(age) = self.max_age {
                set("access-control-max-age", &age.to_string());
            }
        }
    }
}
