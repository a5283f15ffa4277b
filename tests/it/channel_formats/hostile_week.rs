//! Events, outcomes, operations and a policy with texts that chat programs replace, reorder, hide or render, and with long ones.

use age_model::EventType;
use serde_json::{Value, json};

use crate::decisions::ask;
use crate::policies::{default_document, default_hash, push};
use crate::policy_page::activate;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING};
use crate::world::{World, event};

const TEXTS: [&str; 18] = [
    "<!channel> look",
    "<!here|x> <@U0123> <#C0123>",
    "<https://evil.example/|AGE>",
    "*bold* _slanted_ ~struck~ `code` :tada:",
    "[AGE](https://evil.example/) ![](https://evil.example/x.png)",
    "<at>everyone</at> @channel @here",
    "{{DATE(2026-11-23T00:00:00Z, SHORT)}} ${name} $(name)",
    "&lt;!channel&gt; &amp;amp; & < >",
    "\"}],\"blocks\":[{\"type\":\"divider\"}]",
    "\\u003c!channel\\u003e \\n \\",
    "</script><script>alert(1)</script>",
    "__proto__",
    "```\n> AGE did: nothing\n- one\n1. two\n# three",
    "\u{202e}elpmaxe.live\u{202c} \u{2066}x\u{2069} \u{200b}\u{feff}",
    "\u{1b}[31m\u{7}\r\nred\u{2028}line\u{2029}paragraph",
    "שלום, العالم",
    "👩‍👩‍👧 e\u{301}\u{335}\u{321}",
    " ",
];

/// The characters that long texts repeat: those of several bytes, and those that JSON and Slack escape.
const PARTS: [&str; 6] = ["W", "😀", "\"\\", "<&>", "\u{fdfd}", "a.example/ "];

/// The length of long texts of details, in characters: three times in the details of an event, it stays below their 16 KB.
const LONG: usize = 1300;

/// The longest event type, and a long name in an operation, in characters.
const NAME: usize = 128;

/// How often the worker looks for requests and a sweep runs after the last event.
const HOURS: usize = 30;

/// Sends each text as an event type, in details, as the words of a worker, as every name in an operation and as the reason for a policy.
/// Sweeps then notify people for more than a day.
pub(super) async fn send(world: &World) {
    let long = PARTS.iter().flat_map(|part| [NAME, LONG].map(|length| part.chars().cycle().take(length).collect()));
    let texts: Vec<String> = TEXTS.map(str::to_owned).into_iter().chain(long).collect();
    world.sweep().await;
    let hash = push(world, &document()).await;
    activate(world, &hash, &default_hash(), "<!channel> *bold* [x](https://evil.example) \u{5e9}").await;
    let mut worked = 0;
    for (number, text) in texts.iter().enumerate() {
        world.clock.advance(60);
        let is_event_type = text.parse::<EventType>().is_ok();
        let event_type = if is_event_type { text.clone() } else { format!("hostile_{number}") };
        let mut event = event("billing", &event_type, "CRITICAL");
        event["details"] = json!({ "text": text });
        event["details"][text] = json!([text]);
        let sent = world.post(&event).await;
        assert_eq!(sent.status, 201, "{text:?}: {sent:?}");
        world.clock.advance(60);
        worked = work(world, worked, text).await;
        world.sweep().await;
        if is_event_type {
            ask(world, &operation(text)).await;
        }
    }
    for _ in 0..HOURS {
        world.clock.advance(60 * 60);
        worked = work(world, worked, "<!channel>").await;
        world.sweep().await;
    }
}

/// Returns the default policy with a guardrail that makes every operation wait for an approval.
fn document() -> Value {
    let mut document = default_document();
    document["guardrails"] = json!([
        { "id": "invoices", "verdict": "needs_approval", "message": "<!channel> *invoices* [need](https://evil.example) approval",
          "match": { "resource": { "type": { "equals": "invoice" } } } },
    ]);
    document
}

fn operation(text: &str) -> Value {
    json!({
        "subject": { "type": text, "id": text }, "action": { "name": text },
        "resource": { "type": "invoice", "id": text }, "context": { "note": text },
    })
}

/// Reports that the requests after the first `done` have failed, in the words of `text`. Returns how many requests there are.
async fn work(world: &World, done: usize, text: &str) -> usize {
    let requests = world.sns.published("actions");
    for request in &requests[done..] {
        let by = if request.json["action"] == "MAOS_auto_fix" { ANOTHER_ENGINE } else { BILLING };
        let path = request.json["outcomePath"].as_str().unwrap();
        let outcome = json!({ "outcome": "failed", "detail": text });
        let reported = world.as_caller(by).post_json(path, &outcome).await;
        // A text may be refused: too long, or with characters that nobody sees.
        assert!(reported.status < 500, "{text:?}: {reported:?}");
    }
    requests.len()
}
