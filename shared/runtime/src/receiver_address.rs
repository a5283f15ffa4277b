//! The receiver of all requests of channels on a local AWS.

use std::net::SocketAddr;

use crate::config::{ConfigValue, Variables};

/// IP address and port of the receiver beside a local AWS, such as `127.0.0.1:8443`. None on AWS, where it is refused: messages would go
/// to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverAddress(pub Option<SocketAddr>);

impl ConfigValue for ReceiverAddress {
    fn read(variables: &mut Variables<'_>, name: &str) -> Self {
        let Some(text) = variables.local(name) else { return Self(None) };
        let address = text.parse().ok();
        if address.is_none() {
            variables
                .refuse(name, &format!("must be an IP address and a port, such as 127.0.0.1:8443; got \"{text}\""));
        }
        Self(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, endpoint: &str) -> Result<Option<SocketAddr>, String> {
        let value = |name: &str| if name == "AWS_ENDPOINT_URL" { endpoint } else { address };
        let mut variables = Variables::new(|name| Some(value(name).to_owned()));
        let ReceiverAddress(read) = ReceiverAddress::read(&mut variables, "RECEIVER_ADDRESS");
        variables.finish(read).map_err(|error| error.to_string())
    }

    #[test]
    fn receiver_is_an_address_and_a_port_beside_a_local_aws() {
        let local = "http://127.0.0.1:4566";
        assert_eq!(read("127.0.0.1:8443", local), Ok(Some(SocketAddr::from(([127, 0, 0, 1], 8443)))));
        assert_eq!(read("", local), Ok(None));
        let refused =
            "configuration: RECEIVER_ADDRESS may be set only if the host of AWS_ENDPOINT_URL is 127.0.0.1 or localhost";
        assert_eq!(read("127.0.0.1:8443", "https://dynamodb.us-east-1.amazonaws.com"), Err(refused.to_owned()));
        let malformed = "configuration: RECEIVER_ADDRESS must be an IP address and a port, such as 127.0.0.1:8443; got \"localhost\"";
        assert_eq!(read("localhost", local), Err(malformed.to_owned()));
    }
}
