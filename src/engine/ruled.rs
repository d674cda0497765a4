//! What happens at the desk of an open window: the outlook is laid out, a person's ruling ends the bake,
//! and others may object to a rollback that nobody ordered.

use super::baking::{Baked, hold};
use super::desk::{Outlook, Ruled, Ruling, Telling};
use super::panel::Panel;
use super::watch::Watch;
use crate::clock::Moment;
use crate::decision::{self, Circumstances, Decision, Permission};
use crate::deployment::Standing;
use crate::sample::CheckId;
use crate::verdict::{Closing, Verdict};

impl Watch<'_> {
    /// What a person has ordered; nothing while nobody has.
    pub(super) fn ruling(&self) -> Option<Ruling> {
        let desk = self.options.desk.as_ref()?;
        desk.rulings.borrow().clone()
    }

    /// Waits for a person's ruling; for ever where nobody can give one.
    pub(super) async fn ruled_upon(&self) {
        let Some(desk) = &self.options.desk else {
            return std::future::pending().await;
        };
        let mut rulings = desk.rulings.clone();
        if rulings.wait_for(Option::is_some).await.is_err() {
            // Whoever sat there has left: nobody will rule any more.
            std::future::pending::<()>().await;
        }
    }

    /// Ends a bake that a person has ruled upon. What was found stays what it is.
    pub(super) fn end_by_ruling(
        &self,
        mut panel: Panel,
        ruling: &Ruling,
        standing: Standing,
    ) -> Baked {
        let (assessment, changes) = panel.close(self.context.clock.now(), Closing::Running);
        self.tell(changes);
        let because = vec![ruling.because()];
        let decision = match (standing, ruling.ruled) {
            (Standing::Superseded, _) => Decision::Superseded,
            (Standing::RollingBack | Standing::RolledBack, _) => Decision::Follow,
            (_, Ruled::Accept) => Decision::Accept { because },
            (_, Ruled::Hold) => Decision::Hold {
                because,
                interlock: None,
            },
            (_, Ruled::RollBack) => Decision::RollBack { because },
        };
        Baked {
            heard: panel.heard(),
            troubles: panel.troubles().clone(),
            assessment,
            decision,
            interrupted: false,
            ruled: Some(ruling.ruled),
        }
    }

    /// Lays out how the window stands, when that is due and somebody may want it.
    pub(super) fn lay_out(
        &self,
        telling: &mut Telling,
        panel: &Panel,
        ends: Moment,
        standing: Standing,
    ) {
        let Some(desk) = &self.options.desk else {
            return;
        };
        let began = self.context.clock.now();
        if !telling.is_due(began) {
            return;
        }
        let assessment = panel.assessment();
        let circumstances = Circumstances {
            bake_over: true,
            watched: self.service.policy.bake,
            samples: u64::MAX,
            standing,
            permission: self.options.permission,
        };
        let would = decision::decide(&self.service.policy, &assessment, &circumstances);
        let because = super::record::Decided::from(&would).because;
        desk.outlook.send_replace(Some(Outlook {
            ends,
            verdict: assessment.verdict,
            would: (would.action(), because),
            samples: panel.heard().samples,
        }));
        telling.told(began, self.context.clock.now());
    }

    /// Hears whoever may object to a rollback that nobody ordered, and holds where somebody does.
    pub(super) async fn hear_objections(&self, baked: &mut Baked) {
        let is_due = matches!(baked.decision, Decision::RollBack { .. });
        let counsel = self
            .options
            .desk
            .as_ref()
            .and_then(|desk| desk.counsel.as_ref());
        let Some(counsel) = counsel.filter(|_| is_due && baked.ruled.is_none()) else {
            return;
        };
        if self.options.permission != Permission::Armed {
            return;
        }
        let findings = baked.assessment.findings.iter();
        let failed: Vec<CheckId> = findings
            .filter(|finding| finding.verdict == Verdict::Fail)
            .map(|finding| finding.facts.id.clone())
            .collect();
        if let Some(why) = counsel.objects(&self.service.name, &failed).await {
            baked.decision = hold(&why);
        }
    }
}
