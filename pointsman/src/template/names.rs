//! Names: the nearest one to a wrong one, and physical names of what a template does not name.

/// The candidate that `wrong` was most likely meant to be, if one is near.
pub(crate) fn nearest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A misspelling is at most a third of a word and three letters; longer names are not compared at all.
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|name| name.len() <= 256 && wrong.len() <= 256)
        .map(|name| (distance(&wrong.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// ` (did you mean X?)`, or nothing.
pub(crate) fn one_of(name: Option<impl std::fmt::Display>) -> String {
    name.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

/// The name of a resource that the template leaves unnamed: `STACK-ID`, the same at every start.
///
/// CloudFormation adds a random suffix. Names longer than the service's `limit` are cut, and a hash of the whole keeps
/// them apart.
pub(crate) fn physical(stack: &str, id: &str, limit: usize) -> String {
    let name = format!("{stack}-{id}");
    if name.chars().count() <= limit {
        return name;
    }
    let kept: String = name.chars().take(limit.saturating_sub(9)).collect();
    format!("{kept}-{:08x}", hash(name.as_bytes(), 0) as u32)
}

/// A UUID made of stack and logical id, in the form of version 8 (RFC 9562: free for own schemes).
pub(crate) fn uuid(stack: &str, id: &str) -> String {
    let name = format!("{stack}/{id}");
    let (high, low) = (hash(name.as_bytes(), 1), hash(name.as_bytes(), 2));
    format!(
        "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// FNV-1a with a final mix; stable for ever, since names on disk come from it.
fn hash(bytes: &[u8], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut hash = bytes
        .iter()
        .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = index + 1;
        for (column, b) in right.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if a == *b { corner } else { 1 + corner.min(above).min(row[column]) };
            corner = above;
        }
    }
    row[right.len()]
}
