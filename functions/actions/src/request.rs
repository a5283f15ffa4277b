//! Bodies of small fixed shape.

use model::{Action, EventId};
use platform::{FieldError, Problem};
use serde_json::{Map, Value};

/// The longest text a person or a worker may add, in characters.
const MAX_TEXT_CHARS: usize = 1000;

/// The fields of a body, taken one by one; what is wrong is told all at once.
pub(crate) struct Fields {
    given: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(given)) => Ok(Self { given, errors: Vec::new() }),
            Ok(_) => Err(Problem::invalid(vec![FieldError::whole("must be a JSON object")])),
            Err(error) => Err(Problem::bad_request(format!("the body is not JSON: {error}"))),
        }
    }

    /// The text called `name`, one visible line or several. None if it is not given, or wrong.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.given.remove(name)? {
            Value::Null => return None,
            Value::String(text) => text,
            _ => return self.refuse(name, "must be a string"),
        };
        let unprintable = text.chars().any(|character| character.is_control() && character != '\n');
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS || unprintable {
            return self.refuse(name, &format!("must be 1 to {MAX_TEXT_CHARS} characters, none of them a control"));
        }
        Some(text)
    }

    pub(crate) fn required(&mut self, name: &str) -> Option<String> {
        if self.given.get(name).is_none_or(Value::is_null) {
            self.given.remove(name);
            return self.refuse(name, "is required");
        }
        self.text(name)
    }

    /// One of `choices`.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, choices: [(&str, T); 2]) -> Option<T> {
        let text = self.required(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        let [(one, _), (other, _)] = choices;
        chosen.or_else(|| self.refuse(name, &format!("must be one of {one}, {other}")))
    }

    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in std::mem::take(&mut self.given).keys() {
            self.refuse::<()>(name, "is not a field of this");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }

    fn refuse<T>(&mut self, name: &str, detail: &str) -> Option<T> {
        self.errors.push(FieldError::new(name, detail));
        None
    }
}

/// The action that a path names.
pub(crate) fn named(id: &str, action: &str) -> Result<(EventId, Action), Problem> {
    let unknown = || Problem::not_found("there is no such action for this event");
    Ok((id.parse().map_err(|_| unknown())?, action.parse().map_err(|_| unknown())?))
}
