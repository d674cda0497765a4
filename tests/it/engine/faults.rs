//! What one station meets harms no other, and itself not for long: faults of our own, services that come
//! and go while a window is open, maintenance in mid-window.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::engine::serve::handle::{Done, Order, Refused, Silence};
use smokejumper::engine::serve::live::WindowState;

use super::platform::{Manner, Platform};
use super::yard::{Ward, Yard};

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_station_that_ends_by_a_fault_of_its_own_is_told_of_and_begins_anew() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    yard.ground.is_faulty.store(true, Ordering::SeqCst);
    api.deploy("arn:2", false);
    running.window("api").await;
    running.until_closed("api").await;
    pause(60).await;
    let warned = yard.kept.happened("warned");
    let told = warned.iter().find(|one| one.text.contains("begins anew"));
    let told = told.unwrap_or_else(|| panic!("{warned:#?}"));
    assert_eq!(told.service.as_deref(), Some("api"));
    let count = yard.kept.samples().len();
    api.deploy("arn:3", true);
    web.deploy("arn:w2", false);
    running.window("web").await;
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("pinned").id, "arn:3");
    running.until_closed("api").await;
    assert_eq!(*api.platform.accepted.lock().unwrap(), 1);
    assert!(yard.kept.samples().len() > count);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_gone_for_a_while_gets_its_open_window_back() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    web.deploy("arn:2", false);
    let open = running.window("web").await;
    pause(20).await;
    yard.ground.declare(vec![api.clone()]);
    running.order(Order::Reload).await.expect("read");
    pause(20).await;
    yard.ground.declare(vec![api, web.clone()]);
    running.order(Order::Reload).await.expect("read");
    pause(20).await;
    assert_eq!(running.window("web").await.id, open.id);
    let accept = Order::Accept {
        window: open.id.to_string(),
        reason: None,
    };
    let done = running.order(accept).await;
    assert_eq!(done, Ok(Done::Said(format!("window {}: accept", open.id))));
    running.until_closed("web").await;
    assert_eq!(yard.kept.happened("window_opened").len(), 1);
    let count = yard.kept.samples().len();
    pause(60).await;
    assert!(yard.kept.samples().len() > count, "it is probed again");
    web.deploy("arn:3", false);
    running.window("web").await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_window_of_a_service_that_is_gone_still_obeys() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    web.deploy("arn:2", false);
    let open = running.window("web").await;
    pause(20).await;
    yard.ground.declare(vec![api]);
    running.order(Order::Reload).await.expect("read");
    let hold = Order::Hold {
        window: open.id.to_string(),
        reason: None,
    };
    let done = running.order(hold).await;
    assert_eq!(done, Ok(Done::Said(format!("window {}: hold", open.id))));
    pause(30).await;
    let count = yard.kept.samples().len();
    assert_eq!(running.live().await.services.len(), 1);
    pause(60).await;
    let samples = yard.kept.samples().split_off(count);
    let of_it = samples.iter().filter(|one| &*one.service == "web");
    assert_eq!(of_it.count(), 0, "it is probed no more");
    running.end().await;
}

fn maintenance(yard: &Yard, minutes: u64) -> Order {
    let span = Duration::from_secs(minutes * 60);
    Order::Silence(Silence {
        service: None,
        tag: None,
        check: Some("api-pulse".to_owned()),
        until: WallTime::since_unix_epoch(yard.now().unix() + span),
        reason: "the database is moved".to_owned(),
        stops_checks: true,
    })
}

#[tokio::test(start_paused = true)]
async fn what_fails_under_maintenance_rolls_nothing_back() {
    // Begun in mid-window, and before the window.
    for is_before in [false, true] {
        let ward = Ward::of("api");
        let yard = Yard::with(vec![ward.clone()]);
        let running = yard.start().await;
        pause(30).await;
        if is_before {
            running
                .order(maintenance(&yard, 60))
                .await
                .expect("silenced");
            ward.deploy("arn:2", true);
            running.window("api").await;
        } else {
            ward.deploy("arn:2", false);
            running.window("api").await;
            running
                .order(maintenance(&yard, 60))
                .await
                .expect("silenced");
            ward.ill.store(true, Ordering::SeqCst);
        }
        running.until_closed("api").await;
        let over = &yard.kept.over()[0];
        assert_eq!(over.action.as_deref(), Some("hold"), "{is_before}");
        assert_eq!(*ward.platform.accepted.lock().unwrap(), 0);
        let (kind, part) = match is_before {
            true => ("warned", "api-pulse says nothing in window"),
            false => ("decided", "what fails is under maintenance"),
        };
        let told = yard.kept.happened(kind);
        assert!(told.iter().any(|one| one.text.contains(part)), "{told:#?}");
        running.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_silences_at_once_leave_the_checks_running() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    for _ in 0..100 {
        running
            .order(maintenance(&yard, 1))
            .await
            .expect("silenced");
    }
    pause(90).await;
    let count = yard.kept.samples().len();
    pause(60).await;
    assert!(yard.kept.samples().len() > count, "it is probed again");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_orders_at_once_one_is_carried_out_and_none_while_it_is_being_undone() {
    let mut ward = Ward::of("api");
    ward.platform = Platform::new(Manner::Stalls, Arc::clone(&ward.ill));
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    ward.deploy("arn:2", false);
    let open = running.window("api").await;
    pause(20).await;
    let (window, reason) = (open.id.to_string(), None);
    let undo = Order::RollBack {
        window: window.clone(),
        reason: reason.clone(),
    };
    let accept = Order::Accept { window, reason };
    let (first, second) = tokio::join!(running.order(undo), running.order(accept.clone()));
    assert!(first.is_ok(), "{first:?}");
    assert!(matches!(second, Err(Refused::Conflict(_))), "{second:?}");
    pause(20).await;
    assert_eq!(running.window("api").await.state, WindowState::RollingBack);
    let late = running.order(accept).await;
    let Err(Refused::Conflict(why)) = late else {
        panic!("{late:?}");
    };
    assert!(why.contains("is being undone already"), "{why}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn ordered_silences_that_cannot_be_read_are_told_of_and_new_ones_are_kept() {
    let yard = Yard::with(vec![Ward::of("api")]);
    let file = yard.state.path().join("silences.json");
    // A machine that lost its power left half of it.
    std::fs::write(&file, "[{\"id\":\"01").expect("written");
    let running = yard.start().await;
    pause(30).await;
    let warned = yard.kept.happened("warned");
    let told = warned
        .iter()
        .filter(|one| one.text.contains("cannot be read"));
    assert_eq!(told.count(), 1, "{warned:#?}");
    assert!(file.with_extension("unreadable").exists());
    running
        .order(maintenance(&yard, 60))
        .await
        .expect("silenced");
    running.end().await;
    let running = yard.start().await;
    assert_eq!(running.live().await.silences.len(), 1);
    running.end().await;
}
