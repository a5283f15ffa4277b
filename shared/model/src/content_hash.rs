//! SHA-256 over several texts.

use sha2::{Digest, Sha256};

use crate::hexadecimal::hexadecimal;

/// Returns the SHA-256 of `parts`, hexadecimal. Each part is preceded by its length, so that different lists of parts have
/// different input.
pub(crate) fn of<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    #[test]
    fn digest_depends_on_where_parts_are_split() {
        assert_eq!(super::of(["a", "b"]).len(), 64);
        assert_ne!(super::of(["a", "b"]), super::of(["ab"]));
        assert_ne!(super::of(["a", "b"]), super::of(["ab", ""]));
    }
}
