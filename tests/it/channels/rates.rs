//! Rates of channels. The clock advances when the relay sleeps.

use super::{Channels, PAGER, PAGER_HOST, SLACK, SLACK_HOST, TEAMS, TEAMS_HOST, slack_titles};
use crate::world::receivers::ReceivedRequest;

/// Works off until `channel` has got everything. The clock advances only while the relay sleeps. Returns the number of runs.
async fn work_off_all(channels: &Channels, channel: &str) -> usize {
    let mut runs = 0;
    while !channels.pending(channel).await.is_empty() {
        channels.work_off().await;
        runs += 1;
        assert!(runs < 20, "{channel}");
    }
    runs
}

/// Returns the least milliseconds between two requests.
fn least_interval(requests: &[ReceivedRequest]) -> u128 {
    requests.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_millis()).min().unwrap()
}

/// Returns the number of incidents in the title of a combined message, such as `25 incidents with 25 new events: 25 CRITICAL`. Each
/// incident has one event.
fn counted(title: &str) -> usize {
    match title.split_once(" incidents with ") {
        Some((number, rest)) => {
            assert_eq!(rest, format!("{number} new events: {number} CRITICAL"));
            number.parse().unwrap()
        }
        None => 1,
    }
}

#[tokio::test]
async fn hundred_messages_reach_slack_once_a_second_with_exact_numbers() {
    let channels = Channels::with(&[SLACK]).await;
    channels.queue_numbers(0..100).await;
    let runs = work_off_all(&channels, SLACK).await;
    let requests = channels.receivers.of(SLACK_HOST);
    assert_eq!(slack_titles(&requests).into_iter().map(counted).sum::<usize>(), 100);
    assert!(requests.len() <= 9 && runs == 1, "{} messages in {runs} runs", requests.len());
    assert!(least_interval(&requests) >= 1000);
}

#[tokio::test]
async fn few_messages_reach_slack_one_by_one_and_once_a_second_over_runs() {
    let channels = Channels::with(&[SLACK]).await;
    for round in 0..4 {
        channels.queue_numbers(round * 5..round * 5 + 5).await;
        channels.work_off().await;
    }
    let requests = channels.receivers.of(SLACK_HOST);
    assert_eq!(requests.len(), 20);
    assert!(slack_titles(&requests).iter().all(|title| title.starts_with("CRITICAL billing: order_")));
    assert!(least_interval(&requests) >= 1000);
}

#[tokio::test]
async fn teams_gets_at_most_four_messages_a_second() {
    let channels = Channels::with(&[TEAMS]).await;
    for round in 0..4 {
        channels.queue_numbers(round * 5..round * 5 + 5).await;
        channels.work_off().await;
    }
    let requests = channels.receivers.of(TEAMS_HOST);
    assert_eq!(requests.len(), 20);
    assert!(least_interval(&requests) >= 250);
}

#[tokio::test]
async fn three_hundred_messages_reach_a_pager_with_at_most_120_a_minute() {
    let channels = Channels::with(&[PAGER]).await;
    channels.queue_numbers(0..300).await;
    let runs = work_off_all(&channels, PAGER).await;
    let requests = channels.receivers.of(PAGER_HOST);
    assert_eq!(requests.len(), 300);
    assert!(runs > 2, "a run ends before its function does");
    for (index, request) in requests.iter().enumerate() {
        let within = requests[index..].iter().take_while(|it| it.at < request.at.plus_seconds(60)).count();
        assert!(within <= 120, "{within} in the minute from {}", request.at);
    }
    let elapsed = requests[299].at.since(requests[0].at).as_secs();
    assert!(elapsed < 180, "the rate is used: {elapsed} seconds");
}
