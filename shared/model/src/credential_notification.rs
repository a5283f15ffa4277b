//! Notifications about credentials that expire, and about admins that an operator made.

use std::fmt;

use crate::credential::KeyId;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// A kind of notification about a credential. Those about an expiry are in the order in which they are due.
    CredentialNotificationKind {
        /// The credential expires in 7 days.
        ExpiresInAWeek = "expires_in_a_week",
        /// The credential expires in 1 day.
        ExpiresInADay = "expires_in_a_day",
        /// An operator with rights on AWS made the credential, an admin.
        MadeByOperator = "made_by_operator",
        /// A request was refused because the credential or one of its secrets has expired.
        Refused = "refused",
    }
}

/// A notification about one expiry of a credential, or about its creation. A renewed credential has another expiry, and so other
/// notifications.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialNotification {
    /// The name of the credential.
    pub kid: KeyId,
    /// The kind of notification.
    pub kind: CredentialNotificationKind,
    /// When the credential expires, or the secret if one was refused; or when an operator made it.
    pub at: Timestamp,
}

impl fmt::Display for CredentialNotification {
    /// Writes the text that identifies the notification, `kid#kind#time`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kid, kind, at } = self;
        write!(f, "{kid}#{kind}#{at}")
    }
}
