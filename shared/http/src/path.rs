//! Ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::problem::Problem;

/// The id in a path such as `/events/{id}`. A text that is not an id is a 404: no resource has it.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await.ok().and_then(|Path(id)| id.parse().ok());
        id.map(Self).ok_or_else(|| Problem::not_found("no resource has this id"))
    }
}

/// The parameters of a path that has `N` of them. A path that is not valid UTF-8 is a 404.
#[derive(Debug, Clone)]
pub struct PathNames<const N: usize>(pub [String; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for PathNames<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let names = Path::<Vec<String>>::from_request_parts(parts, state).await.ok();
        let names = names.and_then(|Path(names)| names.try_into().ok());
        names.map(Self).ok_or_else(|| Problem::not_found("no resource at this path"))
    }
}
