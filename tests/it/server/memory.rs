//! A history in memory: the contract of `History` as simply as it can be kept, with a switch that makes
//! it fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::clock::WallTime;
use smokejumper::sample::{CheckId, Outcome, Phase};
use smokejumper::store::StoreError;
use smokejumper::store::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};
use smokejumper::window::histogram::Histogram;

#[derive(Default)]
pub struct Memory {
    kept: Mutex<Batch>,
    pub is_lost: AtomicBool,
}

impl Memory {
    fn read<T>(&self, read: impl FnOnce(&Batch) -> T) -> Result<T, StoreError> {
        if self.is_lost.load(Ordering::SeqCst) {
            return Err(StoreError::Unusable("canary-disk is gone".to_owned()));
        }
        Ok(read(&self.kept.lock().expect("nobody panicked")))
    }

    /// Keeps it without waiting.
    pub fn remember(&self, batch: Batch) {
        let mut kept = self.kept.lock().expect("nobody panicked");
        kept.samples.extend(batch.samples);
        kept.happenings.extend(batch.happenings);
        for window in batch.windows {
            kept.windows.retain(|one| one.id != window.id);
            kept.windows.push(window);
        }
    }
}

fn of_phase(slice: &mut Slice, phase: Phase) -> &mut Histogram {
    let known = slice.phases.iter().position(|(one, _)| *one == phase);
    let place = known.unwrap_or_else(|| {
        slice.phases.push((phase, Histogram::default()));
        slice.phases.len() - 1
    });
    &mut slice.phases[place].1
}

fn is_before(id: &str, page: &Page) -> bool {
    page.before.as_deref().is_none_or(|before| id < before)
}

#[async_trait]
impl History for Memory {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.read(|_| ())?;
        self.remember(batch.clone());
        Ok(())
    }

    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError> {
        let samples = self.samples(check, between, usize::MAX).await?;
        let mut slices: Vec<Slice> = Vec::new();
        for seen in samples {
            let start = seen.at.unix().as_secs() / step.as_secs() * step.as_secs();
            let at = WallTime::since_unix_epoch(Duration::from_secs(start));
            if slices.last().is_none_or(|last| last.at != at) {
                slices.push(Slice {
                    at,
                    ..Slice::default()
                });
            }
            let slice = slices.last_mut().expect("one was pushed");
            match seen.sample.outcome {
                Outcome::Pass => {
                    slice.passed += 1;
                    slice.latency.record(seen.sample.latency);
                    for phase in Phase::ALL {
                        if let Some(span) = seen.sample.phases.get(phase) {
                            of_phase(slice, phase).record(span);
                        }
                    }
                }
                Outcome::Fail => slice.failed += 1,
                Outcome::Error => slice.errored += 1,
                Outcome::Unknown => slice.unknown += 1,
            }
        }
        Ok(slices)
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        self.read(|kept| {
            let samples = kept.samples.iter();
            let meant = samples.filter(|seen| {
                seen.sample.check == *check && seen.at >= between.from && seen.at < between.to
            });
            meant.take(limit).cloned().collect()
        })
    }

    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError> {
        self.read(|kept| {
            let samples = kept.samples.iter();
            let meant = samples.filter(|seen| seen.window.as_deref() == Some(window));
            meant.cloned().collect()
        })
    }

    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError> {
        self.read(|kept| {
            let samples = kept.samples.iter().rev();
            let meant = samples
                .filter(|seen| seen.sample.check == *check && seen.sample.outcome != Outcome::Pass);
            meant.take(limit).cloned().collect()
        })
    }

    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        self.read(|kept| {
            let mut windows: Vec<StoredWindow> = kept.windows.clone();
            windows.sort_by(|one, other| other.id.cmp(&one.id));
            windows.retain(|window| {
                page.service
                    .as_ref()
                    .is_none_or(|service| *service == window.service)
                    && is_before(&window.id, page)
            });
            windows.truncate(page.limit);
            windows
        })
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        self.read(|kept| {
            kept.windows
                .iter()
                .find(|window| &*window.id == id)
                .cloned()
        })
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        self.read(|kept| {
            let mut happenings: Vec<Happening> = kept.happenings.clone();
            happenings.sort_by(|one, other| other.id.cmp(&one.id));
            happenings.retain(|one| {
                page.service
                    .as_ref()
                    .is_none_or(|wanted| one.service.as_ref() == Some(wanted))
                    && page
                        .window
                        .as_ref()
                        .is_none_or(|wanted| one.window.as_ref() == Some(wanted))
                    && page
                        .check
                        .as_ref()
                        .is_none_or(|wanted| one.check.as_ref() == Some(wanted))
                    && (page.kinds.is_empty() || page.kinds.iter().any(|kind| kind == one.kind))
                    && is_before(&one.id, page)
            });
            happenings.truncate(page.limit);
            happenings
        })
    }

    async fn thin(&self, _: WallTime, _: &Retention) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        Ok(Figures::default())
    }
}
