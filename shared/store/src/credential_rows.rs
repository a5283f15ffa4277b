//! The rows of the `credentials` table: the keyring, which every execution environment reads and is therefore compact, and the
//! records of credentials, which only admins read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age_model::{
    Credential, CredentialRecord, Engine, Grant, KeyId, Keyring, Revocation, Role, Secret, SecretHash, Timestamp,
};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dynamodb::keys;

/// The attributes of the table's key.
pub(crate) const KEY: &[&str] = &["kind", "kid"];

/// The row of the keyring, except for attributes of a later version.
#[derive(Debug, Serialize)]
pub(crate) struct KeyringRow {
    kind: &'static str,
    kid: &'static str,
    version: u64,
    credentials: BTreeMap<KeyId, CredentialAttributes>,
}

impl KeyringRow {
    pub(crate) fn new(version: u64, keyring: &Keyring) -> Self {
        let credentials = keyring.all().map(|(kid, credential)| (kid.clone(), credential.into())).collect();
        Self { kind: keys::KEYRING, kid: keys::KEYRING_KID, version, credentials }
    }
}

/// A credential. The names of its attributes are short, because the keyring has up to 200.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CredentialAttributes {
    #[serde(rename = "r")]
    role: Role,
    #[serde(rename = "g", default, skip_serializing_if = "BTreeSet::is_empty")]
    engines: BTreeSet<Engine>,
    #[serde(rename = "c")]
    created_at: Millis,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Millis>,
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    is_made_by_operator: bool,
    #[serde(rename = "s")]
    secrets: Vec<SecretAttributes>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SecretAttributes {
    #[serde(rename = "h")]
    hash: HashBytes,
    #[serde(rename = "c")]
    created_at: Millis,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Millis>,
}

impl From<&Credential> for CredentialAttributes {
    fn from(credential: &Credential) -> Self {
        let secret = |secret: &Secret| SecretAttributes {
            hash: HashBytes(secret.hash),
            created_at: Millis(secret.created_at),
            expires_at: secret.expires_at.map(Millis),
        };
        Self {
            role: credential.grant.role,
            engines: credential.grant.engines.clone(),
            created_at: Millis(credential.created_at),
            expires_at: credential.grant.expires_at.map(Millis),
            is_made_by_operator: credential.is_made_by_operator,
            secrets: credential.secrets.iter().map(secret).collect(),
        }
    }
}

impl From<CredentialAttributes> for Credential {
    fn from(row: CredentialAttributes) -> Self {
        let time = |Millis(time): Millis| time;
        let secret = |secret: SecretAttributes| Secret {
            hash: secret.hash.0,
            created_at: secret.created_at.0,
            expires_at: secret.expires_at.map(time),
        };
        Self {
            grant: Grant { role: row.role, engines: row.engines, expires_at: row.expires_at.map(time) },
            secrets: row.secrets.into_iter().map(secret).collect(),
            created_at: row.created_at.0,
            is_made_by_operator: row.is_made_by_operator,
        }
    }
}

/// The row of a record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    kind: String,
    pub(crate) kid: KeyId,
    credential: CredentialAttributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<KeyId>,
    issuers: Vec<Issuer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<RevocationAttributes>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Issuer {
    hash: HashBytes,
    by: KeyId,
}

#[derive(Debug, Serialize, Deserialize)]
struct RevocationAttributes {
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<KeyId>,
}

impl RecordRow {
    pub(crate) fn new(kid: &KeyId, record: &CredentialRecord) -> Self {
        let issuers = record.issuers.iter();
        Self {
            kind: keys::RECORD.to_owned(),
            kid: kid.clone(),
            credential: (&record.credential).into(),
            created_by: record.created_by.clone(),
            issuers: issuers.map(|(hash, by)| Issuer { hash: HashBytes(*hash), by: by.clone() }).collect(),
            revoked: record.revoked.clone().map(|Revocation { at, by }| RevocationAttributes { at, by }),
        }
    }
}

impl From<RecordRow> for CredentialRecord {
    fn from(row: RecordRow) -> Self {
        Self {
            credential: row.credential.into(),
            created_by: row.created_by,
            issuers: row.issuers.into_iter().map(|Issuer { hash, by }| (hash.0, by)).collect(),
            revoked: row.revoked.map(|RevocationAttributes { at, by }| Revocation { at, by }),
        }
    }
}

/// A time as the number of its milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Millis(Timestamp);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.millis())
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(|millis| Self(Timestamp::from_millis(millis)))
    }
}

/// A hash as binary attribute.
#[derive(Debug, Clone, Copy)]
struct HashBytes(SecretHash);

impl Serialize for HashBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

impl<'de> Deserialize<'de> for HashBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(HashVisitor)
    }
}

struct HashVisitor;

impl Visitor<'_> for HashVisitor {
    type Value = HashBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<HashBytes, E> {
        let hash: Result<[u8; 32], _> = bytes.try_into();
        hash.map(|hash| HashBytes(hash.into())).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, CredentialRegistry, MAX_CREDENTIALS, ManualClock, Rotation, Token};
    use aws_sdk_dynamodb::types::AttributeValue::{self, B, Bool, L, M, N, S};

    use super::*;
    use crate::dynamodb::attribute::Item;

    fn registry_of(number: usize) -> CredentialRegistry {
        let clock = ManualClock::at("2026-11-23T00:05:00.123Z".parse().unwrap());
        let mut registry = CredentialRegistry::default();
        let engines: BTreeSet<Engine> = (0..8).map(|number| format!("engine_{number}_x").parse().unwrap()).collect();
        for number in 0..number {
            let kid: KeyId = format!("{number:0>40}").parse().unwrap();
            let until = Some(clock.now().plus_days(90));
            let grant = Grant { role: Role::Responder, engines: engines.clone(), expires_at: until };
            let token = || Token::fresh(kid.clone(), &clock).unwrap();
            registry.create(&token(), grant, None, clock.now()).unwrap();
            let rotation = Rotation { overlap_seconds: 86_400, expires_at: until };
            registry.rotate(&token(), rotation, None, clock.now()).unwrap();
        }
        registry
    }

    /// The size of a value as DynamoDB counts it: a number has a byte for two digits and one more, a map or list 3 bytes and one
    /// for each element.
    fn size(value: &AttributeValue) -> usize {
        match value {
            S(text) => text.len(),
            N(number) => number.len().div_ceil(2) + 2,
            B(bytes) => bytes.as_ref().len(),
            Bool(_) => 1,
            M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + size(value)).sum::<usize>(),
            L(list) => 3 + list.iter().map(|value| 1 + size(value)).sum::<usize>(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keyring_of_the_most_and_longest_credentials_is_smaller_than_64_kb() {
        let registry = registry_of(MAX_CREDENTIALS);
        assert_eq!(registry.keyring().all().count(), MAX_CREDENTIALS);
        let row: Item = serde_dynamo::to_item(KeyringRow::new(1, registry.keyring())).unwrap();
        let size = size(&M(row));
        assert!((40 * 1024..64 * 1024).contains(&size), "{size} bytes");
    }

    #[test]
    fn rows_round_trip() {
        let registry = registry_of(1);
        let (kid, credential) = registry.keyring().all().next().unwrap();
        let stored = serde_dynamo::to_attribute_value(CredentialAttributes::from(credential)).unwrap();
        let read: CredentialAttributes = serde_dynamo::from_attribute_value::<AttributeValue, _>(stored).unwrap();
        assert_eq!(Credential::from(read), *credential);
        let mut record = registry.record(kid).unwrap().clone();
        record.issuers = vec![(record.credential.secrets[0].hash, kid.clone())];
        record.revoked = Some(Revocation { at: record.credential.created_at, by: None });
        let stored: Item = serde_dynamo::to_item(RecordRow::new(kid, &record)).unwrap();
        let read: RecordRow = serde_dynamo::from_item(stored).unwrap();
        assert_eq!(CredentialRecord::from(read), record);
    }

    #[test]
    fn hash_of_another_length_is_refused() {
        let read: Result<HashBytes, _> = serde_dynamo::from_attribute_value(B(vec![0; 31].into()));
        assert!(read.unwrap_err().to_string().contains("expected 32 bytes"));
    }
}
