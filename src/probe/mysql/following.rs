//! Whom a server follows, as SHOW REPLICA STATUS says it: one row for each channel.
//!
//! A replica of several primaries is as far as its worst channel, and runs only where all of them do.
//! Channels that a group of servers keeps for itself are left out: they rest where nothing has to be
//! recovered, on a primary as well.

use super::login::Flavor;
use crate::probe::database::{Answer, Figures, Row, Seen};
use crate::sample::Unit;

/// The statement that tells whom the server follows: MySQL renamed it in 8.0.22, and later dropped the
/// old name. MariaDB tells of its named channels only where all are asked for.
pub const fn statement(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::MySql((major, minor, patch)) if is_new(major, minor, patch) => {
            "show replica status"
        }
        Flavor::MySql(_) => "show slave status",
        Flavor::MariaDb => "show all slaves status",
    }
}

const fn is_new(major: u16, minor: u16, patch: u16) -> bool {
    major > 8 || major == 8 && (minor > 0 || patch >= 22)
}

/// Whether it follows anybody.
pub fn follows_one(told: &Answer) -> bool {
    channels(told).next().is_some()
}

/// How far it is behind, and whether replication runs; hidden where our login may not ask.
pub fn replication(told: Option<&Answer>, figures: &mut Figures) {
    const NOBODY: &str = "it follows no other server";
    let (lag, running) = match told {
        None => (Seen::Hidden, Seen::Hidden),
        Some(told) if !follows_one(told) => (Seen::Absent(NOBODY), Seen::Absent(NOBODY)),
        Some(told) => {
            let runs = channels(told).all(|channel| runs(&channel));
            let lags: Option<Vec<f64>> = channels(told).map(|channel| lag(&channel)).collect();
            let worst = lags.and_then(|lags| lags.into_iter().reduce(f64::max));
            let runs = Seen::Number(f64::from(u8::from(runs)));
            let stopped = match channels(told).nth(1) {
                None => "replication is not running",
                Some(_) => "replication is not running on each of its channels",
            };
            (Seen::or_absent(worst, stopped), runs)
        }
    };
    figures.put("lag", Unit::Seconds, lag);
    figures.put("replication_running", Unit::Number, running);
}

/// The channels that somebody set up.
fn channels(told: &Answer) -> impl Iterator<Item = Row<'_>> {
    /// What the names of a group's own channels begin with.
    const OF_A_GROUP: &str = "group_replication_";
    let is_own = |row: &Row<'_>| {
        let name = row.text("Channel_Name").unwrap_or_default();
        name.starts_with(OF_A_GROUP)
    };
    told.each().filter(move |row| !is_own(row))
}

fn runs(channel: &Row<'_>) -> bool {
    let either = |new: &str, old: &str| channel.text(new).or_else(|| channel.text(old));
    let receives = either("Replica_IO_Running", "Slave_IO_Running");
    let applies = either("Replica_SQL_Running", "Slave_SQL_Running");
    receives == Some("Yes") && applies == Some("Yes")
}

fn lag(channel: &Row<'_>) -> Option<f64> {
    let lag = channel.number("Seconds_Behind_Source");
    lag.or_else(|| channel.number("Seconds_Behind_Master"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::database::{Column, Form, LookedAt, TooManyRows};

    #[test]
    fn each_server_is_asked_by_the_name_that_it_knows() {
        for (flavor, asked) in [
            (Flavor::MariaDb, "show all slaves status"),
            (Flavor::MySql((5, 7, 44)), "show slave status"),
            (Flavor::MySql((8, 0, 21)), "show slave status"),
            (Flavor::MySql((8, 0, 22)), "show replica status"),
            (Flavor::MySql((8, 4, 0)), "show replica status"),
            (Flavor::MySql((9, 1, 0)), "show replica status"),
        ] {
            assert_eq!(statement(flavor), asked, "{flavor:?}");
        }
    }

    fn told(channels: &[[Option<&str>; 4]]) -> Answer {
        let columns = [
            ("Channel_Name", Form::Text),
            ("Replica_IO_Running", Form::Text),
            ("Replica_SQL_Running", Form::Text),
            ("Seconds_Behind_Source", Form::Number),
        ];
        let columns = columns.map(|(name, form)| Column::new(name.to_owned(), form));
        let mut answer = Answer::new(columns.into(), LookedAt::Every);
        for cells in channels {
            let cells = cells.iter().map(|cell| Ok::<_, TooManyRows>(*cell));
            answer.take(cells).unwrap();
        }
        answer
    }

    #[test]
    fn of_several_channels_the_worst_counts_and_a_group_s_own_are_none() {
        let channel = |name, receives, lag| [Some(name), Some(receives), Some("Yes"), lag];
        let own = [
            Some("group_replication_recovery"),
            Some("No"),
            Some("No"),
            None,
        ];
        let (running, stopped) = (Seen::Number(1.0), Seen::Number(0.0));
        let nobody = Seen::Absent("it follows no other server");
        // the channels, the lag, whether it runs
        let cases = [
            (vec![], nobody, nobody),
            (vec![own], nobody, nobody),
            (
                vec![channel("", "Yes", Some("3"))],
                Seen::Number(3.0),
                running,
            ),
            (
                vec![channel("", "Connecting", None)],
                Seen::Absent("replication is not running"),
                stopped,
            ),
            (
                vec![
                    channel("a", "Yes", Some("1")),
                    channel("b", "Yes", Some("40")),
                    own,
                ],
                Seen::Number(40.0),
                running,
            ),
            (
                vec![
                    channel("a", "Yes", Some("0")),
                    channel("b", "Connecting", None),
                ],
                Seen::Absent("replication is not running on each of its channels"),
                stopped,
            ),
        ];
        for (channels, lag, runs) in cases {
            let mut figures = Figures::default();
            replication(Some(&told(&channels)), &mut figures);
            assert_eq!(figures.get("lag"), Some(lag), "{channels:?}");
            assert_eq!(
                figures.get("replication_running"),
                Some(runs),
                "{channels:?}"
            );
        }
    }
}
