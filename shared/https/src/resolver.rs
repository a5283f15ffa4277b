//! From host names to IP addresses.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// A resolution that [`Resolver::resolve`] has begun.
pub type Resolution<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// A source of the IP addresses of a host name.
pub trait Resolver: Send + Sync {
    /// Returns the addresses of `host`, the preferred one first. None, or an error, if it cannot be resolved.
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a>;
}

/// Resolves names as the operating system does: by its hosts file and name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}
