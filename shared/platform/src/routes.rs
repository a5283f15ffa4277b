//! The routes of a function: what it answers, and who may ask.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::{Access, Gate, Problem, serve};

/// A route as others know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, with the names of its parts in braces.
    pub path: &'static str,
    /// Who may come to it.
    pub access: Access,
}

/// Routes that are being put together. There is no way to add one without saying who may come to it.
pub struct Routes<S>(Vec<(Route, MethodRouter<S>)>);

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// GET `path`.
    #[must_use]
    pub fn get<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "GET", path, access }, MethodFilter::GET, handler)
    }

    /// POST to `path`.
    #[must_use]
    pub fn post<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "POST", path, access }, MethodFilter::POST, handler)
    }

    /// DELETE `path`.
    #[must_use]
    pub fn delete<T: 'static>(self, path: &'static str, access: Access, handler: impl Handler<T, S>) -> Self {
        self.on(Route { method: "DELETE", path, access }, MethodFilter::DELETE, handler)
    }

    /// Another function has more methods of the path that was added last: a wrong one is told of all that are `allowed`.
    #[must_use]
    pub fn allowing(mut self, allowed: &'static str) -> Self {
        let refuse = async move || ([(ALLOW, allowed)], Problem::method_not_allowed());
        let last = self.0.pop().map(|(route, handler)| (route, handler.fallback(refuse)));
        self.0.extend(last);
        self
    }

    fn on<T: 'static>(mut self, route: Route, method: MethodFilter, handler: impl Handler<T, S>) -> Self {
        self.0.push((route, on(method, handler)));
        self
    }

    /// What there is.
    pub fn list(&self) -> impl Iterator<Item = Route> {
        self.0.iter().map(|(route, _)| *route)
    }

    /// The router that serves them, each behind the gate.
    pub fn behind(self, gate: &Gate, state: S) -> Router {
        let gate = gate.clone();
        self.guarded(move |access, request, next| gate.clone().guard(access, request, next), state)
    }

    /// The router that serves them, each behind `guard`, but those that anybody may come to. For callers whose token does not
    /// come as an API's does, such as browsers.
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
            router.route(route.path, guarded)
        });
        serve::router(guarded.with_state(state))
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
