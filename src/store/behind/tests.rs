//! The write-behind over a store that does whatever a store can do to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use super::{Behind, Bounds};
use crate::clock::{Clock, Jump, Moment, WallTime};
use crate::event::Verdict;
use crate::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use crate::secret::Mask;
use crate::store::StoreError;
use crate::store::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};

/// What the store does when it is asked to keep something.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    Failing,
    Hanging,
}

/// A store in memory with moods.
struct Moody {
    mood: watch::Sender<Mood>,
    kept: std::sync::Mutex<Vec<Batch>>,
    asked: Notify,
    thinned: AtomicUsize,
    /// What it remembers from before; it cannot be read where that is absent.
    before: Option<Vec<Happening>>,
}

impl Moody {
    fn new(mood: Mood) -> Arc<Self> {
        Self::remembering(mood, None)
    }

    fn remembering(mood: Mood, before: Option<Vec<Happening>>) -> Arc<Self> {
        Arc::new(Self {
            before,
            mood: watch::Sender::new(mood),
            kept: std::sync::Mutex::default(),
            asked: Notify::new(),
            thinned: AtomicUsize::new(0),
        })
    }

    fn samples(&self) -> Vec<u64> {
        let kept = self.kept.lock().unwrap();
        let samples = kept.iter().flat_map(|batch| &batch.samples);
        samples.map(|seen| seen.at.unix().as_secs()).collect()
    }

    fn happenings(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let happenings = kept.iter().flat_map(|batch| &batch.happenings);
        happenings.map(|one| one.id.clone()).collect()
    }
}

#[async_trait]
impl History for Moody {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.asked.notify_one();
        let mut mood = self.mood.subscribe();
        let mood = *mood.wait_for(|mood| *mood != Mood::Hanging).await.unwrap();
        if mood == Mood::Failing {
            return Err(StoreError::Unusable("the disk is full".to_owned()));
        }
        self.kept.lock().unwrap().push(batch.clone());
        Ok(())
    }

    async fn slices(&self, _: &CheckId, _: Between, _: Duration) -> Result<Vec<Slice>, StoreError> {
        Ok(Vec::new())
    }

    async fn samples(&self, _: &CheckId, _: Between, _: usize) -> Result<Vec<Seen>, StoreError> {
        match *self.mood.borrow() {
            Mood::Failing => Err(StoreError::Unusable("gone".to_owned())),
            Mood::Well | Mood::Hanging => {
                let kept = self.kept.lock().unwrap();
                Ok(kept
                    .iter()
                    .flat_map(|batch| batch.samples.clone())
                    .collect())
            }
        }
    }

    async fn samples_of_window(&self, _: &str) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }

    async fn failures(&self, _: &CheckId, _: usize) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }

    async fn windows(&self, _: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        std::future::pending().await
    }

    async fn window(&self, _: &str) -> Result<Option<StoredWindow>, StoreError> {
        Ok(None)
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        let Some(before) = &self.before else {
            return Err(StoreError::Unusable("gone".to_owned()));
        };
        let is_older = |one: &&Happening| page.before.as_ref().is_none_or(|it| one.id < *it);
        let mut found: Vec<Happening> = before.iter().filter(is_older).cloned().collect();
        found.sort_by(|one, other| other.id.cmp(&one.id));
        found.truncate(page.limit);
        Ok(found)
    }

    async fn thin(&self, _: WallTime, _: &Retention) -> Result<bool, StoreError> {
        Ok(self.thinned.fetch_add(1, Ordering::Relaxed) % 3 < 2)
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        Ok(Figures::default())
    }
}

/// The present.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A clock that says what it is told.
#[derive(Debug, Default)]
struct Told(Option<Jump>);

impl Clock for Told {
    fn now(&self) -> Moment {
        Moment::at(Duration::from_secs(10))
    }

    fn wall(&self) -> WallTime {
        WallTime::since_unix_epoch(NOW)
    }

    fn jump(&self) -> Option<Jump> {
        self.0
    }
}

const BOUNDS: Bounds = Bounds {
    batch: 10,
    linger: Duration::from_millis(100),
    linger_little: Duration::from_millis(100),
    waiting: 25,
    patience: Duration::from_secs(5),
    again_after: Duration::from_secs(1),
    again_at_most: Duration::from_secs(4),
    thin_every: Duration::from_secs(60),
};

const RETENTION: Retention = Retention {
    samples: Duration::from_secs(1),
    failures: Duration::from_secs(1),
    minutes: Duration::from_secs(1),
    hours: Duration::from_secs(1),
};

fn over(store: &Arc<Moody>) -> Behind {
    with(store, BOUNDS, Told::default(), Mask::default())
}

fn with(store: &Arc<Moody>, bounds: Bounds, clock: Told, mask: Mask) -> Behind {
    let below = Arc::clone(store) as Arc<dyn History>;
    let place = "a place".to_owned();
    Behind::start(below, place, RETENTION, bounds, mask, Arc::new(clock))
}

fn seen(second: u64) -> Seen {
    Seen {
        at: WallTime::since_unix_epoch(Duration::from_secs(second)),
        service: Arc::from("api"),
        window: None,
        sample: Sample {
            check: CheckId::new("a"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(3),
            phases: Phases::default(),
            outcome: Outcome::Pass,
            fault: None,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        },
    }
}

fn happening(id: &str) -> Happening {
    Happening {
        id: id.to_owned(),
        at: WallTime::default(),
        service: None,
        window: None,
        check: None,
        kind: "decided",
        text: "a line".to_owned(),
        facts: serde_json::json!({}),
    }
}

fn window(id: &str, verdict: Option<Verdict>) -> StoredWindow {
    StoredWindow {
        id: Arc::from(id),
        service: Arc::from("api"),
        opened: WallTime::default(),
        closed: None,
        verdict,
        revision: None,
        action: None,
        rollback: None,
        detected_after: None,
        report: None,
    }
}

const ALWAYS: Between = Between {
    from: WallTime::since_unix_epoch(Duration::ZERO),
    to: WallTime::since_unix_epoch(Duration::MAX),
};

impl Behind {
    fn saw(&self, seen: Seen) {
        self.hand_in(Batch {
            samples: vec![seen],
            ..Batch::default()
        });
    }

    fn happened(&self, happening: Happening) {
        self.hand_in(Batch {
            happenings: vec![happening],
            ..Batch::default()
        });
    }

    fn changed(&self, window: StoredWindow) {
        self.hand_in(Batch {
            windows: vec![window],
            ..Batch::default()
        });
    }
}

/// Longer than anything here takes on the paused clock.
const LONG: Duration = Duration::from_secs(300);

#[tokio::test(start_paused = true)]
async fn what_is_handed_in_is_written_in_batches_and_in_its_order() {
    let store = Moody::new(Mood::Well);
    let behind = over(&store);
    (0..23).for_each(|second| behind.saw(seen(second)));
    behind.happened(happening("01"));
    behind.finish(LONG).await;
    assert_eq!(store.samples(), (0..23).collect::<Vec<u64>>());
    assert_eq!(store.happenings(), ["01"]);
    let first = store.kept.lock().unwrap()[0].clone();
    assert_eq!(
        (first.happenings.len(), first.samples.len()),
        (1, 9),
        "what happened goes first"
    );
    assert_eq!((behind.state().waiting, behind.state().lost), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_is_told_and_gets_all_when_it_returns() {
    let store = Moody::new(Mood::Failing);
    let behind = over(&store);
    (0..20).for_each(|second| behind.saw(seen(second)));
    behind.changed(window("01W", None));
    for _ in 0..3 {
        store.asked.notified().await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let state = behind.state();
    assert_eq!(state.trouble.as_deref(), Some("the disk is full"));
    assert_eq!(
        (state.waiting, state.lost, &*state.place),
        (21, 0, "a place")
    );
    let found = behind
        .samples(&CheckId::new("a"), ALWAYS, 99)
        .await
        .unwrap();
    assert_eq!(found.len(), 20, "it is found meanwhile");
    behind.changed(window("01W", Some(Verdict::Pass)));
    let found = behind.window("01W").await.unwrap().unwrap();
    assert_eq!(found.verdict, Some(Verdict::Pass), "in its last state");
    store.mood.send_replace(Mood::Well);
    behind.finish(LONG).await;
    assert_eq!(store.samples(), (0..20).collect::<Vec<u64>>());
    let last = store.kept.lock().unwrap()[0].windows.clone();
    assert_eq!(last, [window("01W", Some(Verdict::Pass))]);
    assert_eq!(behind.state().trouble, None);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_the_oldest_samples_are_given_up_and_no_decision() {
    let store = Moody::new(Mood::Failing);
    let behind = over(&store);
    behind.happened(happening("01"));
    behind.changed(window("01W", None));
    (0..100).for_each(|second| behind.saw(seen(second)));
    for _ in 0..2 {
        store.asked.notified().await;
    }
    let state = behind.state();
    assert_eq!((state.waiting, state.lost), (25, 77));
    store.mood.send_replace(Mood::Well);
    behind.finish(LONG).await;
    assert_eq!(store.samples(), (77..100).collect::<Vec<u64>>());
    assert_eq!(store.happenings(), ["01"]);
    assert_eq!(behind.state().lost, 77, "it stays told");
}

#[tokio::test(start_paused = true)]
async fn even_of_decisions_there_is_a_bound() {
    let store = Moody::new(Mood::Failing);
    let behind = over(&store);
    behind.changed(window("01W", None));
    behind.saw(seen(1));
    (0..50).for_each(|number| behind.happened(happening(&format!("{number:02}"))));
    store.mood.send_replace(Mood::Well);
    behind.finish(LONG).await;
    let expected: Vec<String> = (26..50).map(|number| format!("{number:02}")).collect();
    assert_eq!(store.happenings(), expected);
    let kept = store.kept.lock().unwrap();
    assert_eq!(kept[0].windows.len(), 1, "windows are given up last");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_nobody_up_and_gets_nothing_twice() {
    let store = Moody::new(Mood::Hanging);
    let behind = over(&store);
    behind.saw(seen(1));
    store.asked.notified().await;
    (2..12).for_each(|second| behind.saw(seen(second)));
    tokio::time::sleep(Duration::from_secs(12)).await;
    let trouble = behind.state().trouble;
    assert_eq!(trouble.as_deref(), Some("it has not answered for 10s"));
    assert_eq!(behind.state().waiting, 11);
    let page = Page {
        limit: 9,
        ..Page::default()
    };
    behind.changed(window("01W", None));
    let found = behind.windows(&page).await.unwrap();
    assert_eq!(found, [window("01W", None)], "a page is shown all the same");
    let ended = tokio::time::timeout(LONG, behind.finish(Duration::from_secs(3)));
    ended.await.expect("the end has a bound");

    let store = Moody::new(Mood::Hanging);
    let behind = over(&store);
    behind.saw(seen(1));
    store.asked.notified().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    store.mood.send_replace(Mood::Well);
    behind.saw(seen(2));
    behind.finish(LONG).await;
    assert_eq!(store.samples(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_and_what_is_kept_is_found_once() {
    let store = Moody::new(Mood::Well);
    let behind = over(&store);
    behind.happened(happening("02"));
    behind.happened(happening("01"));
    behind.saw(seen(1));
    let page = Page {
        limit: 9,
        ..Page::default()
    };
    let found = behind.happenings(&page).await.unwrap();
    let found: Vec<&str> = found.iter().map(|one| &*one.id).collect();
    assert_eq!(found, ["02", "01"], "the newest first");
    while behind.state().waiting > 0 {
        tokio::time::sleep(BOUNDS.linger).await;
    }
    // Written by the time of the second look, and in the queue at the first.
    store.kept.lock().unwrap().push(Batch {
        samples: vec![seen(2)],
        ..Batch::default()
    });
    behind.saw(seen(2));
    behind.saw(seen(3));
    let found = behind.samples(&CheckId::new("a"), ALWAYS, 9).await.unwrap();
    let seconds: Vec<u64> = found.iter().map(|one| one.at.unix().as_secs()).collect();
    assert_eq!(seconds, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked_on_the_way() {
    const CANARY: &str = "canary-Pa55w0rd-xyzzy";
    let mask = Mask::default();
    mask.hide(CANARY);
    let store = Moody::new(Mood::Well);
    let behind = with(&store, BOUNDS, Told::default(), mask);
    let said = || format!("it said {CANARY}");
    let mut sample = seen(1);
    sample.sample.fault = Some(Fault::new(Reason::Status, said()).further([said()]));
    sample.sample.notes = vec![said()];
    let happening = Happening {
        text: said(),
        facts: serde_json::json!({ "because": [said()], "deep": { "er": said() } }),
        ..happening("01")
    };
    let window = StoredWindow {
        report: Some(serde_json::json!({ "reasons": [said()] })),
        ..window("01W", None)
    };
    let batch = Batch {
        samples: vec![sample],
        happenings: vec![happening],
        windows: vec![window],
    };
    behind.keep(&batch).await.unwrap();
    behind.finish(LONG).await;
    let kept = format!("{:?}", store.kept.lock().unwrap());
    assert!(!kept.contains(CANARY), "{kept}");
    assert_eq!(kept.matches("it said ***").count(), 7, "{kept}");
}

/// Something that happened so long before the present of [`Told`].
fn ago(span: Duration) -> Happening {
    let at = WallTime::since_unix_epoch(NOW - span);
    let millis = u64::try_from(at.unix().as_millis()).unwrap();
    Happening {
        at,
        ..happening(&ulid::Ulid::from_parts(millis, 7).to_string())
    }
}

/// How often it is thinned within a span from the start, over a store that remembers this.
async fn thinned(clock: Told, before: Option<Vec<Happening>>, span: Duration) -> usize {
    let store = Moody::remembering(Mood::Well, before);
    let behind = with(&store, BOUNDS, clock, Mask::default());
    tokio::time::sleep(span).await;
    behind.finish(LONG).await;
    store.thinned.load(Ordering::Relaxed)
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// Two looks, the second one begun.
const TWO_LOOKS: Duration = Duration::from_secs(130);

#[tokio::test(start_paused = true)]
async fn it_is_thinned_from_time_to_time_and_not_after_the_clock_was_set() {
    let recent = || Some(vec![ago(2 * HOUR)]);
    assert_eq!(
        thinned(Told(None), recent(), TWO_LOOKS).await,
        6,
        "twice, until nothing was left"
    );
    let jump = Jump {
        at: Moment::at(Duration::from_secs(9)),
        by: YEAR,
        ahead: true,
    };
    assert_eq!(thinned(Told(Some(jump)), recent(), TWO_LOOKS).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_clock_far_ahead_of_what_is_remembered_thins_nothing_before_it_has_run_for_a_while() {
    let cases: [(Option<Vec<Happening>>, bool, &str); 7] = [
        (Some(vec![]), true, "nothing can be lost"),
        (
            Some(vec![ago(2 * HOUR)]),
            true,
            "somebody was here just now",
        ),
        (Some(vec![ago(YEAR)]), false, "nobody was, or it is wrong"),
        (
            Some(vec![ago(YEAR), ago(MINUTE), ago(Duration::ZERO)]),
            false,
            "what the same clock has brought says nothing for it",
        ),
        (
            Some(vec![ago(YEAR), ago(2 * HOUR), ago(MINUTE)]),
            true,
            "it ran for a while already, before it was begun anew",
        ),
        (
            Some(vec![ago(MINUTE)]),
            true,
            "all that is there is of this run, and younger than anything is kept",
        ),
        (None, false, "nobody knows"),
    ];
    for (before, at_once, why) in cases {
        let times = thinned(Told(None), before.clone(), TWO_LOOKS).await;
        assert_eq!(times > 0, at_once, "{why}");
        let later = thinned(Told(None), before, HOUR + TWO_LOOKS).await;
        assert!(later > 0, "{why}: it is believed in the end");
    }
}
