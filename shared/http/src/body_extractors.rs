//! Request bodies: JSON or forms, of a bounded size, and compressed where a route accepts that.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::content_encoding::ContentEncoding;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;

/// The default limit of a body, in bytes. An event has 17 KB at most; the rest allows for white space.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The byte order mark of UTF-8, which says nothing that JSON does not say.
const UTF8_BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The bytes of a body whose `Content-Type` is JSON. They are not parsed yet.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = <AnyBody>::from_request(request, &()).await?;
        if body.is_json() { Ok(Self(body.bytes)) } else { Err(Problem::not_json()) }
    }
}

/// As [`JsonBody`], of a body whose fields are all optional, so that the body is optional. Without a body, the bytes are `{}`.
#[derive(Debug)]
pub struct OptionalJsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = <AnyBody>::from_request(request, &()).await?;
        // A null counts as absent, as it does for a field.
        match body.bytes.trim_ascii() {
            b"" => Ok(Self(Bytes::from_static(b"{}"))),
            _ if !body.is_json() => Err(Problem::not_json()),
            b"null" => Ok(Self(Bytes::from_static(b"{}"))),
            _ => Ok(Self(body.bytes)),
        }
    }
}

/// The bytes of a body, `MAX_BYTES` at most, and the media type of its `Content-Type`. The bytes are not parsed yet; they begin
/// after a byte order mark of UTF-8. A body that is compressed is refused, unless the route `INFLATES` gzip: then these are the
/// inflated bytes.
#[derive(Debug)]
pub struct AnyBody<const MAX_BYTES: usize = MAX_BODY_BYTES, const INFLATES: bool = false> {
    /// The media type, without parameters and in lower case. None without a `Content-Type`.
    pub media_type: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
    /// How many bytes were sent: fewer than these if the body was compressed.
    pub sent_bytes: usize,
}

impl<const MAX_BYTES: usize, const INFLATES: bool> AnyBody<MAX_BYTES, INFLATES> {
    /// Whether the media type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.media_type.as_deref() == Some(JSON)
    }
}

impl<S: Send + Sync, const MAX_BYTES: usize, const INFLATES: bool> FromRequest<S> for AnyBody<MAX_BYTES, INFLATES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let media_type = media_type(request.headers());
        let (bytes, sent_bytes) = read::<INFLATES>(request, MAX_BYTES).await?;
        Ok(Self { media_type, bytes, sent_bytes })
    }
}

/// The fields of a form, as browsers send them.
#[derive(Debug)]
pub struct FormBody(pub Query);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let AnyBody { media_type, bytes, .. } = <AnyBody>::from_request(request, &()).await?;
        if media_type.as_deref() == Some(FORM) {
            Ok(Self(Query::parse(&bytes)))
        } else {
            Err(Problem::unsupported_media_type(format!("the Content-Type must be {FORM}")))
        }
    }
}

/// No body, or an empty JSON object. Fields are refused by name, because they would have no effect.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (bytes, _) = read::<false>(request, MAX_BODY_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        Fields::parse(&bytes)?.finish(Ok(Self))
    }
}

/// Reads the text of a body. Returns it with the number of bytes that were sent.
async fn read<const INFLATES: bool>(request: Request, max_bytes: usize) -> Result<(Bytes, usize), Problem> {
    let encoding = ContentEncoding::of(request.headers());
    let too_large = |_| Problem::too_large(format!("the body must be at most {max_bytes} bytes"), Vec::new());
    let bytes = to_bytes(request.into_body(), max_bytes).await.map_err(too_large)?;
    let sent_bytes = bytes.len();
    if bytes.is_empty() {
        return Ok((bytes, sent_bytes));
    }
    let bytes = encoding.decode::<INFLATES>(bytes, max_bytes)?;
    if let Some(text) = bytes.strip_prefix(UTF8_BYTE_ORDER_MARK) {
        return Ok((bytes.slice_ref(text), sent_bytes));
    }
    match other_unicode(&bytes) {
        Some(name) => Err(Problem::bad_request(format!("the body must be UTF-8; got {name}"))),
        None => Ok((bytes, sent_bytes)),
    }
}

/// Returns the encoding of Unicode, other than UTF-8, of a text that begins like `bytes`: by its byte order mark, or by the zeros
/// beside its first character, which is ASCII in JSON.
fn other_unicode(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, ..] | [_, 0, 0, 0, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|media_type| media_type.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read_all(bytes: &[u8]) -> Result<Bytes, Problem> {
        Ok(read::<false>(Request::new(Body::from(bytes.to_vec())), 100).await?.0)
    }

    #[tokio::test]
    async fn byte_order_mark_of_utf8_is_left_out_once() {
        assert_eq!(read_all("\u{feff}{}".as_bytes()).await.unwrap(), "{}");
        assert_eq!(read_all("\u{feff}\u{feff}{}".as_bytes()).await.unwrap(), "\u{feff}{}");
        assert_eq!(read_all("\u{feff}".as_bytes()).await.unwrap(), "");
    }

    #[tokio::test]
    async fn other_encodings_of_unicode_are_refused_by_name() {
        let utf16 = |big: bool, text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let utf32: Vec<u8> = "{}".chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
        for (body, name) in [
            (utf16(true, "\u{feff}{}"), "UTF-16"),
            (utf16(false, "\u{feff}{}"), "UTF-16"),
            (utf16(true, "{\"a\":1}"), "UTF-16"),
            (utf16(false, "[]"), "UTF-16"),
            (utf32, "UTF-32"),
        ] {
            let problem = read_all(&body).await.unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.detail()),
                (400, &*format!("the body must be UTF-8; got {name}"))
            );
        }
    }
}
