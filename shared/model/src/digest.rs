//! SHA-256 over several texts.

use sha2::{Digest, Sha256};

/// The digest of `parts`, hexadecimal. The length goes before each part: no two lists of parts are the same text.
pub(crate) fn of<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_are_told_apart() {
        assert_eq!(super::of(["a", "b"]).len(), 64);
        assert_ne!(super::of(["a", "b"]), super::of(["ab"]));
        assert_ne!(super::of(["a", "b"]), super::of(["ab", ""]));
    }
}
