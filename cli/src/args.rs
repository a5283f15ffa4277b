//! The command line.

use age_model::{Engine, IncidentStatus, Role, Severity};
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser, ValueParser};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::address::Address;
use crate::error::Error;
use crate::session::Session;
use crate::source::Source;
use crate::{credential, event, incident, report};

const GLOBAL: &str = "Global options";

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    AGE refused the request, or some lines of an import
  2    wrong usage or configuration, or a file that cannot be read or written
  3    AGE could not be reached, was not available, or its answer makes no sense
  4    the credential is missing or wrong, or may not do this
  130  interrupted

The token is read from AGE_TOKEN, or from a file; there is no option for the token itself, because the \
arguments of a command are visible to all users of a machine.";

/// The operators' command of AGE, the Autonomous Governance Engine
#[derive(Debug, Parser)]
#[command(name = "agectl", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where AGE is, such as `https://age.example.com`
    #[arg(long, global = true, help_heading = GLOBAL, env = "AGE_API_URL", value_name = "URL")]
    pub(crate) api_url: Option<Address>,

    /// Reads the token from FILE (`-`: standard input) instead of `AGE_TOKEN`
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(crate) token_file: Option<Source>,

    /// Prints AGE's own JSON
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says who may call AGE
    #[command(subcommand)]
    Credential(credential::Command),
    /// Reports events
    #[command(subcommand)]
    Event(event::Command),
    /// Shows reports
    #[command(subcommand)]
    Report(report::Command),
    /// Lists incidents, newest first
    Incidents(incident::List),
    /// Acknowledges an incident: you take it
    Ack(incident::Mark),
    /// Resolves an incident: it is over
    Resolve(incident::Mark),
    /// Prints a script that completes this command in a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

pub(crate) fn completions(shell: Shell, session: &mut Session<'_>) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "agectl", &mut script);
    Ok(session.out.write_all(&script)?)
}

/// Takes the names of a closed set, so that the help and the completions list them.
macro_rules! one_of {
    ($($function:ident: $name:ty),+) => {$(
        pub(crate) fn $function() -> ValueParser {
            let names = <$name>::ALL.iter().map(|member| member.as_str());
            ValueParser::new(PossibleValuesParser::new(names).try_map(|name| name.parse::<$name>()))
        }
    )+};
}

one_of!(engine: Engine, severity: Severity, role: Role, incident_status: IncidentStatus);

/// Takes whole numbers from 1.
pub(crate) fn positive() -> ValueParser {
    ValueParser::new(RangedU64ValueParser::<usize>::new().range(1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "credential create night-desk --role responder --expires-in 90d",
            "credential create billing-worker --role engine --engine billing --engine qa --expires-at 2027-01-01T00:00:00Z",
            "credential list --json",
            "credential revoke night-desk",
            "credential rotate night-desk --overlap 24h",
            "event send --engine qa --type suite_failed --severity HIGH --details {\"a\":1} --key run-4711",
            "event send --engine qa --type suite_failed --details-file - --source-time 2026-11-23T00:00:00Z",
            "event import week.ndjson --concurrency 8 --from-line 200",
            "event import -",
            "report list --limit 3",
            "report show",
            "report show 01936f2e-0000-7000-8000-00000000000a",
            "incidents --status open --limit 7",
            "ack billing.1795403565678.a~20b --note taken",
            "resolve billing.1795403565678.a~20b",
            "completions bash",
        ] {
            let args = std::iter::once("agectl").chain(line.split(' '));
            Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn wrong_usage_is_refused_with_clap_s_own_code() {
        for line in [
            "",
            "credential create Night --role admin",
            "credential create night-desk",
            "credential create night-desk --role chief",
            "credential create night-desk --role admin --expires-in 90d --expires-at 2027-01-01T00:00:00Z",
            "credential rotate night-desk --overlap soon",
            "event send --engine mail --type a",
            "event send --engine qa --type a --severity high",
            "event send --engine qa --type a --details []",
            "event send --engine qa --type a --details {} --details-file x",
            "event import x --concurrency 0",
            "event import x --from-line 0",
            "report show ..",
            "report list --limit 0",
            "incidents --status closed",
            "ack ../credentials",
            "credential list --token secret",
            "credential list --api-url http://age.example.com",
        ] {
            let args = std::iter::once("agectl").chain(line.split_whitespace());
            assert_eq!(Cli::try_parse_from(args).map_err(|error| error.exit_code()).unwrap_err(), 2, "{line}");
        }
    }
}
