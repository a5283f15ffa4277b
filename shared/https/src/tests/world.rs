//! A client, its clock and its resolver.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use age_model::{ManualClock, Timestamp};

use super::receiver::{Authority, NAME, Receiver, Stream, answer_all};
use crate::{AddressRule, HttpsClient, HttpsSettings, HttpsUrl, Resolution, Resolver};

/// The path of all URLs of these tests, which no text may show.
pub(super) const SECRET_PATH: &str = "/services/T0SECRET?sig=S1SECRET";

pub(super) const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Answers with each list of addresses once, and with the last one from then on.
pub(super) struct ListedAnswers {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    questions: Mutex<Vec<String>>,
}

impl ListedAnswers {
    pub(super) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let read = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(read).collect()), questions: Mutex::default() })
    }

    pub(super) fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }
}

impl Resolver for ListedAnswers {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a> {
        self.questions.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(answer.unwrap_or_default())))
    }
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-23T00:05:00Z".parse::<Timestamp>().unwrap()))
}

/// Settings that permit the receivers of these tests, for names that resolve to them.
pub(super) fn settings(authority: &Authority) -> HttpsSettings {
    HttpsSettings {
        address_rule: AddressRule::PublicOr(vec![LOOPBACK]),
        extra_roots: vec![authority.der()],
        timeout: Duration::from_secs(5),
        resolver: ListedAnswers::new(&[&["127.0.0.1"]]),
        ..HttpsSettings::default()
    }
}

pub(super) fn client(settings: HttpsSettings) -> HttpsClient {
    HttpsClient::new(settings, clock()).unwrap()
}

pub(super) fn url(host: &str, port: u16) -> HttpsUrl {
    let text = format!("https://{host}:{port}{SECRET_PATH}");
    HttpsUrl::parse(&text, &AddressRule::PublicOr(vec![LOOPBACK])).unwrap()
}

/// A receiver with a valid certificate, its URL, and a client that trusts it and waits for `timeout`.
pub(super) async fn pair<F, Answer>(timeout: Duration, answer: F) -> (Receiver, HttpsUrl, HttpsClient)
where
    F: Fn(Stream) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let receiver = Receiver::start(authority.acceptor(&[NAME], 2999), answer).await;
    let url = url(NAME, receiver.port);
    (receiver, url, client(HttpsSettings { timeout, ..settings(&authority) }))
}

/// As [`pair`], with a receiver that always answers `response`.
pub(super) async fn pair_that_answers(response: &str) -> (Receiver, HttpsUrl, HttpsClient) {
    let response = response.to_owned();
    pair(Duration::from_secs(5), move |stream| answer_all(stream, response.clone())).await
}
