//! The engines of the default policy.

use age_model::Engine;

/// The engines of the default policy, in the order of the original sketch.
pub(crate) const ENGINES: [Engine; 8] = [
    Engine::from_static("compliance"),
    Engine::from_static("qa"),
    Engine::from_static("documentation"),
    Engine::from_static("image_engine"),
    Engine::from_static("voice_engine"),
    Engine::from_static("billing"),
    Engine::from_static("deep_agent"),
    Engine::from_static("maos"),
];
