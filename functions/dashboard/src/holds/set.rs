//! The form that sets a hold. What is not accepted is shown again as it was typed.

use age_governance::{NewHold, set_hold};
use age_http::{FieldError, NoQuery, Problem, Query};
use age_model::{CommandError, Engine, Hold, Note, OperationName, Timestamp};
use age_policy::ActivePolicy;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::engine_title::engine_title;
use crate::form::VerifiedForm;
use crate::page::{self, Section};
use crate::safe_text::SafeText;
use crate::session::Session;

/// How long a hold lasts, if nobody chooses another time, in seconds.
const DEFAULT_SECONDS: i64 = 4 * 3600;

#[derive(Template)]
#[template(path = "set_hold.html")]
struct SetHoldPage<'a> {
    session: &'a Session,
    section: Section,
    /// The engines of the active policy, each with its title.
    engines: Vec<(Engine, SafeText)>,
    form: HoldForm,
    /// Why the hold was not set. Each begins with the field's label, if it is about one.
    errors: Vec<String>,
    now: Timestamp,
    /// The latest time at which the hold may end.
    latest: String,
}

/// The fields of the form, as they were typed.
#[derive(Clone)]
struct HoldForm {
    engine: String,
    operation: String,
    reason: String,
    until: String,
}

/// Shows the form, for the engine that the query names, if it names one.
pub(crate) async fn show(State(App(app)): State<App>, session: Session, mut query: Query) -> Result<Response, Problem> {
    let engine: Option<Engine> = query.optional("engine");
    query.finish()?;
    let now = app.clock.now();
    let form = HoldForm {
        engine: engine.map(|engine| engine.to_string()).unwrap_or_default(),
        operation: String::new(),
        reason: String::new(),
        until: in_field(now.plus_seconds(DEFAULT_SECONDS)),
    };
    Ok(render(StatusCode::OK, &session, &app.policies.current(), form, Vec::new(), now))
}

/// Sets the hold, and redirects to the engine. The same form sent again, while its hold is active, has no effect.
pub(crate) async fn set(
    State(App(app)): State<App>,
    session: Session,
    _: NoQuery,
    VerifiedForm(mut fields): VerifiedForm,
) -> Result<Response, Problem> {
    let (active, now, clock) = (app.policies.current(), app.clock.now(), app.clock.as_ref());
    let form = HoldForm::read(&mut fields);
    let show_again = |status, errors| Ok(render(status, &session, &active, form.clone(), errors, now));
    let hold = form.parse(&mut fields, &active, now);
    if let Err(problem) = fields.finish() {
        return show_again(problem.status(), problem.errors().iter().map(labelled).collect());
    }
    let Some(hold) = hold else { return show_again(StatusCode::UNPROCESSABLE_ENTITY, Vec::new()) };
    let engine = hold.engine;
    match set_hold(&app.tables.fleet_state, hold, session.caller.kid.clone(), clock).await {
        Ok(_) => Ok(page::redirect_to(&format!("/dashboard/engines#engine-{engine}"))),
        Err(CommandError::Conflict(conflict)) => show_again(StatusCode::CONFLICT, vec![conflict.to_string()]),
        Err(CommandError::Store(error)) => Err(error.into()),
    }
}

fn render(
    status: StatusCode,
    session: &Session,
    active: &ActivePolicy,
    form: HoldForm,
    errors: Vec<String>,
    now: Timestamp,
) -> Response {
    let engines = active.policy.engines.keys().map(|engine| (*engine, engine_title(&active.policy, *engine))).collect();
    let latest = in_field(now.plus_days(Hold::MAX_DAYS));
    page::render(status, &SetHoldPage { session, section: Section::Engines, engines, form, errors, now, latest })
}

impl HoldForm {
    /// Reads the fields as they were typed. Browsers send line ends as CR LF.
    fn read(fields: &mut Query) -> Self {
        let mut typed = |name| fields.optional::<String>(name).unwrap_or_default().replace("\r\n", "\n");
        Self { engine: typed("engine"), operation: typed("operation"), reason: typed("reason"), until: typed("until") }
    }

    /// Returns the hold that the form asks for. `fields` refuses each field that is not valid.
    fn parse(&self, fields: &mut Query, active: &ActivePolicy, now: Timestamp) -> Option<NewHold> {
        let engine = self.engine.parse::<Engine>().map_err(|_| "must be one of the list".to_owned());
        let engine = engine.and_then(|engine| match active.require_engine(engine) {
            Ok(()) => Ok(engine),
            Err(error) => Err(error.to_string()),
        });
        let operation = (!self.operation.trim().is_empty()).then(|| self.operation.trim().parse::<OperationName>());
        let operation = operation.transpose().map_err(|error| error.to_string());
        let reason = self.reason.parse::<Note>().map_err(|error| error.to_string());
        let until = parse_time(&self.until).ok_or_else(|| "must be a time in UTC such as 2026-11-23T04:05".to_owned());
        let until = until.and_then(|until| match Hold::check_end(until, now) {
            Ok(()) => Ok(until),
            Err(error) => Err(error.to_string()),
        });
        let engine = valid(fields, "engine", engine);
        let operation = valid(fields, "operation", operation);
        let (reason, until) = (valid(fields, "reason", reason), valid(fields, "until", until));
        let operation = operation?.map(String::from);
        Some(NewHold { engine: engine?, operation, reason: reason?.into(), until: until? })
    }
}

/// Returns the value of the field `name`, which `fields` refuses if it is not valid.
fn valid<T>(fields: &mut Query, name: &str, value: Result<T, String>) -> Option<T> {
    value.map_err(|error| fields.refuse(name, error)).ok()
}

/// Returns an error with the label of its field.
fn labelled(error: &FieldError) -> String {
    let label = match error.pointer.as_str() {
        "/engine" => "Engine",
        "/operation" => "Operation",
        "/reason" => "Reason",
        "/until" => "Until",
        pointer => pointer,
    };
    format!("{label} {}", error.detail)
}

/// Returns a time as the field has it: UTC, without a zone, to the minute.
fn in_field(time: Timestamp) -> String {
    time.to_string().chars().take("2026-11-23T04:05".len()).collect()
}

/// Parses a time as browsers send it from the field, with seconds or without them. A time with a zone is taken as it is.
fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    [text.to_owned(), format!("{text}:00Z"), format!("{text}Z")].iter().find_map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_the_field_is_in_utc() {
        let parse = |text: &str| parse_time(text).map(|time| time.to_string());
        for text in ["2026-11-23T04:05", " 2026-11-23T04:05:00 ", "2026-11-23T05:05:00+01:00", "2026-11-23T04:05:00Z"] {
            assert_eq!(parse(text).as_deref(), Some("2026-11-23T04:05:00.000Z"), "{text}");
        }
        assert_eq!(in_field("2026-11-23T04:05:59.999Z".parse().unwrap()), "2026-11-23T04:05");
        for text in ["", "4 h", "2026-11-23", "2026-11-23T25:05"] {
            assert!(parse_time(text).is_none(), "{text}");
        }
    }
}
