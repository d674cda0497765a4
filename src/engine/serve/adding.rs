//! What becomes of each check when a configuration is put in force: one that is declared as before keeps
//! its probe with all its connections, and what is known of it; every other one begins anew.

use std::collections::HashMap;

use super::daemon::Share;
use super::manning::Manned;
use super::outfit::Declared;
use super::pulse::Pulse;
use crate::clock::WallTime;
use crate::plan::CheckPlan;
use crate::sample::CheckId;

/// The checks of a service, each with what is known of it.
pub(super) fn merge(
    share: Share,
    known: Option<&Manned>,
    now: WallTime,
) -> Vec<(CheckPlan, Pulse)> {
    let declared = known.iter().flat_map(|known| known.declared.iter());
    let places: HashMap<(&CheckId, u64), usize> = declared
        .enumerate()
        .map(|(place, one)| ((&one.check, one.mark), place))
        .collect();
    let merged = share.into_iter().map(|(check, declared)| {
        let place = places.get(&(&declared.check, declared.mark));
        let Declared { text, limits, .. } = declared;
        let Some((place, known)) = place.zip(known) else {
            let pulse = Pulse::new(check.clone(), text, limits, now);
            return (check, pulse);
        };
        let check = CheckPlan {
            // The same settings, and the connections that are open.
            probe: known.board.pulse(*place).plan().probe.clone(),
            ..check
        };
        let empty = Pulse::new(check.clone(), text.clone(), limits.clone(), now);
        let pulse = known.board.exchange(*place, empty);
        (check.clone(), pulse.redeclared(check, text, limits))
    });
    merged.collect()
}
