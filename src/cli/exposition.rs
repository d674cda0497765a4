//! `--report prometheus=FILE`: writes what the prober counts while it goes on, and once more at the
//! end, so that the textfile collector of node_exporter never reads a file that is long out of date.
//!
//! A reader sees the old content or the new, never a part. On stdout it is written once, at the end:
//! there nobody could tell where one ends and the next begins. That it could not be written in between
//! is no news, since it is tried again; that it could not be at the end is an error.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::terminal::{Replacement, Terminal, named};
use crate::engine::instruments::Instruments;
use crate::report::prometheus;
use crate::secret::Mask;

/// As often as Prometheus usually looks: its default is a minute, and most say fifteen seconds.
const EVERY: Duration = Duration::from_secs(15);

/// An exposition that is kept up to date.
#[derive(Debug)]
pub struct Exposition {
    sheet: Sheet,
    // Dropping it ends the task.
    renewing: Option<AbortOnDropHandle<()>>,
}

/// What is written, and where to.
#[derive(Clone, Debug)]
struct Sheet {
    file: Option<PathBuf>,
    instruments: Arc<Instruments>,
    mask: Mask,
}

impl Exposition {
    /// Begins to write to a file, or to stdout without one.
    #[must_use]
    pub fn begin(file: Option<&Path>, instruments: &Arc<Instruments>, mask: &Mask) -> Self {
        let sheet = Sheet {
            file: file.map(Path::to_owned),
            instruments: Arc::clone(instruments),
            mask: mask.clone(),
        };
        let renewed = sheet.file.is_some().then(|| sheet.clone());
        let renewing = renewed.map(|sheet| AbortOnDropHandle::new(tokio::spawn(renew(sheet))));
        Self { sheet, renewing }
    }

    /// Writes it for the last time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish(mut self) -> io::Result<()> {
        if let Some(renewing) = self.renewing.take() {
            renewing.abort();
            // One that is just being written must not take the place of the last one. That it was
            // ended is all that this says.
            renewing.await.unwrap_or_default();
        }
        self.sheet.write()
    }
}

async fn renew(sheet: Sheet) {
    let mut pause = EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let began = tokio::time::Instant::now();
        // On this thread, and not on one of its own that could not be stopped.
        tokio::task::block_in_place(|| sheet.write()).unwrap_or_default();
        pause = EVERY.max(began.elapsed() * LEAST_REST);
    }
}

/// Writing may take a twentieth of our time, however many checks there are.
const LEAST_REST: u32 = 19;

impl Sheet {
    fn write(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            let mut text = Vec::new();
            prometheus::write(&mut text, &self.instruments, &self.mask)?;
            return Terminal::masked_data(&String::from_utf8_lossy(&text));
        };
        let written = || {
            let mut out = BufWriter::new(Replacement::begin(file)?);
            prometheus::write(&mut out, &self.instruments, &self.mask)?;
            let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            out.put()
        };
        written().map_err(|error| named(file, &error))
    }
}
