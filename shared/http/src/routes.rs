//! The routes of a function, each with the callers that may use it.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::authentication::Authentication;
use crate::authorization::Access;
use crate::problem::Problem;
use crate::request_log;
use crate::router;

/// A route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The callers that may use it.
    pub access: Access,
}

/// A list of routes. A route cannot be added without its [`Access`].
pub struct Routes<S>(Vec<(Route, MethodRouter<S>)>);

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds GET `path`.
    #[must_use]
    pub fn get<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "GET", path, access }, MethodFilter::GET, handler)
    }

    /// Adds POST `path`.
    #[must_use]
    pub fn post<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "POST", path, access }, MethodFilter::POST, handler)
    }

    /// Adds DELETE `path`.
    #[must_use]
    pub fn delete<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "DELETE", path, access }, MethodFilter::DELETE, handler)
    }

    /// Sets the `Allow` header of a 405 on the path that was added last: another function has more of its methods.
    #[must_use]
    pub fn allowing(mut self, allowed: &'static str) -> Self {
        let method_not_allowed = async move || ([(ALLOW, allowed)], Problem::method_not_allowed());
        let last = self.0.pop().map(|(route, handler)| (route, handler.fallback(method_not_allowed)));
        self.0.extend(last);
        self
    }

    fn on<T: 'static>(mut self, route: Route, method: MethodFilter, handler: impl Handler<T, S>) -> Self {
        self.0.push((route, on(method, handler)));
        self
    }

    /// The routes.
    pub fn list(&self) -> impl Iterator<Item = Route> {
        self.0.iter().map(|(route, _)| *route)
    }

    /// Builds the router, with `authentication` before each route that is not public.
    pub fn authenticated(self, authentication: &Authentication, state: S) -> Router {
        let authentication = authentication.clone();
        self.guarded(move |access, request, next| authentication.clone().middleware(access, request, next), state)
    }

    /// Builds the router, with `guard` before each route that is not public. For callers that do not send a bearer token, such as
    /// browsers.
    pub fn guarded<G, F>(self, guard: G, state: S) -> Router
    where
        G: Fn(Access, Request, Next) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let guarded = self.0.into_iter().fold(Router::new(), |router, (route, handler)| {
            let guard = guard.clone();
            let guard = move |request: Request, next: Next| guard(route.access, request, next);
            let guarded = match route.access {
                Access::Public => handler,
                _ => handler.route_layer(middleware::from_fn(guard)),
            };
            let guarded = guarded.layer(middleware::from_fn(move |request: Request, next: Next| {
                request_log::record_route(route.path);
                next.run(request)
            }));
            router.route(route.path, guarded)
        });
        router::complete(guarded.with_state(state))
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
