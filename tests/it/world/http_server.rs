//! An HTTP server before the functions, for tests with a real browser.

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::Api;

impl Api {
    /// Serves the functions until the test ends. Returns the URL: browsers accept `Secure` cookies from `localhost` without TLS.
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
