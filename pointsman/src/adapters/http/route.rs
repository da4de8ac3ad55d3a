//! Which route a request takes.

use crate::topology::RouteSpec;
use std::collections::BTreeMap;

/// A route and what its path's variables are.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) route: &'a RouteSpec,
    pub(super) parameters: BTreeMap<String, String>,
}

/// The most specific route: a full match of the path before a greedy one, static segments before variables, the
/// method itself before ANY, and `$default` last.
pub(super) fn take<'a>(routes: &'a [RouteSpec], method: &str, path: &str) -> Option<Taken<'a>> {
    let segments: Vec<String> = path.trim_start_matches('/').split('/').map(decoded).collect();
    let fitting = routes.iter().filter_map(|route| {
        let by_method = match &route.method {
            m if m == method => 1,
            m if m == "ANY" => 0,
            _ => return None,
        };
        let (rank, parameters) = fit(&route.path, &segments)?;
        Some(((rank, by_method), Taken { route, parameters }))
    });
    // The first of equals wins, as `max_by_key` would give the last.
    let mut best: Option<((Vec<u8>, u8), Taken<'a>)> = None;
    for (rank, taken) in fitting {
        if best.as_ref().is_none_or(|(most, _)| rank > *most) {
            best = Some((rank, taken));
        }
    }
    best.map(|(_, taken)| taken)
}

/// How specifically a route's path fits: first whether it fits to the end without a greedy variable, then segment by
/// segment (static 3, variable 2, greedy 1); `$default` nothing.
fn fit(pattern: &str, segments: &[String]) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let mut parameters = BTreeMap::new();
    if pattern == "$default" {
        return Some((vec![], parameters));
    }
    const FULL: u8 = 1;
    let mut rank = vec![FULL];
    let mut rest = segments;
    for wanted in pattern.trim_start_matches('/').split('/') {
        let variable = wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}'));
        if let Some(greedy) = variable.and_then(|name| name.strip_suffix('+')) {
            if rest.is_empty() {
                return None;
            }
            parameters.insert(greedy.to_owned(), rest.join("/"));
            rank.push(1);
            rank[0] = 0;
            return Some((rank, parameters));
        }
        let (first, others) = rest.split_first()?;
        match variable {
            Some(name) if !first.is_empty() => {
                parameters.insert(name.to_owned(), first.clone());
                rank.push(2);
            }
            None if first == wanted => rank.push(3),
            _ => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some((rank, parameters))
}

/// Percent-decoded; what is no valid escape, or no UTF-8 behind it, stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|hex| bytes[at] == b'%' && hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Place;

    fn routes() -> Vec<RouteSpec> {
        let all = [
            ("ANY", "$default"),
            ("GET", "/{proxy+}"),
            ("GET", "/orders/{id}"),
            ("ANY", "/orders/latest"),
            ("POST", "/orders"),
            ("GET", "/orders/{id}/history"),
            ("GET", "/a/{proxy+}"),
            ("ANY", "/{x}/b"),
            ("GET", "/a/{y}/{rest+}"),
        ];
        all.iter()
            .map(|(method, path)| RouteSpec {
                method: (*method).into(),
                path: (*path).into(),
                function: "f".into(),
                authorizer: None,
                scopes: vec![],
                timeout_ms: 30_000,
                payload: "2.0".into(),
                place: Place::default(),
            })
            .collect()
    }

    #[track_caller]
    fn case(routes: &[RouteSpec], request: &str, wanted: Option<(&str, &[(&str, &str)])>) {
        let (method, path) = request.split_once(' ').unwrap();
        let got = take(routes, method, path).map(|t| (t.route.path.clone(), t.parameters));
        let wanted = wanted.map(|(path, parameters)| {
            let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
            (path.to_owned(), parameters.iter().map(own).collect())
        });
        assert_eq!(got, wanted, "{request}");
    }

    #[test]
    fn the_most_specific_route_is_taken() {
        let all = routes();
        case(&all, "POST /orders", Some(("/orders", &[])));
        case(&all, "GET /orders/7", Some(("/orders/{id}", &[("id", "7")])));
        case(&all, "GET /orders/latest", Some(("/orders/latest", &[])));
        case(&all, "GET /orders/7/history", Some(("/orders/{id}/history", &[("id", "7")])));
        case(&all, "GET /b/c/d", Some(("/{proxy+}", &[("proxy", "b/c/d")])));
        case(&all, "GET /a/b", Some(("/{x}/b", &[("x", "a")])));
        case(&all, "GET /a/c", Some(("/a/{proxy+}", &[("proxy", "c")])));
        case(&all, "GET /a/b/c", Some(("/a/{y}/{rest+}", &[("y", "b"), ("rest", "c")])));
        case(&all, "PUT /a/b/c", Some(("$default", &[])));
        case(&all, "GET /orders/a%2Fb%20c", Some(("/orders/{id}", &[("id", "a/b c")])));
        case(&all[4..6], "GET /orders", None);
        case(&all[4..6], "POST /orders/", None);
    }

    #[test]
    fn a_broken_escape_stays_as_it_is() {
        assert_eq!(decoded("a%zz%4"), "a%zz%4");
        assert_eq!(decoded("a%+5%-1"), "a%+5%-1");
        assert_eq!(decoded("%ff"), "%ff");
        assert_eq!(decoded("%C3%A9"), "é");
    }
}
