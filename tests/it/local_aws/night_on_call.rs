//! A night on call, with agectl alone: each command line and each id comes from an e-mail or from the output of a command before.

use serde_json::Value;
use tokio::process::Command;

use super::Stack;

/// How often the queue is read, for a second or more each time. The sweep sends within a minute what the budget of e-mails did not allow
/// at once.
const READS: u32 = 90;

/// A person who has a shell in which agectl is set up.
struct Responder {
    url: String,
    token: String,
    path: String,
}

/// The output of a command, or the text of an e-mail.
struct Printed(String);

impl Responder {
    fn new(stack: &Stack, token: &str) -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let path = format!("{}:{}", root.join("target/debug").display(), std::env::var("PATH").unwrap());
        Self { url: stack.name("AGE_API_URL").to_owned(), token: token.to_owned(), path }
    }

    /// Runs a command line in a shell.
    async fn run(&self, line: &str) -> Printed {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", &self.path);
        let output = shell.env("AGE_API_URL", &self.url).env("AGE_TOKEN", &self.token).output().await.unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(0), "{line}: {stdout}{stderr}");
        Printed(stdout)
    }
}

impl Printed {
    /// Returns the text after `label`, up to the end of its line.
    fn after(&self, label: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.trim_start().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label:?} in {}", self.0)).trim()
    }

    /// Returns the cells of the row of a table that has `word` in it.
    fn row(&self, word: &str) -> Vec<&str> {
        let row = self.0.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("no {word} in {}", self.0));
        row.split_whitespace().collect()
    }

    /// Returns the first cell of each row of a table.
    fn ids(&self) -> Vec<&str> {
        self.0.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
    }

    /// Returns the command of an e-mail that acknowledges the incident of `event_type`.
    fn acknowledge_command(&self, event_type: &str) -> String {
        let (_, command) = self.after("To acknowledge").split_once(": ").unwrap();
        // An e-mail about several incidents has the id of each in its part.
        command.replace("ID", self.row(&format!(".{event_type}")).last().unwrap())
    }

    fn assert_has(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.0.contains(text), "{text:?} in {}", self.0);
        }
    }
}

impl Stack {
    /// Returns the text of the e-mail that has `word` in it.
    async fn email_with(&self, word: &str, received: &mut Vec<Value>) -> Printed {
        for _ in 0..READS {
            // A queue gets the e-mail as a field of the JSON.
            let text = |email: &Value| {
                let message: Value = serde_json::from_str(email["Message"].as_str()?).ok()?;
                message["text"].as_str().map(str::to_owned)
            };
            if let Some(text) = received.iter().filter_map(text).find(|text| text.contains(word)) {
                return Printed(text);
            }
            received.extend(self.receive_all("NOTIFICATIONS_QUEUE_URL").await);
        }
        panic!("no e-mail with {word}: {received:?}");
    }
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn person_on_call_needs_only_the_email_and_agectl() {
    let stack = Stack::connect().await;
    let admin = Responder::new(&stack, stack.name("AGE_ADMIN_TOKEN"));
    let token = admin.run("agectl credential create on-call --role responder --expires-in 1h").await;
    let night = Responder::new(&stack, token.0.trim());
    // The engines' problems.
    for (engine, event_type, severity) in [
        ("IMAGE_ENGINE", "renderer_lost", "CRITICAL"),
        ("COMPLIANCE", "permission_night_drift", "HIGH"),
        ("IMAGE_ENGINE", "render_queue_1_full", "CRITICAL"),
        ("IMAGE_ENGINE", "render_queue_2_full", "CRITICAL"),
    ] {
        let worker = Responder::new(&stack, stack.name(&format!("AGE_TOKEN_{engine}")));
        let engine = engine.to_lowercase();
        worker.run(&format!("agectl event send --engine {engine} --type {event_type} --severity {severity}")).await;
    }

    // The e-mail has the command that acknowledges the incident, which prints the id.
    let mut emails = Vec::new();
    let email = stack.email_with("renderer_lost", &mut emails).await;
    let acknowledged = night.run(&email.acknowledge_command("renderer_lost")).await;
    acknowledged.assert_has(&["renderer_lost is acknowledged by on-call"]);
    let incident = acknowledged.0.split_whitespace().next().unwrap();

    let shown = night.run(&format!("agectl incident show {incident}")).await;
    shown.assert_has(&["image_engine reported renderer_lost, CRITICAL", "Acknowledged by on-call"]);
    let comment = shown.after("Comment ").replace("TEXT", "'the driver was updated at midnight'");
    night.run(&comment).await.assert_has(&["Commented on "]);
    let resolve = shown.after("Resolve ").to_owned();

    // A remediation of the other engine waits for an approval.
    let pending = night.run("agectl action list --status pending_approval").await;
    let row = pending.row("permission_night_drift");
    let (event, name) = (row[0], row[1]);
    let email = stack.email_with("permission_night_drift", &mut emails).await;
    email.assert_has(&[&format!("agectl action show {event} {name}")]);
    let action = night.run(email.after("Command").trim()).await;
    action.assert_has(&["permission_night_drift", "Permissions are reset to their last good state."]);
    night.run(action.after("Approve ")).await.assert_has(&["Approved permission_reset of event "]);

    // The other incidents of the engine have one cause.
    let open = night.run("agectl incident list --engine image_engine --status open").await;
    let ids: Vec<_> = open.ids().into_iter().filter(|id| id.contains("render_queue_")).collect();
    assert_eq!(ids.len(), 2, "{}", open.0);
    let resolved = night.run(&format!("agectl incident resolve {} --note 'driver rolled back'", ids.join(" "))).await;
    resolved.assert_has(&["2 incidents resolved"]);
    night.run(&resolve).await.assert_has(&["renderer_lost is resolved by on-call"]);
    let still_open = night.run("agectl incident list --engine image_engine --status open || test $? = 5").await;
    assert!(!still_open.0.contains("render"), "{}", still_open.0);
    let timeline = night.run(&format!("agectl incident show {incident}")).await;
    timeline.assert_has(&["Comment by on-call", "the driver was updated at midnight", "Resolved by on-call"]);

    // The report is for those who were asleep.
    let made = night.run("agectl report make").await;
    let report = made.after("Report ").split(',').next().unwrap();
    let exported = async |format: &str| night.run(&format!("agectl report export {report} --format {format}")).await;
    let json: Value = serde_json::from_str(&exported("json").await.0).unwrap();
    assert!(json["summary"]["byEngine"]["image_engine"].as_u64().unwrap() >= 3, "{json}");
    let markdown = exported("markdown").await;
    markdown.assert_has(&["# AGE on-demand report, ", "\n| image\\_engine | ", &format!("Report {report}")]);
    let csv = exported("csv").await;
    csv.assert_has(&["section,name,value\r\n", &format!("report,id,{report}\r\n"), "\r\nbyEngine,image_engine,"]);
    admin.run("agectl credential revoke on-call").await;
}
