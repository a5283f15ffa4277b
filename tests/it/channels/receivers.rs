//! Receivers over HTTPS that behave badly: delivered, tried again later or given up, within seconds, and without delay for others.

use std::time::Duration;

use tokio::time::Instant;

use super::{Channels, HOOK, channel, incident_id, with};
use crate::world::https_receivers::{Conduct, HttpsReceiver, client};
use crate::world::tls::Authority;

/// The channel of each conduct, with the result of its first attempt.
const CONDUCTS: [(&str, Conduct, &str, &str); 9] = [
    ("accepting", Conduct::Respond("200 OK"), "delivered", "200"),
    ("throttled", Conduct::Respond("429 Too Many Requests\r\nretry-after: 90"), "failed", "429"),
    ("broken", Conduct::Respond("500 Internal Server Error"), "failed", "500"),
    ("gone", Conduct::Respond("404 Not Found"), "given_up", "404"),
    ("redirecting", Conduct::Respond("302 Found\r\nlocation: https://169.254.169.254/latest"), "given_up", "302"),
    ("silent", Conduct::Silence, "failed", "`silent.example.com` has not responded within 10000 ms"),
    ("slow", Conduct::ByteASecond, "failed", "`slow.example.com` has not responded within 10000 ms"),
    ("huge", Conduct::Gigabyte, "delivered", "200"),
    (
        "foreign",
        Conduct::WrongCertificate,
        "failed",
        "cannot establish TLS with `foreign.example.com`: its certificate is issued for another name",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiver_that_behaves_badly_delays_no_other_by_a_second() {
    let authority = Authority::new();
    let mut channels = Channels::with(&[]).await;
    channels.relay = channels.world.relay_by(Box::new(client(&authority, &channels.world.clock)));
    let mut receivers = Vec::new();
    for (name, conduct, ..) in CONDUCTS {
        let receiver = HttpsReceiver::start(&authority, &format!("{name}.example.com"), conduct).await;
        channels.create(&with(channel(HOOK), &serde_json::json!({ "name": name, "url": receiver.url }))).await;
        receivers.push(receiver);
    }
    channels.queue_numbers(0..3).await;
    let start = Instant::now();
    channels.work_off().await;
    let elapsed = start.elapsed();
    assert!((10..14).contains(&elapsed.as_secs()), "the run ends when the slowest has had its time: {elapsed:?}");

    let attempts = channels.attempts(&incident_id(0)).await;
    for ((name, _, result, detail), receiver) in CONDUCTS.into_iter().zip(&receivers) {
        let of_channel = attempts.iter().filter(|attempt| attempt.channel.as_str() == name);
        let results: Vec<_> = of_channel.map(|it| (it.result.to_string(), it.detail.as_str())).collect();
        assert_eq!(results, [(result.to_owned(), detail)], "{name}");
        let expected = match result {
            "failed" => usize::from(name != "foreign"),
            _ => 3,
        };
        let requests = receiver.requests();
        assert_eq!(requests.len(), expected, "{name}: a channel that fails gets no more until it is tried again");
        let late = requests.iter().filter(|at| at.duration_since(start) > Duration::from_secs(1)).count();
        // The body of each huge response is read for up to a second.
        assert!(late == 0 || name == "huge", "{name}: {:?}", requests.iter().map(|at| at.duration_since(start)));
    }
    let [accepting, .., huge, foreign] = receivers.as_slice() else { panic!("nine receivers") };
    assert_eq!(accepting.connections(), 1, "messages share a connection");
    assert!(huge.sent_bytes() < 64 << 20, "{} bytes of three gigabytes", huge.sent_bytes());
    assert_eq!(foreign.requests().len(), 0, "nothing is sent to another host");
}
