use std::time::Duration;

use age_model::{Clock, Timestamp};
use hyper::header::HeaderValue;

use super::world::clock;
use crate::retry_after::parse_retry_after;

#[test]
fn retry_after_is_seconds_or_a_date_up_to_a_day() {
    let day = 86_400;
    for (text, seconds) in [
        ("0", Some(0)),
        ("120", Some(120)),
        (" 5 ", Some(5)),
        ("86401", Some(day)),
        ("99999999999999999999999", Some(day)),
        ("Mon, 23 Nov 2026 00:05:10 GMT", Some(10)),
        ("Monday, 23-Nov-26 00:05:10 GMT", Some(10)),
        ("Mon Nov 23 00:05:10 2026", Some(10)),
        ("Mon, 23 Nov 2026 00:04:00 GMT", Some(0)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(day)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("2026-11-23T00:05:10Z", None),
    ] {
        let wait = parse_retry_after(&HeaderValue::from_static(text), clock().now());
        assert_eq!(wait, seconds.map(Duration::from_secs), "{text:?}");
    }
    assert_eq!(parse_retry_after(&HeaderValue::from_bytes(b"\xff").unwrap(), clock().now()), None);
    let before_1970 = Timestamp::from_millis(-5);
    let date = HeaderValue::from_static("Thu, 01 Jan 1970 00:00:10 GMT");
    assert_eq!(parse_retry_after(&date, before_1970), Some(Duration::from_secs(10)));
}
