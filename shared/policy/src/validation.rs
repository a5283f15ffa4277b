//! The validation of a policy that people write: every error at once, each with its path. The build script compiles this file as well.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, InvalidEngine, RiskLevel, Severity};
use serde_json::Value;

use crate::bounds;
use crate::decision_validation::read_decision_rules;
use crate::document::{ActivationRules, Category, EngineRules, Policy};
use crate::engine_names::EngineNames;
use crate::guardrail_validation::{Names, read_guardrails};
use crate::policy_path::{PolicyError, PolicyPath};
use crate::reader::{Fields, Node, all, each_once};
use crate::rule_validation::{read_actions, read_alert_rules, read_incident_rules};
use crate::unique_name::read_unique_name;

impl Policy {
    /// Reads a policy that people wrote. Checks every word, number, text and reference.
    ///
    /// # Errors
    /// Every error of the document.
    pub fn from_value(value: &Value) -> Result<Self, Vec<PolicyError>> {
        let errors = RefCell::default();
        let policy = Node::root(value, &errors).object(read_policy);
        let mut errors = errors.into_inner();
        if let Some(policy) = policy.filter(|_| errors.is_empty()) {
            let bytes = policy.canonical_json().len();
            if bytes <= bounds::MAX_DOCUMENT_BYTES {
                return Ok(policy);
            }
            let detail = format!("must be at most {} bytes as canonical JSON; got {bytes}", bounds::MAX_DOCUMENT_BYTES);
            errors.push(PolicyError { path: PolicyPath::default(), detail });
        }
        Err(errors)
    }

    /// Checks a policy as [`Policy::from_value`] does.
    ///
    /// # Errors
    /// Every error of the document.
    pub fn validate(&self) -> Result<(), Vec<PolicyError>> {
        // INVARIANT: see `canonical_json`.
        Self::from_value(&serde_json::to_value(self).unwrap_or_default()).map(drop)
    }
}

fn read_policy(fields: &Fields<'_, '_>) -> Option<Policy> {
    let score_cap = fields.field("score_cap").whole_number(&bounds::SCORE_CAP);
    let critical_recommendation = read_critical_recommendation(&fields.field("critical_recommendation"));
    let engines = fields.field("engines").entries(&bounds::ENGINES);
    let names = EngineNames(engines.as_ref().map(|engines| engines.iter().map(|(name, _)| *name).collect()));
    let rules = engines.as_deref().map(read_engines);
    let weights = read_weights(&fields.field("weights"));
    let levels = read_levels(&fields.field("levels"));
    let mut scored = Some(BTreeSet::new());
    let categories = read_categories(&fields.field("categories"), &names, &mut scored);
    if let (Some(engines), Some(scored)) = (&engines, scored) {
        refuse_unscored(engines, &scored);
    }
    let actions = read_actions(&fields.field("actions"), &names);
    let min_severity = actions.as_ref().map(|actions| actions.min_severity);
    let incidents = read_incident_rules(&fields.field("incidents"), min_severity);
    let alertmanager = read_alert_rules(&fields.field("alertmanager"));
    let activation = fields.optional("activation", read_activation_rules);
    let category_names = categories.as_ref().map(|them| them.iter().map(|it| it.name.as_str()).collect());
    let decisions = fields.optional("decisions", read_decision_rules).map(Option::unwrap_or_default);
    let unbound_context = decisions.as_ref().map(|rules| rules.unbound_context.as_slice()).unwrap_or_default();
    let names = Names { engines: &names, categories: category_names, unbound_context };
    let guardrails = fields.optional("guardrails", |node| read_guardrails(node, &names));
    Some(Policy {
        score_cap: score_cap?,
        critical_recommendation: critical_recommendation?,
        engines: rules??,
        weights: weights?,
        levels: levels?,
        categories: categories?,
        actions: actions?,
        incidents: incidents?,
        alertmanager: alertmanager?,
        activation: activation?.unwrap_or_default(),
        guardrails: guardrails?.unwrap_or_default(),
        decisions: decisions?,
    })
}

fn read_activation_rules(node: &Node<'_>) -> Option<ActivationRules> {
    node.object(|fields| {
        let requires_another_admin = fields.optional("requires_another_admin", Node::boolean);
        Some(ActivationRules { requires_another_admin: requires_another_admin?.unwrap_or_default() })
    })
}

fn read_critical_recommendation(node: &Node<'_>) -> Option<String> {
    let text = node.line(bounds::MAX_RECOMMENDATION_CHARS)?;
    if !text.contains("{count}") {
        node.refuse(format!("must contain {{count}}, which stands for the number of events; got {text:?}"));
        return None;
    }
    Some(text.to_owned())
}

fn read_engines(engines: &[(&str, Node<'_>)]) -> Option<BTreeMap<Engine, EngineRules>> {
    let read = |(name, node): &(&str, Node<'_>)| {
        let engine = name.parse().map_err(|error: InvalidEngine| node.refuse(error.to_string())).ok();
        let is_reserved = engine == Some(Engine::AGE);
        if is_reserved {
            node.refuse("is reserved for the events of AGE itself; choose another name");
        }
        let rules = node.object(|fields| {
            let title = fields.field("title").line(bounds::MAX_TITLE_CHARS);
            let interval = fields.field("expected_interval_seconds").whole_number(&bounds::EXPECTED_INTERVAL_SECONDS);
            Some(EngineRules { title: title?.to_owned(), expected_interval_seconds: interval? })
        });
        Some((engine.filter(|_| !is_reserved)?, rules?))
    };
    all(engines.iter().map(read))
}

/// Refuses engines that no category scores: nobody would see their events in a report.
fn refuse_unscored(engines: &[(&str, Node<'_>)], scored: &BTreeSet<Engine>) {
    for (name, node) in engines {
        let is_unscored = |engine: Engine| engine != Engine::AGE && !scored.contains(&engine);
        if name.parse().is_ok_and(is_unscored) {
            node.refuse("must be in the engines of at least one category");
        }
    }
}

fn read_weights(node: &Node<'_>) -> Option<BTreeMap<Severity, u64>> {
    node.object(|fields| read_ascending(fields, Severity::ALL, |_| bounds::WEIGHT, Severity::as_str))
}

fn read_levels(node: &Node<'_>) -> Option<BTreeMap<RiskLevel, u32>> {
    let lowest = |level| if level == RiskLevel::Low { 0..=0 } else { bounds::SCORE };
    node.object(|fields| read_ascending(fields, RiskLevel::ALL, lowest, RiskLevel::as_str))
}

/// Reads a number for each of `words`, each above the one before.
fn read_ascending<W: Copy + Ord, T: TryFrom<i64> + Copy + PartialOrd + std::fmt::Display>(
    fields: &Fields<'_, '_>,
    words: &[W],
    allowed: impl Fn(W) -> std::ops::RangeInclusive<i64>,
    name: impl Fn(W) -> &'static str,
) -> Option<BTreeMap<W, T>> {
    let mut below: Option<(&str, T)> = None;
    let numbers = words.iter().map(|word| {
        let node = fields.field(name(*word));
        let number: T = node.whole_number(&allowed(*word))?;
        if let Some((lower, least)) = below.replace((name(*word), number)).filter(|(_, least)| number <= *least) {
            node.refuse(format!("must be above {lower} ({least}); got {number}"));
            return None;
        }
        Some((*word, number))
    });
    all(numbers)
}

/// Reads the categories. Adds their engines to `scored`, which is None once a list of engines cannot be read.
fn read_categories(
    node: &Node<'_>,
    names: &EngineNames<'_>,
    scored: &mut Option<BTreeSet<Engine>>,
) -> Option<Vec<Category>> {
    let nodes = node.list(&bounds::CATEGORIES);
    if nodes.is_none() {
        *scored = None;
    }
    let nodes = nodes?;
    let mut seen = BTreeMap::new();
    all(nodes.iter().map(|node| {
        node.object(|fields| {
            let name = read_unique_name(&fields.field("name"), bounds::MAX_CATEGORY_CHARS, &mut seen);
            let engines = fields.field("engines").list(&bounds::CATEGORY_ENGINES);
            add_scored(scored, engines.as_deref());
            let engines = engines.and_then(|engines| each_once(&engines, |engine| names.read_or_age(engine)));
            let recommend_above = fields.field("recommend_above").whole_number(&bounds::SCORE);
            let recommendation = fields.field("recommendation").line(bounds::MAX_RECOMMENDATION_CHARS);
            Some(Category {
                name: name?,
                engines: engines?,
                recommend_above: recommend_above?,
                recommendation: recommendation?.to_owned(),
            })
        })
    }))
}

/// Adds the engines of a category to `scored`, or forgets them all if its list cannot be read.
fn add_scored(scored: &mut Option<BTreeSet<Engine>>, engines: Option<&[Node<'_>]>) {
    let Some(engines) = engines else {
        *scored = None;
        return;
    };
    if let Some(scored) = scored {
        scored.extend(engines.iter().filter_map(|node| node.as_str()?.parse::<Engine>().ok()));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::decision_document;
    use crate::guardrail_document::test_data;

    pub(crate) fn default_document() -> Value {
        serde_json::to_value(Policy::compiled().unwrap()).unwrap()
    }

    /// Returns the place at `pointer` in `document`, which has its parent.
    pub(crate) fn set(document: &mut Value, pointer: &str, value: Option<Value>) {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        match (document.pointer_mut(parent).unwrap(), value) {
            (Value::Object(map), Some(value)) => _ = map.insert(key, value),
            (Value::Object(map), None) => assert!(map.remove(&key).is_some(), "{pointer}"),
            (Value::Array(list), Some(value)) if key == "-" => list.push(value),
            (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
            (Value::Array(list), None) => _ = list.remove(key.parse::<usize>().unwrap()),
            (other, _) => panic!("{pointer}: {other}"),
        }
    }

    pub(crate) fn paths(document: &Value) -> Vec<String> {
        let errors = Policy::from_value(document).err().unwrap_or_default();
        errors.iter().map(|error| error.path.to_string()).collect()
    }

    /// A change of the default policy, and the paths of the errors that it causes.
    pub(crate) type InvalidChange = (&'static str, Option<Value>, &'static [&'static str]);

    fn invalid_changes_of_scores() -> Vec<InvalidChange> {
        let engine = || json!({"title": "Search", "expected_interval_seconds": 0});
        let engines = |count: usize| -> Value {
            (0..count).map(|number| (format!("engine_{number}"), engine())).collect::<serde_json::Map<_, _>>().into()
        };
        let category =
            |name: &str| json!({"name": name, "engines": ["qa"], "recommend_above": 1, "recommendation": "x"});
        vec![
            ("/score_cap", None, &["score_cap"]),
            ("/score_cap", Some(json!(0)), &["score_cap"]),
            ("/score_cap", Some(json!(101)), &["score_cap"]),
            ("/score_cap", Some(json!(99.5)), &["score_cap"]),
            ("/score_cap", Some(json!("100")), &["score_cap"]),
            ("/score_cap", Some(json!(null)), &["score_cap"]),
            ("/score_cap", Some(json!(u64::MAX)), &["score_cap"]),
            ("/scorecap", Some(json!(100)), &["scorecap"]),
            ("/guardrail", Some(json!([])), &["guardrail"]),
            ("/a b", Some(json!(1)), &["\"a b\""]),
            ("/critical_recommendation", Some(json!("Address events")), &["critical_recommendation"]),
            ("/critical_recommendation", Some(json!("{count}\n")), &["critical_recommendation"]),
            ("/critical_recommendation", Some(json!(["{count}"])), &["critical_recommendation"]),
            ("/engines", None, &["engines"]),
            ("/engines", Some(json!([])), &["engines"]),
            ("/engines", Some(json!({})), &["engines"]),
            ("/engines", Some(engines(65)), &["engines"]),
            ("/engines/search", Some(engine()), &["engines.search"]),
            ("/engines/age", Some(engine()), &["engines.age"]),
            ("/engines/Search", Some(engine()), &["engines.Search"]),
            ("/engines/1st", Some(engine()), &["engines.1st"]),
            ("/engines/my engine", Some(engine()), &["engines.\"my engine\""]),
            ("/engines/", Some(engine()), &["engines.\"\""]),
            ("/engines/qa", Some(json!("QA")), &["engines.qa"]),
            ("/engines/qa/title", None, &["engines.qa.title"]),
            ("/engines/qa/title", Some(json!("")), &["engines.qa.title"]),
            ("/engines/qa/title", Some(json!(" QA")), &["engines.qa.title"]),
            ("/engines/qa/title", Some(json!("Q\u{202e}A")), &["engines.qa.title"]),
            ("/engines/qa/title", Some("x".repeat(41).into()), &["engines.qa.title"]),
            ("/engines/qa/expected_interval", Some(json!(1)), &["engines.qa.expected_interval"]),
            ("/engines/qa/expected_interval_seconds", Some(json!(-1)), &["engines.qa.expected_interval_seconds"]),
            (
                "/engines/qa/expected_interval_seconds",
                Some(json!(2_592_001)),
                &["engines.qa.expected_interval_seconds"],
            ),
            ("/engines/billing", None, &["categories[1].engines[0]", "actions.first_match[1].engine"]),
            (
                "/engines/maos",
                None,
                &[
                    "categories[0].engines[2]",
                    "categories[2].engines[1]",
                    "actions.first_match[2].engine",
                    "actions.carried_out_by.MAOS_auto_fix",
                ],
            ),
            ("/weights/LOW", None, &["weights.LOW"]),
            ("/weights/LOW", Some(json!(5)), &["weights.MEDIUM"]),
            ("/weights/HIGH", Some(json!(1001)), &["weights.HIGH"]),
            ("/weights/URGENT", Some(json!(50)), &["weights.URGENT"]),
            ("/levels", Some(json!({})), &["levels.LOW", "levels.MEDIUM", "levels.HIGH", "levels.CRITICAL"]),
            ("/levels/LOW", Some(json!(1)), &["levels.LOW"]),
            ("/levels/CRITICAL", Some(json!(50)), &["levels.CRITICAL"]),
            ("/levels/CRITICAL", Some(json!(101)), &["levels.CRITICAL"]),
            ("/categories", Some(json!([])), &["categories"]),
            ("/categories", Some(json!({})), &["categories"]),
            ("/categories", Some(vec![json!({}); 65].into()), &["categories"]),
            ("/categories/1", None, &["engines.billing"]),
            ("/categories/-", Some(category("billing_risk")), &["categories[5].name"]),
            ("/categories/-", Some(category("Billing risk")), &["categories[5].name"]),
            (
                "/categories/-",
                Some(json!({})),
                &[
                    "categories[5].name",
                    "categories[5].engines",
                    "categories[5].recommend_above",
                    "categories[5].recommendation",
                ],
            ),
            ("/categories/0/engines", Some(json!([])), &["categories[0].engines"]),
            ("/categories/0/engines/0", Some(json!("serch")), &["categories[0].engines[0]"]),
            ("/categories/0/engines/1", Some(json!("qa")), &["categories[0].engines[1]", "engines.documentation"]),
            ("/categories/0/recommend_above", Some(json!(101)), &["categories[0].recommend_above"]),
            ("/categories/0/recommendation", Some("x".repeat(201).into()), &["categories[0].recommendation"]),
        ]
    }

    fn invalid_changes_of_rules() -> Vec<InvalidChange> {
        vec![
            ("/actions/min_severity", Some(json!("high")), &["actions.min_severity"]),
            ("/actions/require_approval/0", Some(json!("notify_admin")), &["actions.require_approval[0]"]),
            ("/actions/require_approval/-", Some(json!("permission_reset")), &["actions.require_approval[1]"]),
            ("/actions/lease_seconds", Some(json!(29)), &["actions.lease_seconds"]),
            ("/actions/retry_after_seconds", Some(json!([])), &["actions.retry_after_seconds"]),
            ("/actions/retry_after_seconds/2", Some(json!(0)), &["actions.retry_after_seconds[2]"]),
            ("/actions/answer_within_seconds", Some(json!(0)), &["actions.answer_within_seconds"]),
            ("/actions/approve_within_seconds", Some(json!(i64::MAX)), &["actions.approve_within_seconds"]),
            ("/actions/verify_after_seconds", Some(json!(34_560_001)), &["actions.verify_after_seconds"]),
            ("/actions/give_up_after", Some(json!(0)), &["actions.give_up_after"]),
            ("/actions/first_match", Some(json!([])), &["actions.first_match"]),
            ("/actions/first_match", Some(vec![json!({}); 257].into()), &["actions.first_match"]),
            ("/actions/first_match/5", None, &["actions.first_match[4]"]),
            ("/actions/first_match/-", Some(json!({"action": "notify_admin"})), &["actions.first_match[6]"]),
            (
                "/actions/first_match/4",
                Some(json!({"engine": "maos", "severity": "HIGH", "action": "MAOS_auto_fix"})),
                &["actions.first_match[4]"],
            ),
            (
                "/actions/first_match/0/event_type_prefix",
                Some(json!("")),
                &["actions.first_match[0].event_type_prefix"],
            ),
            (
                "/actions/first_match/0/event_type_prefix",
                Some(json!(" a")),
                &["actions.first_match[0].event_type_prefix"],
            ),
            ("/actions/first_match/2/action", Some(json!("reboot")), &["actions.first_match[2].action"]),
            ("/actions/first_match/2/engines", Some(json!(["qa"])), &["actions.first_match[2].engines"]),
            ("/actions/first_match/4/severity", Some(json!("LOW")), &["actions.first_match[4].severity"]),
            ("/actions/also/0/action", Some(json!("automated_governance_summary")), &["actions.also[0].action"]),
            ("/actions/carried_out_by/notify_admin", Some(json!("maos")), &["actions.carried_out_by.notify_admin"]),
            ("/actions/carried_out_by/MAOS_auto_fix", Some(json!("age")), &["actions.carried_out_by.MAOS_auto_fix"]),
            ("/incidents/min_severity", Some(json!("MEDIUM")), &["incidents.min_severity"]),
            ("/incidents/max_open_per_engine", Some(json!(10_001)), &["incidents.max_open_per_engine"]),
            ("/incidents/remind_after_seconds", Some(json!(true)), &["incidents.remind_after_seconds"]),
            ("/incidents/on_resolved", Some(json!("close")), &["incidents.on_resolved"]),
            ("/incidents/on_resolved", Some(json!(null)), &["incidents.on_resolved"]),
            ("/incidents/email_burst", Some(json!(2)), &["incidents.email_burst"]),
            ("/incidents/email_burst", Some(json!(10)), &["incidents.email_burst"]),
            ("/alertmanager", None, &["alertmanager"]),
            ("/alertmanager/otherwise", Some(json!("page")), &["alertmanager.otherwise"]),
            ("/alertmanager/severities/Critical", Some(json!("HIGH")), &["alertmanager.severities.Critical"]),
            ("/alertmanager/severities/p 1 ", Some(json!("HIGH")), &["alertmanager.severities.\"p 1 \""]),
            ("/alertmanager/severities/page", Some(json!("P1")), &["alertmanager.severities.page"]),
            ("/activation", Some(json!(true)), &["activation"]),
            ("/activation/requires_another_admin", Some(json!("yes")), &["activation.requires_another_admin"]),
            ("/activation/requires_review", Some(json!(true)), &["activation.requires_review"]),
        ]
    }

    #[test]
    fn invalid_policy_is_refused_with_exactly_the_paths_of_its_errors() {
        let changes = [invalid_changes_of_scores(), invalid_changes_of_rules()].concat();
        assert!(changes.len() > 80);
        for (pointer, value, expected) in changes {
            let mut document = default_document();
            set(&mut document, pointer, value.clone());
            assert_eq!(paths(&document), expected, "{pointer} {value:?}");
        }
    }

    #[test]
    fn many_errors_are_reported_at_once() {
        let mut document = default_document();
        for (pointer, value) in [
            ("/score_cap", json!(0)),
            ("/engines/qa/title", json!(1)),
            ("/weights/LOW", json!("one")),
            ("/categories/3/recommend_above", json!(-1)),
            ("/actions/first_match/2/action", json!("reboot")),
            ("/actions/lease_seconds", json!(0)),
            ("/incidents/email_burst", json!(0)),
            ("/incidents/snooze", json!(0)),
            ("/alertmanager/otherwise", json!("low")),
        ] {
            set(&mut document, pointer, Some(value));
        }
        let text = serde_json::to_string(&document).unwrap().replacen('{', "{\"levels\":{},", 1);
        let errors = Policy::from_json(text.as_bytes()).unwrap_err();
        let shown: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "levels must be given once",
                "score_cap must be a whole number from 1 to 100; got 0",
                "engines.qa.title must be 1 to 40 visible characters on one line, without spaces around them; got 1",
                "weights.LOW must be a whole number from 0 to 1000; got \"one\"",
                "categories[3].recommend_above must be a whole number from 0 to 100; got -1",
                "actions.lease_seconds must be a whole number from 30 to 3600; got 0",
                "actions.first_match[2].action must be one of MAOS_auto_fix, DeepAgent_policy_update, \
                 billing_sync_repair, permission_reset, notify_admin; got \"reboot\"",
                "incidents.email_burst must be a whole number from 3 to 9; got 0",
                "incidents.snooze is not a known field; the fields are min_severity, max_open_per_engine, \
                 digest_after_seconds, remind_after_seconds, second_line_after_seconds, resolve_after_seconds, on_resolved, \
                 lease_seconds, email_interval_seconds, email_burst",
                "alertmanager.otherwise must be one of LOW, MEDIUM, HIGH, CRITICAL; got \"low\"",
            ]
        );
    }

    #[test]
    fn largest_policy_is_valid_and_a_larger_document_is_refused() {
        let mut document = default_document();
        for number in 8..64 {
            let name = format!("engine_{number}");
            set(
                &mut document,
                &format!("/engines/{name}"),
                Some(json!({"title": "E", "expected_interval_seconds": 0})),
            );
            set(&mut document, "/categories/0/engines/-", Some(name.into()));
        }
        let rules = document["actions"]["first_match"].as_array_mut().unwrap();
        let rule = |number| json!({"event_type_prefix": format!("type_{number}_"), "action": "MAOS_auto_fix"});
        rules.splice(5..5, (0..250).map(rule));
        assert_eq!(rules.len(), 256);
        assert_eq!(paths(&document), [""; 0]);

        let long = "é".repeat(100);
        let rules =
            (0..255).map(|number| json!({"event_type_prefix": format!("{number} {long}"), "action": "notify_admin"}));
        document["actions"]["also"] = rules.collect();
        for number in 0..450 {
            let word = format!("{number} {}", "é".repeat(60));
            set(&mut document, &format!("/alertmanager/severities/{word}"), Some(json!("HIGH")));
        }
        let errors = Policy::from_value(&document).unwrap_err();
        assert_eq!(errors.len(), 1);
        let error = errors[0].to_string();
        assert!(error.starts_with("the policy must be at most 131072 bytes as canonical JSON; got 1"), "{error}");
    }

    #[test]
    fn engine_that_no_code_lists_is_valid() {
        let mut document = default_document();
        set(&mut document, "/engines/search", Some(json!({"title": "Search", "expected_interval_seconds": 60.0})));
        set(&mut document, "/categories/3/engines/-", Some(json!("search")));
        set(&mut document, "/categories/3/engines/-", Some(json!("age")));
        set(&mut document, "/actions/first_match/0/engine", Some(json!("age")));
        let policy = Policy::from_value(&document).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&policy.canonical_json()).unwrap(), policy);
        assert_ne!(policy.hash(), Policy::COMPILED_HASH);
    }

    /// Returns the pointers of all places in `document`.
    fn pointers(document: &Value, at: &str, found: &mut Vec<String>) {
        match document {
            Value::Object(map) => {
                for (key, value) in map {
                    let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                    pointers(value, &place, found);
                    found.push(place);
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    pointers(value, &format!("{at}/{index}"), found);
                    found.push(format!("{at}/{index}"));
                }
            }
            _ => {}
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2i64..200).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[A-Za-z_ \\PC]{0,50}".prop_map(Value::from),
            prop_oneof![Just("LOW"), Just("CRITICAL"), Just("qa"), Just("age"), Just("notify_admin"), Just("search")]
                .prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
            Just(json!(["qa", {"a": [1]}])),
        ]
    }

    #[derive(Debug, Clone)]
    enum Mutation {
        Remove,
        Replace(Value),
        Add(String, Value),
        CopyFrom(prop::sample::Index),
    }

    fn mutation() -> impl Strategy<Value = Mutation> {
        prop_oneof![
            Just(Mutation::Remove),
            value().prop_map(Mutation::Replace),
            ("[a-zA-Z_. \\PC]{0,12}", value()).prop_map(|(key, value)| Mutation::Add(key, value)),
            any::<prop::sample::Index>().prop_map(Mutation::CopyFrom),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 200_000 } else { 256 }))]

        #[test]
        fn mutated_policy_is_valid_or_refused_at_a_place_that_it_has_or_lacks(
            mutations in prop::collection::vec((any::<prop::sample::Index>(), mutation()), 1..4)
        ) {
            let mut document = default_document();
            document["guardrails"] = serde_json::to_value(test_data::guardrails()).unwrap();
            document["decisions"] = serde_json::to_value(decision_document::test_data::decision_rules()).unwrap();
            for (place, mutation) in mutations {
                let mut places = Vec::new();
                pointers(&document, "", &mut places);
                let place = place.get(&places);
                match mutation {
                    Mutation::Remove => set(&mut document, place, None),
                    Mutation::Replace(value) => set(&mut document, place, Some(value)),
                    Mutation::Add(key, value) => match document.pointer_mut(place).unwrap() {
                        Value::Object(map) => _ = map.insert(key, value),
                        Value::Array(list) => list.push(value),
                        _ => {}
                    },
                    Mutation::CopyFrom(other) => {
                        let copy = document.pointer(other.get::<String>(&places)).unwrap().clone();
                        set(&mut document, place, Some(copy));
                    }
                }
            }
            match Policy::from_value(&document) {
                Ok(policy) => {
                    let json = policy.canonical_json();
                    prop_assert_eq!(Policy::from_json(json.as_bytes()).unwrap().canonical_json(), json.clone());
                    prop_assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
                }
                Err(errors) => {
                    prop_assert!(!errors.is_empty());
                    for error in errors {
                        let pointer = error.path.pointer();
                        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                        let is_missing = error.detail.starts_with("is missing; ") && document.pointer(parent).is_some();
                        prop_assert!(document.pointer(&pointer).is_some() != is_missing, "{error}");
                    }
                }
            }
        }
    }
}
