//! Engines: the systems that AGE supervises.

crate::string_enum::string_enum! {
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
