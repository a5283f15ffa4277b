//! Starting and ending the shadow, an attribute of the row of the pointer to the active version.

use age_model::{PolicyShadow, StoreError};

use crate::dynamodb::attribute::text;
use crate::dynamodb::client::read_batch;
use crate::dynamodb::keys;
use crate::dynamodb::update::UpdateExpression;
use crate::policies::{Policies, SHADOW, key};

impl Policies {
    /// Makes a version the shadow, in place of another one. Returns false, and nothing is written, if it is the active version.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn set_shadow(&self, shadow: &PolicyShadow) -> Result<bool, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        expression.set(&[SHADOW], self.0.attribute(shadow)?);
        let (active, hash) = (expression.path(&["hash"]), expression.value(text(shadow.hash)));
        let condition = format!("attribute_not_exists({active}) OR {active} <> {hash}");
        self.update_pointer(expression, condition).await
    }

    /// Gives the shadow, which is this version, another end and reason. Returns false, and nothing is written, if another version is the
    /// shadow, or none.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn extend_shadow(&self, shadow: &PolicyShadow) -> Result<bool, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set(&[SHADOW, "until"], text(shadow.until));
        match &shadow.reason {
            Some(reason) => expression.set(&[SHADOW, "reason"], text(reason)),
            None => expression.remove(&[SHADOW, "reason"]),
        }
        let (running, hash) = (expression.path(&[SHADOW, "hash"]), expression.value(text(shadow.hash)));
        let condition = format!("{running} = {hash}");
        self.update_pointer(expression, condition).await
    }

    /// Ends the shadow. Returns the one that has ended; None if no version was the shadow, or its row could not be read.
    ///
    /// # Errors
    /// [`StoreError`] if it was not ended, or that is unknown.
    pub async fn remove_shadow(&self) -> Result<Option<PolicyShadow>, StoreError> {
        let [items] = read_batch([(&self.0, vec![key(keys::ACTIVE, keys::ACTIVE_ID)])]).await?;
        let Some((item, value)) = items.first().and_then(|item| Some((item, item.get(SHADOW)?))) else {
            return Ok(None);
        };
        let mut expression = UpdateExpression::default();
        expression.remove(&[SHADOW]);
        let (shadow, seen) = (expression.path(&[SHADOW]), expression.value(value.clone()));
        // Another one that was started meanwhile goes on.
        let condition = format!("{shadow} = {seen}");
        let is_ended = self.update_pointer(expression, condition).await?;
        Ok(if is_ended { self.shadow_of(item) } else { None })
    }

    async fn update_pointer(&self, expression: UpdateExpression, condition: String) -> Result<bool, StoreError> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.set_key(Some(key(keys::ACTIVE, keys::ACTIVE_ID)));
        self.0.update_if(expression.apply(update).condition_expression(condition)).await
    }
}
