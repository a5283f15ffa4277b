//! Authorization: which callers may use a route, and which may act for an engine.

use age_model::{Engine, Grant, Role};

use crate::caller::Caller;
use crate::problem::Problem;

/// The route for messages of Alertmanager, which drops a message at any 4xx, 429 as well, and repeats it at a 5xx.
const ALERTS: &str = "/api/governance/intake/alertmanager";

/// Whether the senders of messages to `path` retry at a 5xx only.
pub(crate) fn retries_only_5xx(path: &str) -> bool {
    path == ALERTS
}

/// Whether `path` is of the AuthZEN API, which has 400 where other routes have 415 and 422.
pub(crate) fn answers_invalid_requests_with_400(path: &str) -> bool {
    path.starts_with("/access/v1/")
}

/// Which callers may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every caller, even without a credential.
    Public,
    /// Any authenticated caller.
    Authenticated,
    /// Engines, for themselves, and admins.
    Engine,
    /// Readers, responders and admins.
    Reader,
    /// Responders and admins.
    Responder,
    /// Admins.
    Admin,
}

impl Access {
    /// Whether a caller with `grant` may use the route. A grant that this version does not understand permits nothing.
    #[must_use]
    pub fn permits_grant(self, grant: &Grant) -> bool {
        grant.is_understood() && self.permits(grant.role)
    }

    /// Whether a caller of `role` may use the route.
    #[must_use]
    pub const fn permits(self, role: Role) -> bool {
        match (self, role) {
            (_, Role::Unknown(_)) => false,
            (_, Role::Admin) | (Self::Public | Self::Authenticated, _) | (Self::Engine, Role::Engine) => true,
            (Self::Reader, role) => matches!(role, Role::Reader | Role::Responder),
            (Self::Responder, role) => matches!(role, Role::Responder),
            (Self::Engine | Self::Admin, _) => false,
        }
    }

    /// The roles that may use the route.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.permits(*role))
    }
}

impl Caller {
    /// Requires that the caller may act for `engine`.
    ///
    /// # Errors
    /// 403 if it may not.
    pub fn require_engine(&self, engine: Engine) -> Result<(), Problem> {
        if self.grant.may_act_for(engine) {
            Ok(())
        } else {
            Err(Problem::forbidden(format!("the credential {} may not act for engine {engine}", self.kid)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_access_permits_these_roles() {
        let roles = |access: Access| access.roles().map(Role::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(roles(Access::Public), "engine reader responder admin");
        assert_eq!(roles(Access::Authenticated), "engine reader responder admin");
        assert_eq!(roles(Access::Engine), "engine admin");
        assert_eq!(roles(Access::Reader), "reader responder admin");
        assert_eq!(roles(Access::Responder), "responder admin");
        assert_eq!(roles(Access::Admin), "admin");
    }
}
