//! Pinning, and how the pinned deployment stands.

use std::time::Duration;

use smokejumper::deploy::ecs::EcsTarget;
use smokejumper::deploy::{DeployError, DeploymentTarget, EcsService};
use smokejumper::deployment::{Selector, Standing, Wanted};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Times};

use super::stage::{LAG, MINUTE, ROLLBACK, ROLLOUT, Stage, declared, pace};

#[tokio::test]
async fn the_current_deployment_is_pinned_by_its_arn_with_both_revisions() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.id, arn);
    assert_eq!(pinned.service, "api");
    assert_eq!(pinned.revision.label, "api:2");
    assert!(pinned.revision.id.starts_with("arn:aws:ecs:eu-west-1:"));
    assert_eq!(pinned.previous.unwrap().label, "api:1");
    assert!(pinned.created.is_some());
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn the_endpoint_constructor_reaches_the_stand_in() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let target = EcsTarget::at_endpoint(&stage.stand_in.endpoint_url(), &declared(), pace());
    assert_eq!(target.pin(&Selector::Current).await.unwrap().id, arn);
}

#[tokio::test]
async fn a_full_service_arn_is_as_good_as_its_name() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let declared = EcsService {
        cluster: "arn:aws:ecs:eu-west-1:000000000000:cluster/prod".into(),
        service: "arn:aws:ecs:eu-west-1:000000000000:service/prod/api".into(),
        region: None,
    };
    let target = EcsTarget::with_config(&stage.shared, &declared, pace());
    let pinned = target.pin(&Selector::Id(arn.clone())).await.unwrap();
    assert_eq!((pinned.id, pinned.service.as_str()), (arn, "api"));
}

#[tokio::test]
async fn a_deployment_is_pinned_by_its_arn_and_another_service_s_is_refused() {
    let stage = Stage::set().await;
    let first = stage.deploy_whole();
    stage.deploy_whole();
    let pinned = stage.target.pin(&Selector::Id(first)).await.unwrap();
    assert_eq!(pinned.revision.label, "api:2");
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::Superseded)
    );
    let foreign = "arn:aws:ecs:eu-west-1:000000000000:service-deployment/prod/web/x";
    let error = stage
        .target
        .pin(&Selector::Id(foreign.into()))
        .await
        .unwrap_err();
    assert!(matches!(error, DeployError::Declared(text) if text.contains("service api")));
}

#[tokio::test]
async fn next_waits_for_a_deployment_that_was_not_there() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    // A throttled look in between is no reason to give up.
    stage.control().fault(
        "DescribeServiceDeployments",
        Fault::Throttle,
        Times::Next(7),
    );
    let calls_before = stage.control().calls().len();
    let waiting = tokio::spawn({
        let target = stage.target.clone();
        async move { target.pin(&Selector::Next).await }
    });
    super::stage::eventually("it polls", || async {
        let calls = stage.control().calls().len() - calls_before;
        (calls >= 3)
            .then_some(())
            .ok_or_else(|| format!("{calls} calls"))
    })
    .await;
    assert!(!waiting.is_finished());
    let arn = stage.deploy();
    let pinned = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert_eq!(pinned.unwrap().unwrap().unwrap().id, arn);
}

#[tokio::test]
async fn each_standing_is_told() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    let standing = || stage.target.standing(&pinned);
    assert_eq!(standing().await, Ok(Standing::InFlight));
    stage.clock.pass(ROLLOUT);
    assert_eq!(standing().await, Ok(Standing::Completed));
    stage.service.foreign_deployment().unwrap();
    assert_eq!(standing().await, Ok(Standing::Superseded));

    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::RollingBack)
    );
    stage.clock.pass(LAG + ROLLBACK);
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::RolledBack)
    );

    for end in ["breaker without rollback", "failed rollback"] {
        let stage = Stage::set().await;
        stage.deploy();
        let pinned = stage.pinned().await;
        if end == "failed rollback" {
            stage
                .service
                .trip_circuit_breaker(BreakerEnd::RollBack)
                .unwrap();
            stage.service.fail_rollback().unwrap();
        } else {
            stage
                .service
                .trip_circuit_breaker(BreakerEnd::Stop)
                .unwrap();
        }
        assert_eq!(
            stage.target.standing(&pinned).await,
            Ok(Standing::Failed),
            "{end}"
        );
    }
}

#[tokio::test]
async fn faults_are_told_apart_by_who_can_mend_them() {
    let stage = Stage::set().await;
    stage.deploy();
    let elsewhere = |cluster: &str, service: &str| {
        let declared = EcsService {
            cluster: cluster.into(),
            service: service.into(),
            region: None,
        };
        EcsTarget::with_config(&stage.shared, &declared, pace())
    };
    for (target, part) in [
        (elsewhere("none", "api"), "no cluster none"),
        (elsewhere("prod", "none"), "no active service none"),
    ] {
        let error = target.pin(&Selector::Current).await.unwrap_err();
        let DeployError::Declared(text) = &error else {
            panic!("{error:?}");
        };
        assert!(text.contains(part), "{text}");
    }
    let cases = [
        (
            Fault::AccessDenied,
            "declared",
            "allow ecs:DescribeServices",
        ),
        (Fault::Throttle, "passing", "throttles"),
        (Fault::ServerError, "passing", "ServerException"),
        (Fault::Html, "passing", "HTTP 500"),
        (Fault::Hang, "passing", "no answer"),
    ];
    for (fault, sort, part) in cases {
        stage
            .control()
            .fault("DescribeServices", fault, Times::Always);
        let error = stage.target.pin(&Selector::Current).await.unwrap_err();
        let told = match &error {
            DeployError::Declared(_) => "declared",
            DeployError::Passing(_) => "passing",
            DeployError::Strange(_) => "strange",
            DeployError::Forbidden(_) => "forbidden",
        };
        let text = error.to_string();
        assert_eq!(told, sort, "{text}");
        assert!(text.contains(part) && text.contains("api"), "{text}");
        assert!(!text.contains('\n') && text.len() < 200, "{text}");
        stage.control().clear_faults();
    }
    drop(stage);
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_passing_fault() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    let target = stage.target.clone();
    drop(stage);
    let error = target.standing(&pinned).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Passing(text) if text.contains("api")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_inactive_service_is_the_declaration_s_fault() {
    let stage = Stage::set().await;
    stage.clock.pass(MINUTE);
    stage.service.delete().unwrap();
    let error = stage.target.pin(&Selector::Current).await.unwrap_err();
    assert!(matches!(error, DeployError::Declared(_)), "{error:?}");
}

#[tokio::test]
async fn a_deployment_of_the_same_service_name_in_another_cluster_is_refused() {
    let stage = Stage::set().await;
    stage.deploy();
    let control = stage.control();
    control.create_cluster("staging").unwrap();
    let staging = control
        .create_service("staging", "api", "api:1", 1, Controller::Ecs)
        .unwrap();
    let elsewhere = staging.deploy("api:2").unwrap();
    let own = stage.pinned().await.id;
    for foreign in [
        elsewhere,
        own.replace("eu-west-1", "us-east-1"),
        own.replace("000000000000", "111111111111"),
        own.replace("service-deployment", "service-revision") + "/x",
    ] {
        let error = stage
            .target
            .pin(&Selector::Id(foreign.clone()))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, DeployError::Declared(text) if text.contains("in cluster prod")),
            "{foreign}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_entry_s_id_stands_for_its_service_deployment() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let shown = stage
        .client
        .describe_services()
        .cluster("prod")
        .services("api")
        .send()
        .await
        .unwrap();
    let id = shown.services()[0].deployments()[0].id().unwrap();
    let pinned = stage.target.pin(&Selector::Id(id.to_owned())).await;
    assert_eq!(pinned.unwrap().id, arn);
}

#[tokio::test]
async fn a_service_that_is_deleted_meanwhile_is_told_as_that() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage.service.delete().unwrap();
    for error in [
        stage
            .target
            .standing(&pinned)
            .await
            .map(|_| ())
            .unwrap_err(),
        stage
            .target
            .plan(&pinned, &Wanted::default())
            .await
            .map(|_| ())
            .unwrap_err(),
    ] {
        assert!(
            matches!(&error, DeployError::Declared(text) if text.contains("INACTIVE")),
            "{error:?}"
        );
    }
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn a_deployment_in_flight_whose_record_is_not_to_be_seen_yet_is_waited_for() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    for operation in ["DescribeServiceDeployments", "DescribeServiceRevisions"] {
        let nothing = Fault::altered(|answer| *answer = serde_json::json!({}));
        stage.control().fault(operation, nothing, Times::Next(1));
        let error = stage.target.pin(&Selector::Current).await.unwrap_err();
        assert!(
            matches!(&error, DeployError::Passing(text) if text.contains("yet")),
            "{error:?}"
        );
        assert_eq!(stage.pinned().await.id, arn);
    }
}
