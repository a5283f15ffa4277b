//! Parts of the JSON Schema of the document whose keys are a fixed set. The build script compiles this file as well.

use age_model::{Action, Engine, RiskLevel, Severity};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::bounds;

pub(crate) fn weights() -> Schema {
    let number = || number("Points for one event of this severity.", &bounds::WEIGHT);
    let fields = Severity::ALL.iter().map(|severity| (severity.as_str(), number().into()));
    object("Points for one event of each severity, each more than the one below it.", fields, true)
}

pub(crate) fn levels() -> Schema {
    let number = |level: &RiskLevel| match level {
        RiskLevel::Low => number("Every score has at least this level.", &(0..=0)),
        _ => number("The lowest score of the level.", &bounds::SCORE),
    };
    let fields = RiskLevel::ALL.iter().map(|level| (level.as_str(), number(level).into()));
    object(
        "The lowest score of each level, each more than the one below it. A report has the level of its highest category.",
        fields,
        true,
    )
}

/// The derived schema would have the default `null`, which is no number.
pub(crate) fn expect_event_within_seconds() -> Schema {
    number(
        "How long after an operation was allowed its event is expected, in seconds. Events are not expected, if absent.",
        &bounds::EXPECT_EVENT_SECONDS,
    )
}

pub(crate) fn carried_out_by() -> Schema {
    let remediations = Action::ALL.iter().filter(|action| action.is_remediation());
    let engine = || RefOr::Ref(Ref::from_schema_name(Engine::name()));
    let fields = remediations.map(|action| (action.as_str(), engine()));
    object(
        "The engine whose worker carries out a remediation, and whose credential alone may report its outcome. Without an entry, it is \
         the engine of the event.",
        fields,
        false,
    )
}

/// Each type is a schema of its own: generators warn of a bound that applies to only one of several types.
pub(crate) fn field_value() -> Schema {
    let of = |schema_type| ObjectBuilder::new().schema_type(schema_type);
    let (min, max) = (*bounds::NUMBER.start(), *bounds::NUMBER.end());
    AnyOfBuilder::new()
        .item(of(Type::String).max_length(Some(bounds::MAX_VALUE_CHARS)))
        .item(of(Type::Number).minimum(Some(min)).maximum(Some(max)))
        .item(of(Type::Boolean))
        .description(Some("A value that a field is compared with: a string, a number, true or false."))
        .into()
}

fn object(
    description: &str,
    fields: impl Iterator<Item = (&'static str, RefOr<Schema>)>,
    are_required: bool,
) -> Schema {
    let object = ObjectBuilder::new()
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    let add = |object: ObjectBuilder, (name, schema)| {
        let object = object.property(name, schema);
        if are_required { object.required(name) } else { object }
    };
    fields.fold(object, add).into()
}

fn number(description: &str, allowed: &std::ops::RangeInclusive<i64>) -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).description(Some(description));
    number.minimum(Some(*allowed.start())).maximum(Some(*allowed.end())).into()
}
