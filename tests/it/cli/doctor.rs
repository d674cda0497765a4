//! `doctor` through the binary, against the ECS stand-in: what is there, what is missing, how that is
//! told, and that nothing is ever changed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::engine::clock::SystemClock;
use smokejumper::rehearsal::ecs::{Fault, Times};
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::program::{Program, Ran};
use super::watch::{CONFIGURATION, mutations, settings, stage};

async fn examined(incident: &Incident, arguments: &[&str]) -> Ran {
    let program = Program::with(CONFIGURATION)
        .aws(&incident.ecs.endpoint_url())
        .env("AWS_ENDPOINT_URL", &incident.ecs.endpoint_url())
        .env("SHOP_URL", &incident.toy.url());
    program.run(&[&["doctor"], arguments].concat()).await
}

async fn healthy() -> Incident {
    let incident = stage(Ailment::Healthy, settings()).await;
    incident.release().expect("deployed");
    incident.service().complete().expect("completed");
    incident.ecs.control().clear_calls();
    incident
}

fn report(ran: &Ran) -> Value {
    let report: Value = serde_json::from_str(&ran.stdout).expect("one JSON report");
    assert_eq!(report["schema"], "smokejumper.doctor/1");
    report
}

fn item<'a>(report: &'a Value, name: &str) -> &'a Value {
    let items = report["services"][0]["items"].as_array().expect("items");
    let found = items.iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_set_up_is_found_whole_and_nothing_is_changed() {
    let incident = healthy().await;
    let ran = examined(&incident, &["--report", "json"]).await;
    let report = report(ran.expect(0));
    assert_eq!(report["problems"], 0);
    assert_eq!(report["missing"], Value::Null);
    for read in READS {
        assert_eq!(item(&report, read)["state"], "ok", "{read}");
    }
    assert_eq!(
        item(&report, "identity")["detail"],
        "account 000000000000, arn:aws:sts::000000000000:assumed-role/smokejumper"
    );
    assert_eq!(
        item(&report, "rollback")["detail"],
        "would return to shop:1 (update_service)"
    );
    let asked: Vec<String> = incident
        .ecs
        .control()
        .calls()
        .into_iter()
        .map(|call| format!("{}:{}", call.service, call.operation))
        .collect();
    for read in READS {
        assert!(asked.iter().any(|call| call == read), "{read}: {asked:?}");
    }
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_it_at_eighty_columns() {
    let incident = healthy().await;
    incident
        .ecs
        .control()
        .fault("ListTasks", Fault::AccessDenied, Times::Always);
    let ran = examined(&incident, &[]).await;
    insta::with_settings!({ filters => FILTERS.to_vec() }, {
        insta::assert_snapshot!(ran.expect(2).stdout);
    });
    let words = ran.stdout.split("These permissions").next().expect("words");
    let long: Vec<&str> = words
        .lines()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert_eq!(long, [""; 0], "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_denied_read_is_named_with_the_statement_that_grants_it() {
    for (read, resources) in [
        ("ecs:DescribeServices", vec!["service/demo/shop"]),
        ("ecs:ListServiceDeployments", RECORDS.to_vec()),
        ("ecs:DescribeServiceDeployments", RECORDS.to_vec()),
        ("ecs:DescribeServiceRevisions", RECORDS.to_vec()),
        ("ecs:DescribeTaskDefinition", vec!["*"]),
        ("ecs:ListTasks", vec!["*"]),
        ("ecs:DescribeTasks", vec!["task/demo/*"]),
    ] {
        let incident = healthy().await;
        let operation = read.trim_start_matches("ecs:");
        incident
            .ecs
            .control()
            .fault(operation, Fault::AccessDenied, Times::Always);
        let ran = examined(&incident, &["--report", "json"]).await;
        let report = report(ran.expect(2));
        assert_eq!(report["problems"], 1, "{read}: {report:#}");
        assert_eq!(item(&report, read)["state"], "denied");
        let statements = report["missing"]["Statement"]
            .as_array()
            .expect("statements");
        assert_eq!(statements.len(), 1, "{read}");
        assert_eq!(statements[0]["Action"], serde_json::json!([read]));
        let full = |part: &&str| match *part {
            "*" => "*".to_owned(),
            part => format!("arn:aws:ecs:eu-west-1:000000000000:{part}"),
        };
        let resources: Vec<String> = resources.iter().map(full).collect();
        assert_eq!(
            statements[0]["Resource"],
            serde_json::json!(resources),
            "{read}"
        );
        let condition = &statements[0]["Condition"]["ArnEquals"]["ecs:cluster"];
        match read {
            "ecs:ListTasks" => {
                assert_eq!(condition, "arn:aws:ecs:eu-west-1:000000000000:cluster/demo");
            }
            _ => assert_eq!(condition, &Value::Null, "{read}"),
        }
        assert_eq!(mutations(&incident), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_reached_is_named() {
    let incident = healthy().await;
    let program = Program::with(CONFIGURATION)
        .aws(&incident.ecs.endpoint_url())
        .env("AWS_ENDPOINT_URL", &incident.ecs.endpoint_url())
        // Nothing listens on the discard port of loopback.
        .env("SHOP_URL", "http://127.0.0.1:9");
    let ran = program.run(&["doctor", "--report", "json"]).await;
    let report = report(ran.expect(2));
    assert_eq!(report["problems"], 2, "{report:#}");
    for check in report["checks"].as_array().expect("checks") {
        assert_eq!(check["reached"], false);
        assert!(
            check["detail"]
                .as_str()
                .is_some_and(|why| why.contains("refused")),
            "{check}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_does_not_answer_is_told_once() {
    let incident = healthy().await;
    let control = incident.ecs.control();
    control.fault("DescribeServices", Fault::Reset, Times::Always);
    let ran = examined(&incident, &["--report", "json"]).await;
    let report = report(ran.expect(2));
    assert_eq!(report["problems"], 1, "{report:#}");
    let read = item(&report, "ecs:DescribeServices");
    assert_eq!(read["state"], "failed");
    let others = control.calls();
    let others = others.iter().filter(|call| call.service == "ecs");
    assert!(
        others
            .clone()
            .all(|call| call.operation == "DescribeServices")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_an_error_of_the_configuration() {
    let incident = healthy().await;
    let configuration = CONFIGURATION.replace("service: shop }", "service: shoop }");
    let program = Program::with(&configuration)
        .aws(&incident.ecs.endpoint_url())
        .env("AWS_ENDPOINT_URL", &incident.ecs.endpoint_url())
        .env("SHOP_URL", &incident.toy.url());
    let ran = program.run(&["doctor"]).await;
    ran.expect(2);
    assert!(ran.stdout.contains("no service shoop"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_disagree_are_a_problem() {
    let behind: Arc<dyn Clock> = Arc::new(Behind(SystemClock::start()));
    let incident = Incident::stage(behind, settings(), Ailment::Healthy)
        .await
        .expect("staged");
    let ran = examined(&incident, &["--report", "json"]).await;
    let report = report(ran.expect(2));
    let clock = item(&report, "clock");
    assert_eq!(clock["state"], "failed");
    let detail = clock["detail"].as_str().expect("a detail");
    assert!(detail.contains("ahead of AWS's"), "{detail}");
}

/// A clock that is ten minutes behind.
#[derive(Debug)]
struct Behind(SystemClock);

impl Clock for Behind {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn wall(&self) -> WallTime {
        WallTime::since_unix_epoch(self.0.wall().unix() - Duration::from_secs(600))
    }
}

const READS: [&str; 7] = [
    "ecs:DescribeServices",
    "ecs:ListServiceDeployments",
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
];
/// What the reads of records are granted on.
const RECORDS: [&str; 3] = [
    "service/demo/shop",
    "service-deployment/demo/shop/*",
    "service-revision/demo/shop/*",
];
/// What differs from run to run.
const FILTERS: [(&str, &str); 3] = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"answered in [0-9.]+ m?s", "answered in SPAN"),
    (r"doctor took [^,]+,", "doctor took SPAN,"),
];
