//! Inputs that are almost valid, which find the edges of a parser.

use std::sync::LazyLock;

use age_governance::KnownEngines;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The engines of the default policy. Building them for each input would take most of the time.
pub(crate) static ENGINES: LazyLock<KnownEngines> = LazyLock::new(|| KnownEngines::compiled().unwrap());

/// How many inputs each parser gets: many in CI, where all of them together are over a million; few elsewhere.
pub(crate) fn many() -> ProptestConfig {
    ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 200_000 } else { 2_000 })
}

/// One of `texts` with some bytes inserted, removed or changed; or random bytes.
pub(crate) fn mangled(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edit =
        (any::<Index>(), 0_u8..4, select(b"\"{}[]:,\\0-9.eE \0\x80\xffnull\xe2\x80\xae".as_slice()), any::<u8>());
    let almost = (select(texts), prop::collection::vec(edit, 0..4)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, kind, special, arbitrary) in edits {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, special),
                1 => bytes.insert(at, arbitrary),
                2 => bytes.truncate(at),
                _ => _ = (at < bytes.len()).then(|| bytes.remove(at)),
            }
        }
        bytes
    });
    prop_oneof![9 => almost, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}
