//! Engines: the systems that AGE supervises.

use crate::unknown_word::UnknownWord;

crate::string_enum::open_string_enum! {
    /// A system that AGE supervises. The eight names are those of the original sketch, in its order.
    Engine {
        /// Compliance checks and permissions.
        Compliance = "compliance",
        /// Quality assurance.
        Qa = "qa",
        /// Documentation generation.
        Documentation = "documentation",
        /// Image generation.
        ImageEngine = "image_engine",
        /// Voice generation.
        VoiceEngine = "voice_engine",
        /// Billing and token enforcement.
        Billing = "billing",
        /// The agent that routes and answers complex requests.
        DeepAgent = "deep_agent",
        /// The multi-agent operating system.
        Maos = "maos",
    }
}

/// The most characters of an engine's name.
const MAX_NAME_CHARS: usize = 32;

impl Engine {
    /// Returns the engine that a request names by its id of a stored row: also one that only a later version knows. None if the
    /// text is not a name of an engine.
    pub(crate) fn requested(text: &str) -> Option<Self> {
        let is_name = text.len() <= MAX_NAME_CHARS
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let unknown = || is_name.then(|| Self::Unknown(UnknownWord::requested(text)));
        text.parse().ok().or_else(unknown)
    }
}
