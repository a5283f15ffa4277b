//! The body of a request that creates a credential.

use age_http::{Fields, Refused, RequestBody, request_body};
use age_model::{Engine, Grant, KeyId, Role, Timestamp};
use age_policy::ActivePolicy;
use utoipa::ToSchema;

request_body! {
    /// A credential of engines.
    pub(crate) struct EngineCredential {
        kid: KeyId,
        #[schema(value_type = String, pattern = "^engine$")]
        role: Role,
        /// The engines that the credential may act for.
        #[schema(min_items = 1)]
        engines: Vec<Engine>,
        /// In the future.
        expires_at: Option<Timestamp>,
    }
}

request_body! {
    /// A credential of a person, or of a machine that reads.
    pub(crate) struct PersonCredential {
        kid: KeyId,
        #[schema(value_type = String, pattern = "^(reader|responder|admin)$")]
        role: Role,
        /// In the future.
        expires_at: Option<Timestamp>,
    }
}

/// A new credential.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub(crate) enum NewCredential {
    /// A credential of engines.
    Engine(EngineCredential),
    /// Any other credential.
    Person(PersonCredential),
}

/// Records that the field `expiresAt` is wrong, if it is not in the future.
pub(crate) fn refuse_past_expiry(fields: &mut Fields, now: Timestamp) {
    if fields.peek::<Timestamp>("expiresAt").is_some_and(|expires_at| expires_at <= now) {
        fields.refuse("expiresAt", "must be in the future");
    }
}

impl NewCredential {
    /// Parses the body of a request at `now`. Engines must be of the `active` policy.
    ///
    /// # Errors
    /// As [`RequestBody::parse`].
    pub(crate) fn parse_at(
        body: &[u8],
        active: &ActivePolicy,
        now: Timestamp,
    ) -> Result<(KeyId, Grant), age_http::Problem> {
        let mut fields = Fields::parse(body)?;
        refuse_past_expiry(&mut fields, now);
        let read = Self::read(&mut fields);
        if let Ok(Self::Engine(credential)) = &read {
            for (index, engine) in credential.engines.iter().enumerate() {
                if let Err(error) = active.require_engine(*engine) {
                    fields.refuse_part("engines", &format!("/{index}"), error);
                }
            }
        }
        fields.finish(read).map(Self::into_grant)
    }

    fn into_grant(self) -> (KeyId, Grant) {
        match self {
            Self::Engine(EngineCredential { kid, role, engines, expires_at }) => {
                (kid, Grant { role, engines: engines.into_iter().collect(), expires_at })
            }
            Self::Person(PersonCredential { kid, role, expires_at }) => {
                (kid, Grant { role, engines: std::collections::BTreeSet::new(), expires_at })
            }
        }
    }
}

impl RequestBody for NewCredential {
    fn read(fields: &mut Fields) -> Result<Self, Refused> {
        match fields.peek::<Role>("role") {
            Some(Role::Engine) => {
                let credential = EngineCredential::read(fields)?;
                if credential.engines.is_empty() {
                    return Err(fields.refuse("engines", "must name at least one engine"));
                }
                Ok(Self::Engine(credential))
            }
            role => {
                let credential = PersonCredential::read(fields);
                let engines = fields.strings::<Engine>("engines");
                if let (Some(role), Ok(Some(_))) = (role, engines) {
                    fields.refuse("engines", format!("must not be given for the role {role}, only for engine"));
                }
                credential.map(Self::Person)
            }
        }
    }
}
