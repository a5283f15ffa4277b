//! The command line: the root of the arguments that `clap` parses.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::action::ActionCommand;
use crate::commands::channel::ChannelCommand;
use crate::commands::credential::CredentialCommand;
use crate::commands::decide::DecideArgs;
use crate::commands::decision::DecisionCommand;
use crate::commands::doctor::run_checks;
use crate::commands::event::EventCommand;
use crate::commands::health::print_health;
use crate::commands::hold::HoldCommand;
use crate::commands::incident::IncidentCommand;
use crate::commands::policy::PolicyCommand;
use crate::commands::report::ReportCommand;
use crate::commands::stats::print_stats;
use crate::commands::whoami::print_caller;
use crate::error::Error;
use crate::global_options::GlobalOptions;
use crate::session::Session;

const AFTER_HELP: &str = "\
Exit codes:
  0    success
  1    AGE refused the request, or refused some lines of an import, or a policy is not valid,
       or a check of `agectl doctor`, a case of `agectl policy test` or the delivery of
       `agectl channel test` failed
  2    wrong usage or configuration, or a file that cannot be read or written
  3    AGE cannot be reached or is unavailable, or its response is unexpected
  4    the credential is missing or invalid, or its role does not allow the request
  5    nothing found: a list is empty, nothing to show has the id, or no policy version has the hash
  130  interrupted

The token is read from AGE_TOKEN or from the file that --token-file names. No option takes the token itself, because \
all users of a machine can see the arguments of a command.";

/// The operators' command of AGE, the Autonomous Governance Engine
#[derive(Debug, Parser)]
#[command(name = "agectl", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global_options: GlobalOptions,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, rotate and revoke the credentials of AGE's callers
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Send, list and show events
    #[command(subcommand)]
    Event(EventCommand),
    /// List and show actions; approve and deny those that wait for it
    #[command(subcommand)]
    Action(ActionCommand),
    /// Make, list, show and export reports
    #[command(subcommand)]
    Report(ReportCommand),
    /// List and show incidents; acknowledge, resolve, reopen and comment on them
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Stop engines, or one of their operations, for a time
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Add, list, test, pause, rotate and remove notification channels
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Check, test, store, compare, simulate and activate versions of the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// List and show decisions; approve and deny operations that wait for it
    #[command(subcommand)]
    Decision(DecisionCommand),
    /// Show how guardrails decide about a request, and for each guardrail why
    ///
    /// agectl decides itself: nothing is recorded, and the state of the fleet is the one that you describe.
    Decide(DecideArgs),
    /// Show AGE's own health: the last sweep, the policy, the topics and the system alerts
    Health,
    /// Show statistics of the last 30 days
    Stats,
    /// Show the credential of the token and its role
    Whoami,
    /// Check the address, the clock, the credential, its role, the last sweep, the policy and the subscriptions
    ///
    /// Prints a line for each check, and says what to do about one that failed.
    Doctor,
    /// Print a script that completes agectl's commands and options in a shell
    Completions {
        /// Shell that runs the script
        shell: Shell,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Credential(command) => command.run(session).await,
            Self::Event(command) => command.run(session).await,
            Self::Action(command) => command.run(session).await,
            Self::Report(command) => command.run(session).await,
            Self::Incident(command) => command.run(session).await,
            Self::Hold(command) => command.run(session).await,
            Self::Channel(command) => command.run(session).await,
            Self::Policy(command) => command.run(session).await,
            Self::Decision(command) => command.run(session).await,
            Self::Decide(args) => args.run(session).await,
            Self::Health => print_health(session).await,
            Self::Stats => print_stats(session).await,
            Self::Whoami => print_caller(session).await,
            Self::Doctor => run_checks(session).await,
            Self::Completions { shell } => print_completions(shell, session),
        }
    }
}

fn print_completions(shell: Shell, session: &mut Session<'_>) -> Result<(), Error> {
    // Generated in memory first: clap_complete panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "agectl", &mut script);
    Ok(session.stdout.write_unchanged(&script)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_definition_has_no_conflicts() {
        Cli::command().debug_assert();
    }

    #[test]
    fn all_documented_command_lines_parse() {
        for line in [
            "credential create night-desk --role responder --expires-in 90d",
            "credential create billing-worker --role engine --engine billing --engine qa --expires-at 2027-01-01T00:00:00Z",
            "credential list --json",
            "credential revoke night-desk",
            "credential rotate night-desk --overlap 24h",
            "event send --engine qa --type suite_failed --severity HIGH --details {\"a\":1} --key run-4711",
            "event send --engine qa --type suite_failed --details-file - --source-time 2026-11-23T00:00:00Z",
            "event list",
            "event list --engine qa --severity HIGH --type suite_failed --from 2026-11-22 --to 2026-11-23T00:00:00Z --limit 7",
            "event list --all --json",
            "event list --watch",
            "event list --watch 30 --limit 7 --engine qa",
            "event show 01936f2e-0000-7000-8000-00000000000a",
            "action list --status pending_approval --engine qa --all",
            "action show 01936f2e-0000-7000-8000-00000000000a permission_reset",
            "action approve 01936f2e-0000-7000-8000-00000000000a permission_reset --digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "action deny 01936f2e-0000-7000-8000-00000000000a permission_reset --digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "event import week.ndjson --concurrency 8 --from-line 200",
            "event import -",
            "report list --limit 3",
            "report show",
            "report show 01936f2e-0000-7000-8000-00000000000a",
            "report export",
            "report export latest --format csv",
            "report export 01936f2e-0000-7000-8000-00000000000a --format markdown --output report.md",
            "report export 01936f2e-0000-7000-8000-00000000000a --format text --output report.txt",
            "report make --json",
            "health",
            "stats --json",
            "whoami",
            "doctor",
            "incident show billing.1795403565678.a~20b",
            "incident list --status open --engine billing --limit 7",
            "incident ack billing.1795403565678.a~20b --note investigating",
            "incident resolve billing.1795403565678.a~20b qa.1795403565678.c",
            "incident resolve --engine billing --expected-count 2000 --note done --yes",
            "incident ack --severity CRITICAL --type-prefix order_ --status open --opened-before 2026-11-23T00:00:00Z",
            "incident reopen billing.1795403565678.a~20b --note again",
            "incident reopen billing.1795403565678.a~20b qa.1795403565678.c",
            "incident comment billing.1795403565678.a~20b --note seen",
            "incident comment billing.1795403565678.a~20b qa.1795403565678.c --note seen",
            "hold list --status active,ended --engine billing --json",
            "hold set billing --reason audit --for 4h",
            "hold set billing --operation refund --reason audit --until 2026-11-24T00:00:00Z",
            "hold end 01936f2e-0000-7000-8000-00000000000a",
            "hold end 01936f2e-0000-7000-8000-00000000000a --reason done",
            "channel add ops-chat --kind slack --target -",
            "channel add pager --kind pagerduty --target key.txt --severity HIGH --severity CRITICAL --engine billing,qa",
            "channel add archive --kind webhook --target target.json --message incident,approval,report,system",
            "channel list --json",
            "channel show ops-chat",
            "channel test ops-chat",
            "channel test ops-chat --wait 0s",
            "channel pause ops-chat",
            "channel resume ops-chat",
            "channel rotate ops-chat --target -",
            "channel remove ops-chat",
            "policy check policy.toml --against default",
            "policy show",
            "policy show active",
            "policy diff 01234567 policy.json",
            "policy diff 01234567 --against 89abcdef",
            "policy push -",
            "policy activate 01234567 --reason more --yes",
            "policy rollback --reason wrong",
            "policy list --limit 3",
            "policy history",
            "policy schema",
            "policy test guardrails.test.toml",
            "decide --explain request.json --policy guardrails.toml --state state.toml --engine billing",
            "decide --explain - --json",
            "policy simulate 01234567 --from 2026-11-02T00:00:00Z --to 2026-11-23T00:00:00Z --all",
            "policy simulate policy.toml --export history.json --json",
            "policy export --from 2026-11-02T00:00:00Z",
            "completions bash",
        ] {
            let args = std::iter::once("agectl").chain(line.split(' '));
            Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn wrong_usage_is_refused_with_exit_code_2() {
        for line in [
            "",
            "credential create Night --role admin",
            "credential create night-desk",
            "credential create night-desk --role chief",
            "credential create night-desk --role admin --expires-in 90d --expires-at 2027-01-01T00:00:00Z",
            "credential rotate night-desk --overlap soon",
            "event send --engine Mail --type a",
            "event send --engine qa --type a --severity high",
            "event send --engine qa --type a --details []",
            "event send --engine qa --type a --details {} --details-file x",
            "event import x --concurrency 0",
            "event import x --from-line 0",
            "report show ..",
            "report list --limit 0",
            "report export --format pdf",
            "event list --all --limit 3",
            "event list --all --watch",
            "event list --watch 0",
            "event list --watch soon",
            "event list --from yesterday",
            "event show ..",
            "action list --status done",
            "action approve 01936f2e-0000-7000-8000-00000000000a permission_reset",
            "action approve 01936f2e-0000-7000-8000-00000000000a permission_reset --digest 0123",
            "incident show",
            "incident reopen",
            "incident list --status closed",
            "incident ack ../credentials",
            "incident resolve",
            "incident resolve --expected-count 3",
            "incident resolve billing.1795403565678.a --engine billing",
            "incident comment billing.1795403565678.a",
            "hold list --status paused",
            "hold set billing --reason audit",
            "hold set billing --for 4h",
            "hold set billing --reason audit --for 4h --until 2026-11-24T00:00:00Z",
            "hold end billing",
            "channel add Ops --kind slack --target -",
            "channel add ops-chat --target -",
            "channel add ops-chat --kind slack",
            "channel add ops-chat --kind pager_duty --target -",
            "channel add ops-chat --kind slack --target - --message incidents",
            "channel add ops-chat --kind slack --target - --severity high",
            "channel add ops-chat --kind slack --url https://example.com",
            "channel show ../credentials",
            "channel test ops-chat --wait soon",
            "channel rotate ops-chat",
            "policy check",
            "policy diff",
            "policy diff a b c",
            "policy push default.toml other.toml",
            "policy activate 0123456 --reason more",
            "policy activate 01234567",
            "policy history --limit 0",
            "policy test",
            "decide",
            "decide --explain request.json --engine Billing",
            "policy simulate a --export history.json --from 2026-11-02T00:00:00Z",
            "policy simulate a --from yesterday",
            "credential list --token secret",
            "credential list --api-url http://age.example.com",
        ] {
            let args = std::iter::once("agectl").chain(line.split_whitespace());
            assert_eq!(Cli::try_parse_from(args).map_err(|error| error.exit_code()).unwrap_err(), 2, "{line}");
        }
    }
}
