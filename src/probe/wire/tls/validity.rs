//! How long certificates are still valid. Reads what a stranger sent: whatever cannot be read has no
//! date, and nothing panics.

use rustls_pki_types::CertificateDer;

use crate::clock::WallTime;
use crate::probe::Attempt;
use crate::sample::Unit;

/// Until when the certificates that a server sent are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Of the server itself, in seconds since 1970; absent when it cannot be read.
    leaf: Option<i64>,
    /// The soonest of all that were sent, that one included.
    soonest: Option<i64>,
}

impl Validity {
    /// Reads the dates of the certificates that a server sent, in any state: expired, untrusted,
    /// for another name. Those that cannot be read are left out.
    #[must_use]
    pub fn of(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Self {
        let leaf = not_after(leaf);
        let others = others.iter().filter_map(not_after);
        Self {
            leaf,
            soonest: others.chain(leaf).min(),
        }
    }

    /// Tells `attempt` the days that are left by its clock: `cert_days`, `chain_days`.
    pub fn report(&self, attempt: &mut Attempt) {
        let now = attempt.wall();
        for (name, until) in [("cert_days", self.leaf), ("chain_days", self.soonest)] {
            if let Some(days) = until.and_then(|until| days_until(until, now)) {
                attempt.latest(name, days, Unit::Days);
            }
        }
    }
}

/// How many days a certificate is still valid at `wall`; negative when it has expired, absent when
/// it cannot be read.
#[must_use]
pub fn days_left(certificate: &CertificateDer<'_>, wall: WallTime) -> Option<f64> {
    days_until(not_after(certificate)?, wall)
}

/// The last moment at which a certificate is valid, in seconds since 1970.
fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

fn days_until(unix_seconds: i64, wall: WallTime) -> Option<f64> {
    let seconds_left = unix_seconds.checked_sub(i64::try_from(wall.unix().as_secs()).ok()?)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a date within 100,000 years is exact in a float"
    )]
    let seconds_left = seconds_left as f64;
    Some(seconds_left / SECONDS_A_DAY)
}

const SECONDS_A_DAY: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A certificate that is valid until the end of a day in January 2030.
    fn until(day: u8) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 1, day);
        params.self_signed(&key).unwrap().der().clone()
    }

    /// 2030-01-10T00:00:00Z.
    const TENTH: u64 = 1_894_233_600;

    #[test]
    fn days_are_those_of_the_given_clock_and_negative_once_over() {
        let certificate = until(10);
        for (days_before, left) in [(0, 0.0), (3, 3.0), (-2, -2.0)] {
            let at = TENTH.saturating_add_signed(-days_before * 86_400);
            let wall = WallTime::since_unix_epoch(Duration::from_secs(at));
            assert_eq!(days_left(&certificate, wall), Some(left));
        }
    }

    #[test]
    fn the_soonest_of_all_counts_for_the_chain_and_what_cannot_be_read_for_nothing() {
        let junk = CertificateDer::from(vec![0x30, 0x82, 0xff]);
        let tenth = i64::try_from(TENTH).ok();
        let chain = [junk.clone(), until(5), until(20)];
        let found = Validity::of(&until(10), &chain);
        assert_eq!(found.leaf, tenth);
        assert_eq!(found.soonest, tenth.map(|tenth| tenth - 5 * 86_400));
        let found = Validity::of(&junk, &[until(10)]);
        assert_eq!((found.leaf, found.soonest), (None, tenth));
        let nothing = Validity::of(&junk, &[]);
        assert_eq!((nothing.leaf, nothing.soonest), (None, None));
        assert_eq!(
            days_left(&junk, WallTime::since_unix_epoch(Duration::ZERO)),
            None
        );
    }
}
