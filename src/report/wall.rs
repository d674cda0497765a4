//! Wall time as RFC 3339 text, and as the time of day for a terminal.

use crate::clock::WallTime;

/// The time as RFC 3339 in UTC, to the second: `2026-11-21T08:50:00Z`.
#[must_use]
pub fn rfc3339(time: WallTime) -> String {
    let seconds = i64::try_from(time.unix().as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "out of range".to_owned(),
        |timestamp| timestamp.to_string(),
    )
}

/// The time of day in UTC: `08:50:00`.
#[must_use]
pub fn time_of_day(time: WallTime) -> String {
    let seconds = time.unix().as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_is_written_as_others_read_it() {
        let time = WallTime::since_unix_epoch(Duration::new(1_795_250_400, 999));
        assert_eq!(rfc3339(time), "2026-11-21T08:40:00Z");
        assert_eq!(time_of_day(time), "08:40:00");
    }
}
