//! `agectl channel`: manages the channels that AGE notifies people through, besides e-mail.

use std::time::Duration;

use age_model::{ChannelKind, ChannelMessage, Engine, Severity, UnreadableItem};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_response::ApiResponse;
use crate::commands::channel_target::ChannelTarget;
use crate::commands::channel_test_message::send_test_message;
use crate::commands::channel_view::{Channel, RESOURCE};
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;
use crate::value_parsers::{channel_kind_parser, channel_message_parser, severity_parser};

/// The longest name of a channel, in bytes.
const MAX_NAME_LENGTH: usize = 32;

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    /// Add a notification channel to a chat, a paging service or an HTTPS endpoint
    Add(AddChannelArgs),
    /// List all channels
    List,
    /// Show a channel, and what came of its last delivery
    Show {
        #[command(flatten)]
        channel: ChannelRef,
    },
    /// Send a test message to a channel, and wait for the result
    ///
    /// The result is that of the next attempt to deliver something to the channel. If the attempt fails, the exit code is 1.
    Test {
        #[command(flatten)]
        channel: ChannelRef,
        /// How long to wait for the result; 0s: do not wait
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Pause a channel: AGE sends it nothing until it is resumed
    Pause {
        #[command(flatten)]
        channel: ChannelRef,
    },
    /// Resume a paused channel
    Resume {
        #[command(flatten)]
        channel: ChannelRef,
    },
    /// Replace the target of a channel: its URL, routing key or secrets
    Rotate {
        #[command(flatten)]
        channel: ChannelRef,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Remove a channel and its target
    Remove {
        #[command(flatten)]
        channel: ChannelRef,
    },
}

/// A channel that AGE has.
#[derive(Debug, Args)]
pub(crate) struct ChannelRef {
    /// Name of the channel
    #[arg(value_parser = parse_channel_name)]
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct AddChannelArgs {
    /// Name of the channel, such as ops-chat: a lower-case letter, then up to 31 lower-case letters, digits, - and _
    #[arg(value_parser = parse_channel_name)]
    name: String,
    /// Service that receives the messages
    #[arg(long, value_parser = channel_kind_parser())]
    kind: ChannelKind,
    #[command(flatten)]
    target: TargetArgs,
    /// Send only what has one of these severities, separated by commas [default: all]
    #[arg(long = "severity", value_name = "SEVERITY", value_delimiter = ',', value_parser = severity_parser())]
    severities: Vec<Severity>,
    /// Send only what is about these engines, separated by commas [default: all]
    #[arg(long = "engine", value_name = "ENGINE", value_delimiter = ',')]
    engines: Vec<Engine>,
    /// Send only these messages, separated by commas [default: all]
    #[arg(long = "message", value_name = "MESSAGE", value_delimiter = ',', value_parser = channel_message_parser())]
    messages: Vec<ChannelMessage>,
}

/// Where the target of a channel is read from.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// File with the target (`-`: standard input): its URL or routing key on one line, or a JSON object
    ///
    /// The JSON object has the fields `url` and, for a webhook, `secrets`; or, for `pagerduty`, `routingKey` and `region`. No option takes
    /// the target itself, because all users of a machine can see the arguments of a command. agectl never prints it.
    #[arg(long, value_name = "FILE")]
    target: InputSource,
}

#[derive(Serialize)]
struct AddChannelRequest<'a> {
    name: &'a str,
    kind: ChannelKind,
    #[serde(flatten)]
    target: &'a ChannelTarget,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    severities: Vec<Severity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<Engine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<ChannelMessage>,
}

#[derive(Deserialize)]
struct ChannelList {
    channels: Vec<Box<RawValue>>,
    #[serde(default)]
    unreadable: Vec<UnreadableItem>,
}

impl ChannelCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Add(args) => args.run(session).await,
            Self::List => list_channels(session).await,
            Self::Show { channel } => channel.show(session).await,
            Self::Test { channel, wait } => send_test_message(&channel.name, wait, session).await,
            Self::Pause { channel } => channel.change_status("pause", session).await,
            Self::Resume { channel } => channel.change_status("resume", session).await,
            Self::Rotate { channel, target } => channel.rotate(&target.target, session).await,
            Self::Remove { channel } => {
                let response = session.api_client().await?.delete(&[RESOURCE, &channel.name]).await?;
                print_channel(&response, session, |channel| format!("Removed channel {}", channel.name))
            }
        }
    }
}

/// Parses the name of a channel.
fn parse_channel_name(text: &str) -> Result<String, &'static str> {
    let is_allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '_');
    let is_name = text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(is_allowed);
    (is_name && text.len() <= MAX_NAME_LENGTH)
        .then(|| text.to_owned())
        .ok_or("must be a lower-case letter, then up to 31 lower-case letters, digits, - and _")
}

impl AddChannelArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let Self { name, kind, target: TargetArgs { target }, severities, engines, messages } = self;
        let target = ChannelTarget::read(&target, Some(kind), session).await?;
        let request = AddChannelRequest { name: &name, kind, target: &target, severities, engines, messages };
        let response = session.api_client().await?.post_non_idempotent(&[RESOURCE], &request).await;
        let response = response.map_err(|error| target.conceal(error))?;
        print_channel(&response, session, |channel| format!("Added channel {}", channel.summary()))?;
        session.print_warning(&format!("Send a test message with `agectl channel test {name}`"))
    }
}

impl ChannelRef {
    async fn show(self, session: &mut Session<'_>) -> Result<(), Error> {
        let response = session.api_client().await?.get_named(&[RESOURCE, &self.name]).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let text = response.parse::<Channel>()?.as_text();
        Ok(writeln!(session.stdout, "{text}")?)
    }

    /// Posts `verb`, `pause` or `resume`.
    async fn change_status(self, verb: &str, session: &mut Session<'_>) -> Result<(), Error> {
        let path = [RESOURCE, &self.name, verb];
        let response = session.api_client().await?.post_idempotent_without_body(&path).await?;
        print_channel(&response, session, |channel| format!("Channel {} is {}", channel.name, channel.status))
    }

    async fn rotate(self, source: &InputSource, session: &mut Session<'_>) -> Result<(), Error> {
        let target = ChannelTarget::read(source, None, session).await?;
        let path = [RESOURCE, &self.name, "rotate"];
        // Idempotent: the second request replaces the target by the same one.
        let response = session.api_client().await?.post_idempotent(&path, &target).await;
        let response = response.map_err(|error| target.conceal(error))?;
        print_channel(&response, session, |channel| format!("Rotated channel {}", channel.summary()))
    }
}

async fn list_channels(session: &mut Session<'_>) -> Result<(), Error> {
    let response = session.api_client().await?.get(&[RESOURCE], &[]).await?;
    let ChannelList { channels, unreadable } = response.parse()?;
    session.warn_unreadable(&unreadable)?;
    if session.json {
        session.print_json(&response.body)?;
    } else {
        session.print_table(Channel::HEADINGS, &channels, Channel::table_row)?;
    }
    if channels.is_empty() && unreadable.is_empty() {
        return Err(Error::EmptyList(RESOURCE.to_owned()));
    }
    Ok(())
}

/// Prints a channel that was changed: its `message`, or AGE's response with `--json`.
fn print_channel(
    response: &ApiResponse,
    session: &mut Session<'_>,
    message: impl Fn(&Channel) -> String,
) -> Result<(), Error> {
    if session.json {
        return session.print_json(&response.body);
    }
    session.print_line(&message(&response.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_name_has_up_to_32_characters_of_its_alphabet() {
        for name in ["a", "ops-chat", "on_call2", &"a".repeat(32)] {
            assert_eq!(parse_channel_name(name).as_deref(), Ok(name));
        }
        for name in ["", "-a", "2a", "Ops", "a.b", "..", "a/b", "ä", &"a".repeat(33)] {
            assert!(parse_channel_name(name).is_err(), "{name}");
        }
    }
}
