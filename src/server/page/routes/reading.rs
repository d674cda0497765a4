//! What pages ask of the history, each with a bound. What cannot be read is told on the page.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::WallTime;
use crate::engine::serve::live::{Live, WindowNow};
use crate::event::Verdict;
use crate::report::html::course::Course;
use crate::report::html::plot::band::Usual;
use crate::report::html::plot::scale::Across;
use crate::report::html::story::Story;
use crate::report::html::words::verdict_of;
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::server::page::check::Span;
use crate::server::page::history::{A_PAGE, Asked};
use crate::server::page::window::{Kept, span, told};
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::StoreError;
use crate::store::history::{Between, History, Page, Seen, StoredWindow};

/// So many happenings of a window are told.
const HAPPENINGS: usize = 1_000;
/// With more runs than this an open window is drawn from slices, of the checks that are drawn alone.
const SAMPLES: u128 = 20_000;
/// So many failures of a check are shown.
const FAILURES: usize = 25;
/// So many checks of a window are drawn from slices, and compared with before.
const DRAWN: usize = 24;
/// So long before a window is what was usual.
const BEFORE: Duration = Duration::from_secs(60 * 60);
/// The shortest slice that the history keeps.
const MINUTE: Duration = Duration::from_secs(60);
/// So many pages of windows are looked through for those that match.
const LOOKED_THROUGH: usize = 8;

/// The story of a window.
pub(super) async fn story(shared: &Shared, id: &str, live: &Live) -> Result<Story, Problem> {
    let unknown = || Problem::unknown("window", id);
    let history = &shared.history;
    // An open one may not be written yet, and a store that is away hides no window that is open.
    let window = match history.window(id).await {
        Ok(window) => window,
        Err(error) if is_open(live, id) => {
            tracing::warn!(%error, "the history of an open window cannot be read");
            None
        }
        Err(error) => return Err(error.into()),
    };
    let story = tell(&**history, id, live, window, &shared.mask()).await;
    story.ok_or_else(unknown)
}

/// The same of a window that was found already, in whatever history; absent where it is neither open
/// nor kept.
pub(in crate::server::page) async fn tell(
    history: &dyn History,
    id: &str,
    live: &Live,
    window: Option<StoredWindow>,
    mask: &Mask,
) -> Option<Story> {
    let across = span(id, live, window.as_ref())?;
    let mut troubles = Vec::new();
    let page = Page {
        window: Some(id.into()),
        limit: HAPPENINGS,
        ..Page::default()
    };
    let mut happenings = read(history.happenings(&page).await, &mut troubles);
    happenings.reverse();
    let checks = checks(live, window.as_ref(), id);
    let samples = match runs(live, id, across) > SAMPLES {
        true => Vec::new(),
        false => read(history.samples_of_window(id).await, &mut troubles),
    };
    let courses = match samples.is_empty() {
        true => courses(history, &checks, across, &mut troubles).await,
        false => HashMap::new(),
    };
    let kept = Kept {
        before: before(history, &checks, across.from, &mut troubles).await,
        window,
        samples,
        courses,
        happenings,
    };
    let mut story = told(id, live, kept, mask)?;
    if let Some(trouble) = troubles.first() {
        let trouble = mask.apply(trouble);
        let remark = format!("Not all of the past can be read: {trouble}");
        story.remarks.push(remark);
    }
    Some(story)
}

/// What was read; nothing, and why, where it could not be.
fn read<T: Default>(found: Result<T, StoreError>, troubles: &mut Vec<String>) -> T {
    found.unwrap_or_else(|error| {
        troubles.push(error.to_string());
        T::default()
    })
}

/// About how many runs an open window has had by now: a page that is live reads them again and again.
fn runs(live: &Live, id: &str, across: Across) -> u128 {
    let own = open(live, id).map_or(&[][..], |open| &open.checks);
    let turns = own
        .iter()
        .map(|it| across.span().as_millis() / it.every.as_millis().max(1));
    turns.sum()
}

fn is_open(live: &Live, id: &str) -> bool {
    open(live, id).is_some()
}

/// The window, where it is open.
fn open<'a>(live: &'a Live, id: &str) -> Option<&'a WindowNow> {
    let mut windows = live.services.iter().filter_map(|it| it.window.as_ref());
    windows.find(|open| *open.id == *id)
}

/// The checks of a window that are drawn, the worst first: those of its report, or of its opening.
fn checks(live: &Live, window: Option<&StoredWindow>, id: &str) -> Vec<CheckId> {
    let report = window.and_then(|window| window.report.as_ref());
    let named = report.and_then(|report| report.get("checks")?.as_array());
    let mut checks: Vec<(Option<Verdict>, CheckId)> = match named {
        Some(named) => named
            .iter()
            .filter_map(|check| {
                let verdict = check.get("verdict").and_then(|it| it.as_str());
                let id = CheckId::new(check.get("id")?.as_str()?);
                Some((verdict.and_then(verdict_of), id))
            })
            .collect(),
        None => {
            let own = open(live, id).map_or(&[][..], |open| &open.checks);
            let named = own.iter();
            named
                .map(|check| (Some(check.verdict), check.id().clone()))
                .collect()
        }
    };
    checks.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    checks.truncate(DRAWN);
    checks.into_iter().map(|(_, id)| id).collect()
}

async fn courses(
    history: &dyn History,
    checks: &[CheckId],
    across: Across,
    troubles: &mut Vec<String>,
) -> HashMap<String, Course> {
    let mut courses = HashMap::new();
    for check in checks {
        let between = Between {
            from: across.from,
            to: across.to,
        };
        let slices = history.slices(check, between, MINUTE).await;
        let slices = read(slices, troubles);
        if !slices.is_empty() {
            let course = Course::of_slices(across, MINUTE, slices);
            courses.insert(check.to_string(), course);
        }
    }
    courses
}

/// What was usual in the hour before a window.
async fn before(
    history: &dyn History,
    checks: &[CheckId],
    opened: WallTime,
    troubles: &mut Vec<String>,
) -> HashMap<String, Usual> {
    let mut before = HashMap::new();
    let from = WallTime::since_unix_epoch(opened.unix().saturating_sub(BEFORE));
    let across = Across { from, to: opened };
    for check in checks {
        let between = Between { from, to: opened };
        let slices = history.slices(check, between, MINUTE).await;
        let course = Course::of_slices(across, MINUTE, read(slices, troubles));
        let whole = course.whole();
        if let (Some(p50), Some(p95)) = (whole.latency.quantile(0.5), whole.latency.quantile(0.95))
        {
            before.insert(check.to_string(), Usual { p50, p95 });
        }
    }
    before
}

/// What is known of the past of a check.
pub(super) struct Past {
    /// What it did.
    pub(super) course: Course,
    /// Its last runs that did not pass.
    pub(super) failures: Vec<Seen>,
    /// Why it is not all there.
    pub(super) trouble: Option<String>,
}

/// The past of a check.
pub(super) async fn check(shared: &Shared, check: &CheckId, span: Span, now: WallTime) -> Past {
    let from = WallTime::since_unix_epoch(now.unix().saturating_sub(span.long));
    let between = Between { from, to: now };
    let slices = shared.history.slices(check, between, span.step).await;
    let failures = shared.history.failures(check, FAILURES).await;
    let trouble = [slices.as_ref().err(), failures.as_ref().err()];
    let trouble = trouble
        .into_iter()
        .flatten()
        .next()
        .map(ToString::to_string);
    let across = Across { from, to: now };
    Past {
        course: Course::of_slices(across, span.step, slices.unwrap_or_default()),
        failures: failures.unwrap_or_default(),
        trouble,
    }
}

/// Windows that were found.
#[derive(Default)]
pub(super) struct Found {
    /// Those that were asked for.
    pub(super) windows: Vec<StoredWindow>,
    /// The last that was looked at, where older ones may be there.
    pub(super) more: Option<String>,
    /// Why it is not all there.
    pub(super) trouble: Option<String>,
}

/// The windows that are asked for; of a long past in which few match, a page may hold few.
pub(super) async fn windows(shared: &Shared, asked: &Asked) -> Found {
    let mut found = Found::default();
    let mut before = Some(asked.before.clone()).filter(|id| !id.is_empty());
    for _ in 0..LOOKED_THROUGH {
        let page = Page {
            service: Some(asked.service.as_str().into()).filter(|_| !asked.service.is_empty()),
            before: before.clone(),
            limit: A_PAGE,
            ..Page::default()
        };
        let windows = match shared.history.windows(&page).await {
            Ok(windows) => windows,
            Err(error) => {
                found.trouble = Some(error.to_string());
                return found;
            }
        };
        let is_last = windows.len() < A_PAGE;
        for window in windows {
            before = Some(window.id.to_string());
            if asked.takes(&window) {
                found.windows.push(window);
            }
            if found.windows.len() == A_PAGE {
                found.more = before;
                return found;
            }
        }
        if is_last {
            return found;
        }
    }
    found.more = before;
    found
}
