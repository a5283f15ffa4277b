//! Policy documents that people write: TOML or JSON.

use age_policy::{Policy, PolicyError, toml_to_json};
use serde_json::value::{RawValue, to_raw_value};

use crate::data_format::DataFormat;
use crate::error::Error;
use crate::format::format_count;
use crate::input_source::InputSource;
use crate::session::Session;

/// A policy document that a person wrote, as text.
pub(super) struct PolicyFile {
    name: String,
    text: String,
    format: DataFormat,
}

impl PolicyFile {
    /// Reads `source`. The extension of a file says whether it is TOML or JSON; of another input, its first character does.
    pub(super) async fn read(source: &InputSource, session: &mut Session<'_>) -> Result<Self, Error> {
        let text = session.read_to_string(source).await?;
        Ok(Self { name: source.to_string(), format: DataFormat::of(source, &text), text })
    }

    /// Returns the default policy of agectl, which AGE may not have.
    pub(super) fn default_policy() -> Self {
        Self { name: "the default policy".to_owned(), text: Policy::DEFAULT_TOML.to_owned(), format: DataFormat::Toml }
    }

    /// Returns the name for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Checks the document as AGE does.
    ///
    /// # Errors
    /// Every error of the document, or the first one of its syntax.
    pub(super) fn parse(&self) -> Result<Policy, Vec<PolicyError>> {
        match self.format {
            DataFormat::Json => Policy::from_json(self.text.as_bytes()),
            DataFormat::Toml => Policy::from_toml(&self.text),
        }
    }

    /// Returns the document as the JSON that the API takes. JSON stays as it was written, also a key that is in it twice.
    ///
    /// # Errors
    /// If the text is not JSON or TOML. It need not be a valid policy: AGE decides, which may be of another version than agectl.
    pub(super) fn to_json(&self) -> Result<Box<RawValue>, Vec<PolicyError>> {
        let json = match self.format {
            DataFormat::Json => RawValue::from_string(self.text.clone()),
            DataFormat::Toml => to_raw_value(&toml_to_json(&self.text).map_err(|error| vec![error])?),
        };
        // `parse` says where the syntax is wrong.
        json.map_err(|_| self.parse().err().unwrap_or_default())
    }

    /// Prints each of `errors` on a line of standard error, as `FILE: path: detail`. Returns the error that ends the command.
    pub(super) fn report_errors(&self, errors: &[PolicyError], session: &mut Session<'_>) -> Result<Error, Error> {
        for error in errors {
            session.print_warning(&self.error_line(error))?;
        }
        Ok(Error::InvalidPolicy { name: self.name.clone(), errors: errors.len() as u64 })
    }

    /// Returns the policy, or reports every error of the document.
    pub(super) fn valid_policy(&self, session: &mut Session<'_>) -> Result<Policy, Error> {
        match self.parse() {
            Ok(policy) => Ok(policy),
            Err(errors) => Err(self.report_errors(&errors, session)?),
        }
    }

    fn error_line(&self, error: &PolicyError) -> String {
        let path = error.path.to_string();
        if path.is_empty() {
            format!("{}: {error}", self.name)
        } else {
            format!("{}: {path}: {}", self.name, error.detail)
        }
    }
}

/// Says how large a policy is, such as `8 engines, 5 categories, 7 action rules`.
pub(super) fn size_of(policy: &Policy) -> String {
    let categories = match policy.categories.len() {
        1 => "1 category".to_owned(),
        count => format!("{count} categories"),
    };
    let engines = format_count(policy.engines.len() as u64, "engine");
    let guardrails = match policy.guardrails.len() {
        0 => String::new(),
        count => format!(", {}", format_count(count as u64, "guardrail")),
    };
    format!("{engines}, {categories}, {}{guardrails}", format_count(rules_of(policy), "action rule"))
}

/// Returns the number of the action rules.
pub(super) fn rules_of(policy: &Policy) -> u64 {
    (policy.actions.first_match.len() + policy.actions.also.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_sent_as_it_was_written() {
        let file = |text: &str, format| PolicyFile { name: "a".to_owned(), text: text.to_owned(), format };
        let sent = |text, format| file(text, format).to_json().map(|json| json.get().to_owned());
        assert_eq!(sent(r#"{"a":1,"a":2.0}"#, DataFormat::Json).unwrap(), r#"{"a":1,"a":2.0}"#);
        assert_eq!(sent("a = 1\n[b]\nc = []\n", DataFormat::Toml).unwrap(), r#"{"a":1,"b":{"c":[]}}"#);
        let errors = sent("{", DataFormat::Json).unwrap_err();
        assert!(errors[0].to_string().starts_with("the policy must be JSON: EOF"), "{errors:?}");
    }
}
