"""The page Scale has the numbers of the template and of the code."""

from __future__ import annotations

import re
import unittest

from documents import ROOT

PAGE = ROOT / "docs" / "concepts" / "scale.md"
GOVERNANCE = "shared/governance/src"
# A file, a pattern with the numbers, and the words of the page with them.
FACTS = [
    (
        "infra/template.yaml",
        r"ThrottlingRateLimit: (\d+), ThrottlingBurstLimit: (\d+)",
        "{:,} requests a second to a route, {:,} at once",
    ),
    ("infra/template.yaml", r'RequestsPerSecond:\n +Type: String\n +Default: "(\d+)"', "{} events or requests a"),
    ("infra/template.yaml", r"MemorySize: (1\d+)\n +# A run begins", "a whole CPU ({:,} MB)"),
    ("shared/store/src/shard_assignment.rs", r"MAX_SHARD_COUNT: u32 = (\d+)", "{} shards for an engine and day"),
    ("shared/store/src/dynamodb/keys/due.rs", r"DUE_SHARDS: u32 = (\d+)", "Index `due` of actions: {} partitions"),
    (f"{GOVERNANCE}/event_writer.rs", r"MAX_ATTEMPTS: u32 = (\d+)", "after up to {} attempts"),
    (f"{GOVERNANCE}/event_writer.rs", r"LAST_ATTEMPT_SECONDS: i64 = (\d+)", "attempts within {} seconds"),
    (f"{GOVERNANCE}/sweep.rs", r"ACTIONS_SECONDS: i64 = (\d+)", "A sweep has {} seconds for them"),
    (f"{GOVERNANCE}/sweep.rs", r"RUN_SECONDS: i64 = (\d+)", "of the {} seconds of a sweep"),
    (f"{GOVERNANCE}/sweep/notifications.rs", r"MAX_DUE_PER_ENGINE: usize = (\d+)", "{} due incidents of an engine"),
    (f"{GOVERNANCE}/sweep/due_decisions.rs", r"MAX_DUE_PER_ENGINE: usize = (\d+)", "{:,} due approvals of an engine"),
    (f"{GOVERNANCE}/relay.rs", r"RUN_TIME: Duration = Duration::from_secs\((\d+)\)", "{} seconds a minute for the"),
    ("shared/http/src/authentication.rs", r"REFRESH_AFTER_SECONDS: i64 = (\d+)", "reads it every {} seconds"),
    ("shared/http/src/authentication.rs", r"MAX_AGE_SECONDS: i64 = (\d+)", "what they read up to {} seconds ago"),
    ("shared/policy/src/bounds.rs", r"MAX_DOCUMENT_BYTES: usize = (\d+) \* 1024", "up to {} KB: a new environment"),
    ("shared/policy/default.toml", r"max_open_per_engine = (\d+)", "{} open incidents of an engine"),
]


class ScaleTest(unittest.TestCase):
    def test_page_has_the_numbers_of_the_template_and_of_the_code(self) -> None:
        page = PAGE.read_text()
        for file, pattern, words in FACTS:
            found = re.search(pattern, (ROOT / file).read_text())
            self.assertIsNotNone(found, f"{file} has no {pattern}")
            if found:
                sentence = words.format(*map(int, found.groups()))
                self.assertTrue(sentence in page, f"the page does not say `{sentence}`, as {file} does")
