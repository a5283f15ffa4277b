use std::net::IpAddr;

use super::receiver::{Authority, NAME, Receiver, answer_all};
use super::world::{ListedAnswers, client, clock, settings, url};
use crate::{AddressRule, HttpsClient, HttpsError, HttpsSettings, HttpsUrl, InvalidHttpsUrl};

const REFUSED: &str = "
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
    169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1
    192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255
    :: ::1 ::7f00:1 ::a00:1 ::a9fe:a9fe ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:808:808::1 2001:2::1 2001:10::1 2001:20::1
    2001:1ff::1 2001:db8::1 2001:db8:ffff::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1 2002:c0a8:101::1 3fff::1
    3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1";

const PERMITTED: &str = "
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 128.0.0.1 169.253.255.255 169.255.0.1
    172.15.255.255 172.32.0.1 192.0.1.1 192.0.3.1 192.167.0.1 192.169.0.1 198.17.0.1 198.20.0.1 203.0.112.1 223.255.255.255
    ::ffff:8.8.8.8 ::808:808 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2002:808:808::1 2606:4700::1111
    2a00:1450::1 3ffe::1 3fff:1000::1";

fn addresses(list: &str) -> impl Iterator<Item = IpAddr> {
    list.split_whitespace().map(|address| address.parse().unwrap())
}

#[test]
fn address_that_is_not_public_is_refused() {
    for address in addresses(REFUSED) {
        assert!(!AddressRule::Public.permits(address), "{address}");
        assert!(!AddressRule::PublicOr(vec!["127.0.0.9".parse().unwrap()]).permits(address), "{address}");
        assert!(AddressRule::PublicOr(vec![address]).permits(address), "{address}");
    }
    for address in addresses(PERMITTED) {
        assert!(AddressRule::Public.permits(address), "{address}");
    }
}

#[test]
fn ip_address_in_url_that_is_not_public_is_refused() {
    for address in addresses(REFUSED) {
        let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        let error = format!("https://{host}/").parse::<HttpsUrl>().unwrap_err();
        assert_eq!(error, InvalidHttpsUrl::AddressRefused, "{address}");
    }
}

#[test]
fn spelling_of_an_ip_address_does_not_hide_it() {
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0",
        "0x0",
        "127%2e0%2e0%2e1",
        "%31%32%37.0.0.1",
        "0XA9FEA9FE",
        "2852039166",
        "0251.0376.0251.0376",
        "[0:0:0:0:0:0:0:1]",
        "[::FFFF:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
    ] {
        let error = format!("https://{host}/").parse::<HttpsUrl>().unwrap_err();
        assert_eq!(error, InvalidHttpsUrl::AddressRefused, "{host}");
    }
}

#[test]
fn name_without_dot_is_refused() {
    for host in ["localhost", "LOCALHOST", "localhost.", "loc%61lhost", "metadata", "com"] {
        let error = format!("https://{host}/").parse::<HttpsUrl>().unwrap_err();
        assert_eq!(error, InvalidHttpsUrl::NameWithoutDot, "{host}");
    }
}

/// The error of a request to `host`, whose name has `answer`, for a client that connects to public addresses only.
async fn refusal(host: &str, answer: &[&str]) -> HttpsError {
    let resolver = ListedAnswers::new(&[answer]);
    let settings =
        HttpsSettings { address_rule: AddressRule::Public, resolver: resolver.clone(), ..settings(&Authority::new()) };
    let url: HttpsUrl = format!("https://{host}/").parse().unwrap();
    let error = client(settings).post(&url, &[], Vec::new()).await.unwrap_err();
    assert_eq!(resolver.questions(), [url.host()]);
    error
}

#[tokio::test]
async fn name_with_an_address_that_is_not_public_is_refused_as_a_whole() {
    for (host, answer) in [
        ("a.localhost", &["127.0.0.1"] as &[&str]),
        ("printer.local", &["192.168.1.9"]),
        ("instance-data.ec2.internal", &["169.254.169.254"]),
        ("metadata.google.internal", &["169.254.169.254"]),
        ("127.0.0.1.nip.io", &["127.0.0.1"]),
        ("a.example", &["10.0.0.1"]),
        ("b.example", &["8.8.8.8", "10.0.0.1"]),
        ("c.example", &["2606:4700::1111", "8.8.8.8", "fd00:ec2::254"]),
        ("d.example", &["::ffff:127.0.0.1"]),
        ("e.example", &["64:ff9b::7f00:1"]),
        ("f.example", &["0.0.0.0"]),
        ("g.example", &["8.8.8.8", "8.8.4.4", "1.1.1.1", "127.0.0.1"]),
    ] {
        assert_eq!(refusal(host, answer).await, HttpsError::AddressRefused { host: host.to_owned() });
    }
}

#[tokio::test]
async fn name_without_address_is_a_dns_failure() {
    assert_eq!(refusal("a.example", &[]).await, HttpsError::DnsFailed { host: "a.example".to_owned() });
}

#[tokio::test]
async fn name_unknown_to_the_system_is_a_dns_failure() {
    let url: HttpsUrl = "https://name.invalid/".parse().unwrap();
    let settings = HttpsSettings { extra_roots: vec![Authority::new().der()], ..HttpsSettings::default() };
    let error = client(settings).post(&url, &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::DnsFailed { host: "name.invalid".to_owned() });
}

#[tokio::test]
async fn system_resolver_knows_the_hosts_file() {
    let addresses = crate::Resolver::resolve(&crate::SystemResolver, "localhost").await.unwrap();
    assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty(), "{addresses:?}");
}

#[tokio::test]
async fn ip_address_in_url_is_judged_by_the_rule_of_the_client() {
    let settings = HttpsSettings { address_rule: AddressRule::Public, ..settings(&Authority::new()) };
    let error = client(settings).post(&url("127.0.0.1", 443), &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::AddressRefused { host: "127.0.0.1".to_owned() });
}

/// The rule permits 127.0.0.1 in place of a public address; 127.0.0.2 stands for one that is not public.
#[tokio::test]
async fn name_that_changes_its_address_is_resolved_and_judged_once_per_connection() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&[NAME], 2999);
    let receiver = Receiver::start(acceptor, |stream| {
        answer_all(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned())
    })
    .await;
    let resolver = ListedAnswers::new(&[&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.1", "127.0.0.2"]]);
    let clock = clock();
    let settings = HttpsSettings { resolver: resolver.clone(), ..settings(&authority) };
    let client = HttpsClient::new(settings, clock.clone()).unwrap();
    let url = url(NAME, receiver.port);

    assert_eq!(client.post(&url, &[], Vec::new()).await.unwrap().status, 200);
    assert_eq!(resolver.questions().len(), 1);
    // The connection is the one that was judged.
    assert_eq!(client.post(&url, &[], Vec::new()).await.unwrap().status, 200);
    assert_eq!(resolver.questions().len(), 1);
    for questions in [2, 3] {
        clock.advance(60);
        let error = client.post(&url, &[], Vec::new()).await.unwrap_err();
        assert_eq!(error, HttpsError::AddressRefused { host: NAME.to_owned() });
        assert_eq!((resolver.questions().len(), receiver.connections()), (questions, 1));
    }
}
