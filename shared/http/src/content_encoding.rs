//! Compressed request bodies: gzip, inflated within a bound.

use std::io::Read;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use flate2::read::MultiGzDecoder;

use crate::problem::Problem;

/// The encodings of a body, by its header `Content-Encoding`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContentEncoding {
    /// The body is as it is.
    Identity,
    /// The body is compressed by gzip, once.
    Gzip,
    /// Any other encoding, or several, as the header names them.
    Other(String),
}

impl ContentEncoding {
    /// Returns the encoding of a body that is sent with `headers`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let names: Vec<String> = values
            .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>())
            .filter(|name| !matches!(name.as_str(), "" | "identity"))
            .collect();
        match names.as_slice() {
            [] => Self::Identity,
            // RFC 9110, 8.4.1.3: recipients take both names for the same.
            [name] if matches!(name.as_str(), "gzip" | "x-gzip") => Self::Gzip,
            names => Self::Other(names.join(", ")),
        }
    }

    /// Returns the decoded `bytes`. A route that does not inflate does not link the code for it.
    ///
    /// # Errors
    /// 413 if there are more than `max_bytes`, 400 if they are not gzip, 415 if the encoding is not supported.
    pub(crate) fn decode<const INFLATES: bool>(self, bytes: Bytes, max_bytes: usize) -> Result<Bytes, Problem> {
        match self {
            Self::Identity => Ok(bytes),
            Self::Gzip if INFLATES => inflate(&bytes, max_bytes),
            Self::Gzip => Err(Problem::unsupported_encoding("gzip", "identity")),
            Self::Other(name) => Err(Problem::unsupported_encoding(&name, if INFLATES { "gzip" } else { "identity" })),
        }
    }
}

fn inflate(bytes: &[u8], max_bytes: usize) -> Result<Bytes, Problem> {
    let mut inflated = Vec::new();
    // One byte more than allowed shows that there are more; no further byte is inflated.
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut inflated);
    read.map_err(|error| Problem::bad_request(format!("the body is not gzip, as its Content-Encoding says: {error}")))?;
    if inflated.len() > max_bytes {
        let detail = format!("the body must be at most {max_bytes} bytes after it is inflated");
        return Err(Problem::too_large(detail, Vec::new()));
    }
    Ok(inflated.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn encoding(values: &[&str]) -> ContentEncoding {
        ContentEncoding::of(
            &values.iter().map(|value| (CONTENT_ENCODING, HeaderValue::from_str(value).unwrap())).collect(),
        )
    }

    fn inflated(bytes: &[u8]) -> Result<Bytes, u16> {
        ContentEncoding::Gzip.decode::<true>(bytes.to_vec().into(), 1000).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn header_names_one_encoding() {
        for identity in [&[][..], &["identity"], &["Identity, identity"], &[""]] {
            assert_eq!(encoding(identity), ContentEncoding::Identity, "{identity:?}");
        }
        for gzip in [&["gzip"][..], &["GZIP"], &["x-gzip"], &["identity", " gzip"]] {
            assert_eq!(encoding(gzip), ContentEncoding::Gzip, "{gzip:?}");
        }
        for (other, name) in [(&["br"][..], "br"), (&["gzip, gzip"], "gzip, gzip"), (&["gzip", "Zstd"], "gzip, zstd")] {
            assert_eq!(encoding(other), ContentEncoding::Other(name.to_owned()));
        }
    }

    #[test]
    fn gzip_is_inflated_within_the_bound() {
        assert_eq!(inflated(&gzip(b"{}")).unwrap(), "{}");
        assert_eq!(inflated(&[gzip(b"{"), gzip(b"}")].concat()).unwrap(), "{}", "members follow each other");
        assert_eq!(inflated(&gzip(&[b' '; 1000])).unwrap().len(), 1000);
        assert_eq!(inflated(&gzip(&[b' '; 1001])), Err(413));
        assert_eq!(inflated(&gzip(&vec![b' '; 20_000_000])), Err(413), "a bomb");
    }

    #[test]
    fn broken_gzip_is_refused() {
        let whole = gzip(b"{\"engine\":\"qa\"}");
        assert_eq!(inflated(b"{}"), Err(400));
        assert_eq!(inflated(&whole[..whole.len() - 1]), Err(400));
        assert_eq!(inflated(&[&whole[..], b"more"].concat()), Err(400));
        let mut changed = whole.clone();
        let checksum = changed.len() - 8;
        changed[checksum] ^= 1;
        assert_eq!(inflated(&changed), Err(400));
    }

    #[test]
    fn other_encoding_is_refused_with_those_that_are_accepted() {
        let refused = |encoding: ContentEncoding| encoding.decode::<true>("{}".into(), 10).unwrap_err();
        let problem = refused(ContentEncoding::Other("br".to_owned()));
        assert_eq!((problem.status().as_u16(), problem.accepted_encoding()), (415, Some("gzip")));
        assert!(problem.detail().contains("br"), "{problem:?}");
        let problem = ContentEncoding::Gzip.decode::<false>("{}".into(), 10).unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.accepted_encoding()), (415, Some("identity")));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), text in ".{0,30}", at in any::<prop::sample::Index>()) {
            let _ = inflated(&bytes);
            let mut compressed = gzip(text.as_bytes());
            let at = at.index(compressed.len());
            compressed.splice(at..at, bytes.drain(..bytes.len().min(2)));
            let _ = inflated(&compressed);
        }
    }
}
