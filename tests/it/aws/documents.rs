//! The task definitions and the rule: AWS's form, and commands that the program understands.

use clap::Parser as _;
use serde_json::Value;
use smokejumper::cli::arguments::{Command, CommandLine};
use smokejumper::deployment::Selector;

use super::{document, listed};

/// A command of a container, as the program reads it.
fn command(container: &Value) -> Command {
    let words = listed(&container["command"]);
    let line = ["smokejumper".to_owned()].into_iter().chain(words);
    let line = CommandLine::try_parse_from(line);
    line.unwrap_or_else(|error| panic!("{error}")).command
}

fn containers(definition: &Value) -> Vec<&Value> {
    let containers = definition["containerDefinitions"].as_array();
    containers.expect("containers").iter().collect()
}

fn smokejumper(definition: &Value) -> &Value {
    let containers = containers(definition);
    let own = containers
        .into_iter()
        .find(|one| one["name"] == "smokejumper");
    own.expect("a container of ours")
}

#[test]
fn task_definitions_have_what_fargate_asks_for() {
    for (name, containers_there) in [
        ("task-definition-sidecar", 2),
        ("task-definition-standalone", 1),
    ] {
        let definition = document(name);
        assert_eq!(
            definition["requiresCompatibilities"],
            serde_json::json!(["FARGATE"])
        );
        assert_eq!(
            definition["networkMode"], "awsvpc",
            "{name}: Fargate has no other"
        );
        let sizes = (&definition["cpu"], &definition["memory"]);
        assert!(
            [("256", "512"), ("512", "1024")]
                .iter()
                .any(|(cpu, memory)| sizes == (&Value::from(*cpu), &Value::from(*memory))),
            "{name}: Fargate offers no {sizes:?}"
        );
        for role in ["taskRoleArn", "executionRoleArn"] {
            let arn = definition[role].as_str().expect("a role");
            assert!(
                arn.starts_with("arn:aws:iam::ACCOUNT:role/"),
                "{name}: {arn}"
            );
        }
        let containers = containers(&definition);
        assert_eq!(containers.len(), containers_there, "{name}");
        let essential = containers.iter().filter(|one| one["essential"] == true);
        assert_eq!(essential.count(), 1, "{name}: one container is the task");
        let volumes = definition["volumes"].as_array().expect("volumes");
        for container in containers {
            for key in ["name", "image"] {
                assert!(container[key].is_string(), "{name}: {key}");
            }
            for mount in container["mountPoints"].as_array().into_iter().flatten() {
                let is_there = volumes
                    .iter()
                    .any(|volume| volume["name"] == mount["sourceVolume"]);
                assert!(is_there, "{name}: {mount}");
            }
        }
    }
}

#[test]
fn the_program_understands_what_it_is_told_there() {
    let sidecar = document("task-definition-sidecar");
    assert!(matches!(command(smokejumper(&sidecar)), Command::Watch(_)));
    // What watches the service must not take it down.
    assert_eq!(smokejumper(&sidecar)["essential"], false);
    let standalone = document("task-definition-standalone");
    assert!(matches!(
        command(smokejumper(&standalone)),
        Command::Watch(_)
    ));
    for definition in [&sidecar, &standalone] {
        let own = smokejumper(definition);
        let state = own["environment"]
            .as_array()
            .expect("an environment")
            .iter();
        let state = state.filter(|one| one["name"] == "SMOKEJUMPER_STATE");
        let folders: Vec<&Value> = state.map(|one| &one["value"]).collect();
        assert_eq!(folders, [&own["mountPoints"][0]["containerPath"]]);
    }
}

#[test]
fn the_rule_starts_the_standalone_task_for_the_deployment_that_began() {
    let template = document("eventbridge-rule");
    assert_eq!(template["AWSTemplateFormatVersion"], "2010-09-09");
    let rule = &template["Resources"]["DeploymentBegan"];
    assert_eq!(rule["Type"], "AWS::Events::Rule");
    let pattern = &rule["Properties"]["EventPattern"];
    assert_eq!(pattern["source"], serde_json::json!(["aws.ecs"]));
    assert_eq!(
        pattern["detail-type"],
        serde_json::json!(["ECS Deployment State Change"])
    );
    assert_eq!(
        pattern["detail"]["eventName"],
        serde_json::json!(["SERVICE_DEPLOYMENT_IN_PROGRESS"])
    );
    let service = "arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE";
    assert_eq!(pattern["resources"], serde_json::json!([service]));

    let target = &rule["Properties"]["Targets"][0];
    let standalone = document("task-definition-standalone");
    let family = standalone["family"].as_str().expect("a family");
    let started = target["EcsParameters"]["TaskDefinitionArn"]
        .as_str()
        .expect("an ARN");
    assert!(
        started.ends_with(&format!(":task-definition/{family}")),
        "{started}"
    );

    // As EventBridge does it: a text is put in with its quotes.
    let transformer = &target["InputTransformer"];
    assert_eq!(
        transformer["InputPathsMap"]["deployment"],
        "$.detail.deploymentId"
    );
    let input = transformer["InputTemplate"].as_str().expect("a template");
    let input = input.replace("<deployment>", "\"ecs-svc/1234567890123456789\"");
    let input: Value = serde_json::from_str(&input).expect("JSON");
    let overriding = &input["containerOverrides"][0];
    assert_eq!(overriding["name"], smokejumper(&standalone)["name"]);
    match command(overriding) {
        Command::Watch(watch) => {
            let id = Selector::Id("ecs-svc/1234567890123456789".to_owned());
            assert_eq!(watch.deployment, Some(id));
            // Its journal is empty: it would not know a rollback of ours, and undo it.
            let state = &standalone["volumes"][0];
            assert!(state["host"].is_null(), "{state}");
            let words = listed(&overriding["command"]);
            assert!(words.windows(2).any(|two| two == ["--rollback", "never"]));
        }
        other => panic!("not a watch: {other:?}"),
    }
}

#[test]
fn the_rule_may_start_that_task_and_hand_on_its_roles_and_no_more() {
    let template = document("eventbridge-rule");
    let rule = &template["Resources"]["DeploymentBegan"]["Properties"];
    assert_eq!(
        rule["Targets"][0]["RoleArn"],
        serde_json::json!({ "Fn::GetAtt": ["MayStartIt", "Arn"] })
    );
    let role = &template["Resources"]["MayStartIt"];
    assert_eq!(role["Type"], "AWS::IAM::Role");
    let trust = &role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(
        trust["Principal"],
        serde_json::json!({ "Service": "events.amazonaws.com" })
    );
    let policy = &role["Properties"]["Policies"][0]["PolicyDocument"];
    assert_eq!(super::granted(policy), ["ecs:RunTask", "iam:PassRole"]);
    let standalone = document("task-definition-standalone");
    // EventBridge names it without its number, which ECS adds before it asks whether it may.
    let started = rule["Targets"][0]["EcsParameters"]["TaskDefinitionArn"]
        .as_str()
        .expect("an ARN");
    let startable = [started.to_owned(), format!("{started}:*")];
    assert_eq!(listed(&policy["Statement"][0]["Resource"]), startable);
    let mut roles = listed(&policy["Statement"][1]["Resource"]);
    roles.sort();
    let mut own =
        ["executionRoleArn", "taskRoleArn"].map(|key| standalone[key].as_str().expect("a role"));
    own.sort_unstable();
    assert_eq!(roles, own);
}
