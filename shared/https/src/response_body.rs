//! Response bodies, which nobody needs.

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

/// Reads `body` and throws it away, so that its connection can be used again. Returns false, with a part unread, if the body has more than
/// `max_bytes` or ends early.
pub(crate) async fn discard_body(mut body: Incoming, max_bytes: u64) -> bool {
    if body.size_hint().lower() > max_bytes {
        return false;
    }
    let mut left = max_bytes;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}
