//! The functions at an address, as browsers reach them.

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::Api;

impl Api {
    /// Serves them until the test ends, and answers where. Browsers trust `localhost` with what is for TLS alone: secure cookies.
    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let api = self.clone();
        let router = Router::new().fallback(move |request: Request| {
            api.function(request.method().as_str(), request.uri().path()).oneshot(request)
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        format!("http://localhost:{port}")
    }
}
