//! What the streams of the docket say of one limit of one check, and which checks are to blame for
//! what a pool of them shows.

use super::{Bench, Blame, Regressed, Telling};
use crate::clock::Moment;
use crate::verdict::breach;
use crate::verdict::explain::{self, Charge, Worse};
use crate::verdict::judge::Heard;
use crate::verdict::sequential::comparison::Compared;
use crate::verdict::sequential::docket::Case;
use crate::verdict::sequential::stream::Proof;
use crate::verdict::{FindingReason, Level};

/// So many bad samples of a check are more than bad luck.
const LEAST_BLAMED: u64 = 2;

impl Bench {
    /// Settles who is to blame for streams that have just been proven over a limit.
    pub(super) fn settle_blame(&mut self) {
        for index in 0..self.blame.len() {
            let case = &self.docket.cases()[index];
            let known = &self.blame[index];
            let warning = (case.warns(false) && known.warning.is_empty())
                .then(|| self.to_blame(case, None, Level::Warning));
            let proof = case.proof(None).filter(|_| known.critical.is_empty());
            let critical = proof.map(|proof| self.to_blame(case, proof.since, Level::Critical));
            let Blame {
                warning: warned,
                critical: condemned,
            } = &mut self.blame[index];
            if let Some(checks) = warning {
                *warned = checks;
            }
            if let Some(checks) = critical {
                *condemned = checks;
            }
        }
    }

    /// What a comparison with before says of a check: that it has no vote, or is worse.
    pub(super) fn compare(&self, place: usize, telling: Telling) -> Vec<Heard> {
        if let Some(reason) = &self.seats[place].failed_before {
            // What nobody may judge is not well for it: a person has to look.
            let somebody_votes = self.seats.iter().any(|seat| seat.failed_before.is_none());
            let reason = FindingReason::clone(reason);
            return vec![match somebody_votes {
                true => Heard::Abstains(reason),
                false => Heard::NobodyVotes(reason),
            }];
        }
        let condemns = self.terms.regression == Regressed::Condemns;
        let levels = [Level::Critical, Level::Warning].into_iter();
        let mut heard = Vec::new();
        for level in levels {
            for compared in self.comparisons.proven(place, level) {
                let may_condemn = condemns && compared.regression.may_condemn();
                let counts = if may_condemn { level } else { Level::Warning };
                let reason = match telling {
                    Telling::Verdict => explain::worse_untold(compared, counts),
                    Telling::Everything => explain::worse(&self.worse(compared, counts)),
                };
                heard.push(match level {
                    Level::Critical if may_condemn => Heard::Condemned(reason),
                    Level::Critical | Level::Warning => Heard::Warned(reason),
                });
            }
            // The lower level says nothing that the higher has not said.
            if !heard.is_empty() {
                break;
            }
        }
        heard
    }

    /// What the streams say of one limit of a check; absent where it is judged as written.
    pub(super) fn hear(
        &self,
        place: usize,
        threshold: usize,
        closed_at: Option<Moment>,
        telling: Telling,
    ) -> Option<Heard> {
        let mut warned = None;
        let mut is_heard = false;
        let charge = |case, level| self.charge(case, place, threshold, level);
        let untold = |level| {
            let subject = &self.seats[place].rules.thresholds[threshold].subject;
            FindingReason::untold(subject.name(), level)
        };
        // What a check shows by itself says more of it than the pool does, which comes before it.
        for index in self.seats[place].cases.iter().rev() {
            let case = &self.docket.cases()[*index];
            if !case.hears(place, threshold) {
                continue;
            }
            is_heard = true;
            if let Some(proof) = case.proof(closed_at)
                && self.is_blamed(*index, case, proof, place)
            {
                return Some(Heard::Condemned(match telling {
                    Telling::Verdict => untold(Level::Critical),
                    Telling::Everything => explain::proven(&charge(case, Level::Critical), proof),
                }));
            }
            let is_suspect = || match closed_at {
                Some(_) => self.to_blame(case, None, Level::Warning).contains(&place),
                None => self.blame[*index].warning.contains(&place),
            };
            if warned.is_none() && case.warns(closed_at.is_some()) && is_suspect() {
                warned = Some(Heard::Warned(match telling {
                    Telling::Verdict => untold(Level::Warning),
                    Telling::Everything => {
                        let (chance, by) = case.stream.suspicion(closed_at.is_some());
                        explain::suspected(&charge(case, Level::Warning), chance, by)
                    }
                }));
            }
        }
        if warned.is_none() && closed_at.is_some() && self.saw_nothing(place, threshold) {
            let limits = &self.seats[place].rules.thresholds[threshold];
            // What can condemn nothing holds nothing up either.
            if limits.critical.is_some() {
                return Some(Heard::Untold(breach::unseen(&limits.subject)));
            }
        }
        is_heard.then(|| warned.unwrap_or(Heard::Holds))
    }

    /// Whether no sample of a check was one for this limit: a phase that never happened, say.
    fn saw_nothing(&self, place: usize, threshold: usize) -> bool {
        let own = self.seats[place].cases.iter();
        let own = own.map(|index| &self.docket.cases()[*index]);
        let mut own = own.filter(|case| case.members.len() == 1 && case.hears(place, threshold));
        own.any(|case| case.stream.counted().of == 0)
    }

    fn worse<'a>(&'a self, compared: &'a Compared, level: Level) -> Worse<'a> {
        let members = compared.members.iter();
        Worse {
            compared,
            level,
            start: self.terms.start,
            warm: self.docket.warm(),
            windows: members.map(|check| &self.seats[*check].window).collect(),
        }
    }

    fn is_blamed(&self, index: usize, case: &Case, proof: Proof, place: usize) -> bool {
        match self.blame[index].critical.as_slice() {
            [] => self
                .to_blame(case, proof.since, Level::Critical)
                .contains(&place),
            blamed => blamed.contains(&place),
        }
    }

    fn charge<'a>(
        &'a self,
        case: &'a Case,
        place: usize,
        threshold: usize,
        level: Level,
    ) -> Charge<'a> {
        Charge {
            eye: case.eye,
            threshold: &self.seats[place].rules.thresholds[threshold],
            question: case.stream.question(),
            level,
            start: self.terms.start,
            warm: self.docket.warm(),
            window: &self.seats[place].window,
            forgive: self.terms.forgive,
            pooled: case
                .members
                .iter()
                .map(|member| &self.seats[member.check].window)
                .collect(),
        }
    }

    /// The checks of a stream whose own share of bad samples is over the limit since the trouble
    /// began, and more than one lost sample; those with the largest share where none is.
    fn to_blame(&self, case: &Case, since: Option<Moment>, level: Level) -> Vec<usize> {
        if let [only] = case.members.as_slice() {
            return vec![only.check];
        }
        let question = case.stream.question();
        let limit = match level {
            Level::Critical => question.bad.unwrap_or(question.well),
            Level::Warning => question.well,
        };
        let from = since.unwrap_or(self.terms.start);
        let share = |check: usize| {
            explain::share(
                &self.seats[check].window,
                case.eye,
                level,
                from,
                self.docket.warm(),
            )
        };
        let shares: Vec<(usize, (u64, f64))> = case
            .members
            .iter()
            .map(|member| (member.check, share(member.check)))
            .collect();
        // One lost sample among the ruins of another check is no reason of its own.
        let clearly = shares
            .iter()
            .filter(|(_, (bad, share))| *bad >= LEAST_BLAMED && *share > limit);
        let clearly: Vec<usize> = clearly.map(|(check, _)| *check).collect();
        if !clearly.is_empty() {
            return clearly;
        }
        let shares_alone = shares.iter().map(|(_, (_, share))| *share);
        let largest = shares_alone.fold(0.0, f64::max);
        let guilty = shares
            .iter()
            .filter(|(_, (_, share))| *share > limit || *share >= largest);
        guilty.map(|(check, _)| *check).collect()
    }
}
