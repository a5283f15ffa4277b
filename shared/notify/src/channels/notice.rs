//! Notices: the content of messages to channels, the same for every channel.

use age_model::{ChannelMessage, Engine, IncidentStatus, Severity, Timestamp, shortened};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::channels::foreign_text::{foreign_line, foreign_text};

/// The largest notice as JSON, in bytes.
pub const MAX_NOTICE_BYTES: usize = 8_000;

/// The most characters of a title, a state, a fact or an action.
const MAX_LINE_CHARS: usize = 200;

/// The most characters of an event type where it is a name among others.
const MAX_NAME_CHARS: usize = 60;

/// The most characters of a quotation.
const MAX_QUOTE_CHARS: usize = 1000;

/// The most entries of each list of a notice.
const MAX_FACTS: usize = 12;
const MAX_ACTIONS: usize = 8;
const MAX_QUOTES: usize = 8;

/// The longest id and the longest URL, in bytes. An id has its event type, escaped: up to 1,600 bytes.
const MAX_ID_BYTES: usize = 1_800;
const MAX_URL_BYTES: usize = 2_000;

/// One thing that a channel tells people of: an incident, an approval, a report, or a message about AGE itself.
///
/// Text of others is in it without links, mentions and hidden characters. As JSON it has at most [`MAX_NOTICE_BYTES`] bytes if it
/// comes from [`notices`](crate::channels::notices).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelNotice {
    /// The kind of message, by which channels choose.
    pub message: ChannelMessage,
    /// The severity; None if the notice has none.
    pub severity: Option<Severity>,
    /// The engines that the notice is about; empty if it is about none.
    pub engines: Vec<Engine>,
    /// The incident that the notice is about.
    pub incident: Option<IncidentRef>,
    /// Identifies what the notice is about if it is no incident, such as an approval: notices of the same have the same. None if no
    /// other notice is about it.
    pub subject_key: Option<String>,
    /// AGE's words, then the event type or the name of the operation. The same for every notice of an incident while its severity
    /// stays.
    pub title: String,
    /// The news, in one line; may be empty.
    pub state: String,
    /// How many events no earlier notice of the incident was about; 0 if the notice is about none.
    #[serde(default)]
    pub new_events: u64,
    /// Names and values in AGE's words, in the order in which people read them.
    pub facts: Vec<(String, String)>,
    /// AGE's actions and their outcomes, one line each.
    pub taken_actions: Vec<String>,
    /// Texts of others.
    pub quotes: Vec<Quote>,
    /// Where people go on.
    pub links: Vec<Link>,
    /// When it happened, if the message says so.
    pub occurred_at: Option<Timestamp>,
}

/// The incident that a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentRef {
    /// The id of the incident in the API.
    pub id: String,
    /// The status when AGE wrote the message.
    pub status: IncidentStatus,
    /// The event type, as text of others: without links, mentions and hidden characters.
    pub event_type: String,
    /// When the incident was opened.
    pub opened_at: Option<Timestamp>,
}

/// Text of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Whose words they are, in AGE's words, such as `The engine reported, in its own words`.
    pub source: String,
    /// The words, in lines.
    pub text: String,
}

/// A link to a page of AGE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The page that opens, in a few words.
    pub label: String,
    /// An address that begins with `https://` or `http://`.
    pub url: String,
}

impl ChannelNotice {
    /// A notice without any content but its title, which is made harmless.
    pub(crate) fn new(message: ChannelMessage, title: &str) -> Self {
        Self {
            message,
            severity: None,
            engines: Vec::new(),
            incident: None,
            subject_key: None,
            title: foreign_line(title, MAX_LINE_CHARS),
            state: String::new(),
            new_events: 0,
            facts: Vec::new(),
            taken_actions: Vec::new(),
            quotes: Vec::new(),
            links: Vec::new(),
            occurred_at: None,
        }
    }

    /// Changes the status of the incident to `status`, and says that it is all that is new. Nothing, if the notice is about no incident.
    pub fn set_incident_status(&mut self, status: IncidentStatus) {
        if let Some(incident) = &mut self.incident {
            incident.status = status;
            self.state = status.to_string();
        }
    }

    /// Returns what identifies the subject of the notice: notices of the same incident or approval have the same key. A notice of
    /// which there is no other has a digest of its content.
    #[must_use]
    pub fn key(&self) -> String {
        match (&self.incident, &self.subject_key) {
            (Some(incident), _) => incident.id.clone(),
            (None, Some(key)) => key.clone(),
            (None, None) => sha256(&format!("{}\n{}\n{}", self.message, self.title, self.state)),
        }
    }

    /// Sets what is new.
    pub(crate) fn set_state(&mut self, state: &str) {
        self.state = foreign_line(state, MAX_LINE_CHARS);
    }

    /// Sets what identifies the subject.
    pub(crate) fn set_subject_key(&mut self, key: &str) {
        self.subject_key = Some(if key.len() > MAX_NAME_CHARS * 2 { sha256(key) } else { key.to_owned() });
    }

    /// Sets the incident, unless its id is longer than AGE's ids are.
    pub(crate) fn set_incident(&mut self, incident: IncidentRef) {
        self.incident = Some(incident).filter(|incident| incident.id.len() <= MAX_ID_BYTES);
    }

    /// Adds a fact, if there is a value and room for it.
    pub(crate) fn add_fact(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value
            && self.facts.len() < MAX_FACTS
        {
            self.facts.push((foreign_line(name, MAX_NAME_CHARS), foreign_line(&value, MAX_LINE_CHARS)));
        }
    }

    /// Adds what AGE did, if there is room for it.
    pub(crate) fn add_taken_action(&mut self, words: &str) {
        if self.taken_actions.len() < MAX_ACTIONS {
            self.taken_actions.push(foreign_line(words, MAX_LINE_CHARS));
        }
    }

    /// Adds words of others, if there are any and room for them.
    pub(crate) fn add_quote(&mut self, source: &str, words: &str) {
        let text = foreign_text(words, MAX_QUOTE_CHARS);
        if !text.is_empty() && self.quotes.len() < MAX_QUOTES {
            self.quotes.push(Quote { source: source.to_owned(), text });
        }
    }

    /// Adds a link, if `url` is an address: it is a path if AGE's address is not configured.
    pub(crate) fn add_link(&mut self, label: &str, url: Option<&str>) {
        if let Some(url) = url.filter(|url| is_address(url)) {
            self.links.push(Link { label: label.to_owned(), url: url.to_owned() });
        }
    }

    /// Returns the notice with its quotations shortened until it has at most [`MAX_NOTICE_BYTES`] as JSON.
    pub(crate) fn bounded(mut self) -> Self {
        let mut max = MAX_QUOTE_CHARS;
        while self.size_bytes() > MAX_NOTICE_BYTES && max > 1 {
            max /= 2;
            for quote in &mut self.quotes {
                quote.text = shortened(&quote.text, max);
            }
        }
        // Without quotations it fits, unless ids, names and links are the longest all at once: the page of the link has the rest.
        while self.size_bytes() > MAX_NOTICE_BYTES && (self.facts.pop().is_some() || self.taken_actions.pop().is_some())
        {
        }
        self
    }

    fn size_bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |json| json.len())
    }
}

/// Returns an event type or the name of an operation as a name among others.
pub(crate) fn name(text: &str) -> String {
    foreign_line(text, MAX_NAME_CHARS)
}

/// Returns the SHA-256 of `text`, hexadecimal.
pub(crate) fn sha256(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    age_model::hexadecimal(&digest)
}

/// Whether `url` is an absolute address without characters that end it in a text.
fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && url.len() <= MAX_URL_BYTES
        && url
            .chars()
            .all(|it| it.is_ascii_graphic() && !matches!(it, '<' | '>' | '"' | '|' | '\\' | '^' | '`' | '{' | '}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_links() {
        for url in ["https://age.example/dashboard/incidents/a.1.b~20c", "http://127.0.0.1:9000/dashboard"] {
            assert!(is_address(url), "{url}");
        }
        for url in
            ["/dashboard", "javascript:alert(1)", "https:///x", "https://", "https://a|b", "https://a b", "https://a>"]
        {
            assert!(!is_address(url), "{url}");
        }
    }

    #[test]
    fn key_of_a_notice_of_which_there_is_no_other_depends_on_its_content() {
        let mut notice = ChannelNotice::new(ChannelMessage::System, "a");
        let key = notice.key();
        notice.set_state("b");
        assert_eq!((key.len(), notice.key() == key), (64, false));
    }
}
