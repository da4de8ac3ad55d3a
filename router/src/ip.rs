//! Address text → value; CIDR text → a range of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as EventBridge reads one: four decimal numbers (leading zeros allowed) or IPv6
/// without an embedded dotted part; an IPv4-mapped IPv6 address is its IPv4 address.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(|b| b.is_ascii_hexdigit() || *b == b':') {
        return None;
    }
    if text.contains(':') {
        if text.contains('.') {
            return None;
        }
        let v6: Ipv6Addr = text.parse().ok()?;
        return Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4));
    }
    v4(text).map(IpAddr::V4)
}

/// Addresses that share the leading bits of a CIDR block; its host bits are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cidr {
    text: String,
    base: IpAddr,
    bits: u32,
}

impl Cidr {
    /// Reads `address/bits`; IPv4 takes 0 to 31 bits, IPv6 0 to 127.
    pub(crate) fn parse(text: &str) -> Result<Cidr, String> {
        // Slashes at the end are ignored by EventBridge's reader.
        let (ip, mask) = text
            .trim_end_matches('/')
            .split_once('/')
            .filter(|(_, mask)| !mask.contains('/'))
            .ok_or("Malformed CIDR, one '/' required")?;
        let bits: i32 =
            mask.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let bits = u32::try_from(bits)
            .map_err(|_| "Malformed CIDR, mask bits must not be negative".to_owned())?;
        let base = address(ip).ok_or_else(|| format!("Nonstandard IP address: {ip}"))?;
        match base {
            IpAddr::V4(_) if bits > 31 => Err("IPv4 mask bits must be < 32".to_owned()),
            IpAddr::V6(_) if bits > 127 => Err("IPv6 mask bits must be < 128".to_owned()),
            _ => Ok(Cidr { text: text.to_owned(), base, bits }),
        }
    }

    /// The block as the pattern spells it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let differing = u32::from(base) ^ u32::from(ip);
                differing.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let differing = u128::from(base) ^ u128::from(ip);
                differing.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

fn v4(text: &str) -> Option<Ipv4Addr> {
    // The longest dotted quad has 15 characters; anything longer is a name, not an address.
    if text.len() > 15 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = u8::try_from(part.parse::<u64>().ok()?).ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}
