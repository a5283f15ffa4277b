//! Notifications about credentials that expire.

use std::fmt;

use crate::credential::KeyId;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// A kind of notification about a credential that expires, in the order in which they are due.
    CredentialNotificationKind {
        /// The credential expires in 7 days.
        ExpiresInAWeek = "expires_in_a_week",
        /// The credential expires in 1 day.
        ExpiresInADay = "expires_in_a_day",
        /// A request was refused because the credential or one of its secrets has expired.
        Refused = "refused",
    }
}

/// A notification about one expiry of a credential. A renewed credential has another expiry, and so other notifications.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialNotification {
    /// The name of the credential.
    pub kid: KeyId,
    /// The kind of notification.
    pub kind: CredentialNotificationKind,
    /// When the credential expires, or the secret if one was refused.
    pub expires_at: Timestamp,
}

impl fmt::Display for CredentialNotification {
    /// Writes the text that identifies the notification, `kid#kind#time`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kid, kind, expires_at } = self;
        write!(f, "{kid}#{kind}#{expires_at}")
    }
}
