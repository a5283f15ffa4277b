//! `POST /api/governance/channels`: create a channel.

use age_governance::ChannelDraft;
use age_http::{Caller, Fields, JsonBody, NoQuery, Problem, RequestBody, request_body};
use age_model::{ChannelFilter, ChannelKind, ChannelMessage, ChannelName, Engine, Severity};
use age_policy::ActivePolicy;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::channel_view::ChannelView;
use crate::problem::channel_problem;
use crate::target::TargetFields;

request_body! {
    /// A channel to create. Address, integration key and secrets are encrypted, and never shown again.
    #[schema(as = NewChannel)]
    struct ChannelBody {
        name: ChannelName,
        kind: ChannelKind,
        /// An https address of a public host. Not for `pagerduty`.
        #[schema(max_length = 2048, pattern = "^https://")]
        url: Option<String>,
        /// The integration key of a service. For `pagerduty` only.
        #[schema(pattern = "^[A-Za-z0-9]{32}$")]
        routing_key: Option<String>,
        /// The service region, `us` by default. For `pagerduty` only.
        #[schema(pattern = "^(us|eu)$")]
        region: Option<String>,
        /// The secrets that sign messages: one, or two while you change it, the new one first. For `webhook` only.
        #[schema(min_items = 1, max_items = 2)]
        secrets: Option<Vec<String>>,
        /// The severities that it gets; all by default.
        severities: Option<Vec<Severity>>,
        /// The engines that it gets messages about; all by default.
        engines: Option<Vec<Engine>>,
        /// The kinds of messages that it gets; all by default. `pagerduty` gets incidents and system messages only.
        messages: Option<Vec<ChannelMessage>>,
    }
}

impl ChannelBody {
    fn parse_for(body: &[u8], active: &ActivePolicy) -> Result<ChannelDraft, Problem> {
        let mut fields = Fields::parse(body)?;
        let read = Self::read(&mut fields).and_then(|new| new.draft(active, &mut fields));
        fields.finish(read)
    }

    fn draft(self, active: &ActivePolicy, fields: &mut Fields) -> Result<ChannelDraft, age_http::Refused> {
        let Self { name, kind, url, routing_key, region, secrets, severities, engines, messages } = self;
        let mut refused = None;
        for (index, engine) in engines.iter().flatten().enumerate() {
            if let Err(error) = active.require_engine(*engine) {
                refused = Some(fields.refuse_part("engines", &format!("/{index}"), error));
            }
        }
        for (index, message) in messages.iter().flatten().enumerate() {
            if !kind.carries(*message) {
                let why =
                    format!("must be one of incident, system for {kind}; got {message:?}", message = message.as_str());
                refused = Some(fields.refuse_part("messages", &format!("/{index}"), why));
            }
        }
        let target = TargetFields { url, routing_key, region, secrets }.target(kind, fields);
        let (host, target) = match refused {
            Some(refused) => return Err(refused),
            None => target?,
        };
        let filter = ChannelFilter {
            severities: severities.into_iter().flatten().collect(),
            engines: engines.into_iter().flatten().collect(),
            messages: messages.into_iter().flatten().collect(),
        };
        Ok(ChannelDraft { name, kind, host, target, filter })
    }
}

/// Create a channel
///
/// Messages are delivered to it from now on. Send a test message to see whether it accepts them.
#[utoipa::path(
    post,
    path = "/api/governance/channels",
    operation_id = "create_channel", tag = "Channels",
    request_body = ChannelBody,
    responses(
        (status = 201, description = "The channel", body = ChannelView, headers(("Location" = String, description = "The path of the channel"))),
        (status = 409, description = "The name is taken, or there are too many channels"),
    ),
)]
pub(crate) async fn create_channel(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let draft = ChannelBody::parse_for(&body, &app.policies.current())?;
    let created =
        app.configurator.create(draft, caller.kid.clone(), app.clock.as_ref()).await.map_err(channel_problem)?;
    let view = ChannelView::from(created);
    let location = format!("/api/governance/channels/{}", view.name);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(view)).into_response())
}
