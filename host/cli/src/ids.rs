//! Ids as people read and type them.

/// The fewest characters that an id is cut to: forty bits of chance.
const LEAST: usize = 8;

/// How many characters of their ends tell ids apart. Their beginnings are times, and alike.
pub fn unique<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    let ids: Vec<&str> = ids.into_iter().collect();
    let longest = ids.iter().map(|id| id.len()).max().unwrap_or_default();
    let is_unique = |length: &usize| {
        let mut ends: Vec<&str> = ids.iter().map(|id| short(id, *length)).collect();
        ends.sort_unstable();
        ends.windows(2).all(|pair| pair.first() != pair.last())
    };
    (LEAST..longest).find(is_unique).unwrap_or(longest.max(LEAST))
}

/// The end of an id.
pub fn short(id: &str, length: usize) -> &str {
    let cut = id.len().saturating_sub(length);
    id.get(cut..).unwrap_or(id)
}

/// The end of an id that stands alone.
pub fn alone(id: &str) -> &str {
    short(id, LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_to_the_end_that_tells_them_apart() {
        let ids = ["01kaz0000000000000aaaaaaaa", "01kaz0000000000000bbbbbbbb"];
        assert_eq!(unique(ids), 8);
        assert_eq!(ids.map(|id| short(id, 8)), ["aaaaaaaa", "bbbbbbbb"]);
        let alike = ["01kaz00000000000x1aaaaaaaa", "01kaz00000000000y1aaaaaaaa"];
        assert_eq!(unique(alike), 10);
        assert_eq!(unique([]), 8);
        assert_eq!((unique(["r1", "r2"]), short("r1", 8)), (8, "r1"));
    }
}
