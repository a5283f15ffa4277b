//! Documents that people write for agectl itself: TOML or JSON.

use age_policy::toml_to_json;
use serde::de::DeserializeOwned;

use crate::data_format::DataFormat;
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

/// A document that a person wrote.
pub(crate) struct DataFile {
    name: String,
    /// The document as JSON.
    json: String,
}

impl DataFile {
    /// Reads `source`.
    ///
    /// # Errors
    /// If it cannot be read, or is TOML with an error.
    pub(crate) async fn read(source: &InputSource, session: &mut Session<'_>) -> Result<Self, Error> {
        let (name, text) = (source.to_string(), session.read_to_string(source).await?);
        let json = match DataFormat::of(source, &text) {
            DataFormat::Json => text,
            DataFormat::Toml => match toml_to_json(&text) {
                Ok(value) => value.to_string(),
                Err(error) => {
                    // An error of the syntax is about the document as a whole, whose path is empty.
                    let path = Some(error.path.to_string()).filter(|path| !path.is_empty());
                    let path = path.map(|path| format!("{path}: ")).unwrap_or_default();
                    return Err(Error::Usage(format!("{name}: {path}{}", error.detail)));
                }
            },
        };
        Ok(Self { name, json })
    }

    /// Returns the name for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the document as JSON. JSON is as it was written.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// Parses the document.
    ///
    /// # Errors
    /// The first error, with its path.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut json = serde_json::Deserializer::from_str(&self.json);
        let parsed = serde_path_to_error::deserialize(&mut json);
        parsed.map_err(|error| Error::Usage(format!("{}: {error}", self.name)))
    }
}
