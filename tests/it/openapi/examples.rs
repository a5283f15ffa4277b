//! The examples of the contract: requests that were sent to AGE, its real answers, and the messages that it published meanwhile.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::recorder::{Operation, Recorder, Request};
use super::{problems, scenario};
use crate::world::World;

/// Operations that return a long document, and the fields of it that their examples have.
const ABRIDGED: [(&str, &[&str]); 2] =
    [("get_contract", &["openapi", "servers"]), ("get_policy_schema", &["$schema", "title"])];

/// The names of the problems that several operations have, by their JSON.
type SharedProblems = BTreeMap<String, String>;

/// Adds examples to `contract`: of each request body, of each response with a body, of the parameters in paths, and of the messages of
/// each topic.
pub(super) async fn add_to(contract: &mut Value) {
    let world = World::with_policy(&scenario::policy()).await;
    let mut recorder = Recorder::new(contract);
    scenario::record(&mut recorder, &world).await;
    problems::record(&mut recorder, &world).await;
    let shared = name_shared_problems(&recorder);
    for operation in recorder.operations() {
        let description = &mut contract["paths"][&operation.path][operation.method.to_lowercase()];
        let request = &recorder.requests[&operation.id];
        add_request(description, &operation, request);
        for (status, response) in description["responses"].as_object_mut().unwrap() {
            let example = recorder.responses.get(&(operation.id.clone(), status.parse().unwrap()));
            let example = example.unwrap_or_else(|| panic!("no example of {} with status {status}", operation.id));
            let example = if status == "200" { abridged(&operation.id, example) } else { example.clone() };
            add_response(response, &example, &shared);
        }
    }
    scenario::publish_to_each_topic(&world).await;
    add_messages(contract, &world);
    let examples = shared.into_iter().map(|(json, name)| {
        let problem: Value = serde_json::from_str(&json).unwrap();
        (name, json!({ "value": problem }))
    });
    contract["components"]["examples"] = Value::Object(examples.collect());
}

/// Adds the first message of each type that a topic has.
fn add_messages(contract: &mut Value, world: &World) {
    for (topic, webhook) in contract["webhooks"].as_object_mut().unwrap() {
        let mut examples = Map::new();
        for message in world.sns.published(&topic.replace('_', "-")) {
            let message_type = message.json["type"].as_str().unwrap().to_owned();
            examples.entry(message_type).or_insert_with(|| json!({ "value": message.json }));
        }
        assert!(!examples.is_empty(), "no example of the messages of {topic}");
        webhook["post"]["requestBody"]["content"]["application/json"]["examples"] = examples.into();
    }
}

fn add_request(description: &mut Value, operation: &Operation, request: &Request) {
    if let Some(media_type) = operation.media_type() {
        description["requestBody"]["content"][media_type]["example"] = request.body.clone().unwrap();
    }
    let sent = request.url();
    let sent = sent.split('?').next().unwrap().split('/');
    let values: BTreeMap<&str, &str> = operation.path.split('/').zip(sent).collect();
    for parameter in description.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
        if let Some(value) = values.get(name.as_str()) {
            parameter["example"] = (*value).into();
        }
    }
}

fn add_response(response: &mut Value, example: &Value, shared: &SharedProblems) {
    for content in response["content"].as_object_mut().unwrap().values_mut() {
        match shared.get(&example.to_string()) {
            Some(name) => {
                let reference = json!({ "$ref": format!("#/components/examples/{name}") });
                content["examples"] = json!({ "problem": reference });
            }
            None => content["example"] = example.clone(),
        }
    }
}

fn abridged(operation: &str, example: &Value) -> Value {
    let Some((_, fields)) = ABRIDGED.iter().find(|(id, _)| *id == operation) else { return example.clone() };
    fields.iter().map(|name| ((*name).to_owned(), example[name].clone())).collect::<Map<_, _>>().into()
}

/// Names the problems that several operations have: by their codes, with a number for each further one of a code.
fn name_shared_problems(recorder: &Recorder) -> SharedProblems {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let problems = recorder.responses.iter().filter(|((_, status), _)| *status >= 400).map(|(_, problem)| problem);
    for problem in problems.clone() {
        *uses.entry(problem.to_string()).or_default() += 1;
    }
    let mut names = SharedProblems::new();
    let mut of_code: BTreeMap<&str, usize> = BTreeMap::new();
    for problem in problems.filter(|problem| uses[&problem.to_string()] > 1) {
        names.entry(problem.to_string()).or_insert_with(|| {
            let code = problem["code"].as_str().unwrap();
            let number = of_code.entry(code).or_default();
            *number += 1;
            if *number == 1 { code.to_owned() } else { format!("{code}_{number}") }
        });
    }
    names
}
