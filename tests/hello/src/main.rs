//! The smallest function over HTTP: what every function of this kind costs before it does anything.

use lambda_http::{Body, Error, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_| Ok::<_, Error>(Response::new(Body::from("hello"))))).await
}
