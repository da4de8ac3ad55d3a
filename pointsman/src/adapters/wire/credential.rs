use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// What a request's signature says about who signed for which service and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    pub(super) key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`; anything else is no credential.
pub(super) fn of(headers: &HeaderMap) -> Option<Credential<'_>> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let scope = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
    let mut parts = scope.trim().rsplit('/');
    let (end, service, region, _date) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let key = parts.next()?;
    (end == "aws4_request" && parts.next().is_none()).then_some(Credential { key, region, service })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(header: &'static str, wanted: Option<[&str; 3]>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, hyper::header::HeaderValue::from_static(header));
        let got = of(&headers).map(|c| [c.key, c.region, c.service]);
        assert_eq!(got, wanted, "{header}");
    }

    #[test]
    fn the_credential_scope_names_key_region_and_service() {
        case(
            "AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            Some(["AKID", "eu-west-1", "sqs"]),
        );
        case(
            "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=A/1/r/events/aws4_request,Signature=0",
            Some(["A", "r", "events"]),
        );
        case("AWS4-HMAC-SHA256 Credential=AKID/20261121/aws4_request, Signature=0", None);
        case("AWS4-HMAC-SHA256 Credential=", None);
        case("Bearer abc", None);
    }
}
