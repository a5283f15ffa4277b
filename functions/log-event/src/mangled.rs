//! Bodies that are almost right: what finds the edges of a parser.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// How many inputs each parser is shown; all of them together are over a million.
pub(crate) const MANY: u32 = 200_000;

/// One of `texts` with some bytes put in, taken out or changed; or bytes that are nothing.
pub(crate) fn mangled(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edit =
        (any::<Index>(), 0_u8..4, select(b"\"{}[]:,\\0-9.eE \0\x80\xffnull\xe2\x80\xae".as_slice()), any::<u8>());
    let almost = (select(texts), prop::collection::vec(edit, 0..4)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, kind, telling, any) in edits {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, telling),
                1 => bytes.insert(at, any),
                2 => bytes.truncate(at),
                _ => _ = (at < bytes.len()).then(|| bytes.remove(at)),
            }
        }
        bytes
    });
    prop_oneof![9 => almost, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}
