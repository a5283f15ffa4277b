//! Which IP addresses a request may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IP addresses that a client may connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressRule {
    /// Addresses of the public Internet.
    Public,
    /// Addresses of the public Internet, and these. For receivers in tests and on a local AWS.
    PublicOr(Vec<IpAddr>),
}

impl AddressRule {
    /// Is a connection to `address` permitted?
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::PublicOr(others) => is_public(address) || others.contains(&address),
        }
    }
}

/// Is `address` globally reachable unicast, by IANA's registries of special-purpose addresses?
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_ipv4(address),
        IpAddr::V6(address) => is_public_ipv6(address),
    }
}

fn is_public_ipv4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // This network, private networks, loopback; multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..] | [172, 16..=31, ..] | [192, 168, ..]
        // Shared address space of carriers, and link-local with the metadata service at 169.254.169.254.
        | [100, 64..=127, ..] | [169, 254, ..]
        // Protocol assignments, relays of 6to4, benchmarks; documentation.
        | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _]
    )
}

fn is_public_ipv6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = embedded_ipv4(address) {
        return is_public_ipv4(embedded);
    }
    match address.segments() {
        // Protocol assignments, with Teredo (2001::/32), and documentation.
        [0x2001, ..=0x01ff | 0x0db8, ..] | [0x3fff, ..=0x0fff, ..] => false,
        // Global unicast is 2000::/3. Loopback, NAT64, unique local, link-local, multicast and segment routing lie outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Returns the IPv4 address that packets to `address` may reach: of IPv4-mapped, IPv4-compatible and 6to4 addresses.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x2002, high, low, ..]) = address.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}
