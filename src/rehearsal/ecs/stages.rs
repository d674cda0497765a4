//! The stages of a deployment, and the script that a strategy makes of them.

use std::time::Duration;

use super::conduct::{Conduct, PauseHook, Strategy};
use super::settings::Settings;

/// A stage of the lifecycle, as ECS names it. Rolling deployments show none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    /// All, in the order in which they come.
    pub(super) const ALL: [Self; 11] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::ScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::PreProductionTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
        Self::BakeTime,
        Self::CleanUp,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether a PAUSE hook may stand here.
    pub(super) const fn takes_pauses(self) -> bool {
        match self {
            Self::ReconcileService
            | Self::PreScaleUp
            | Self::PostScaleUp
            | Self::PostTestTrafficShift
            | Self::PreProductionTrafficShift
            | Self::PostProductionTrafficShift => true,
            Self::ScaleUp
            | Self::TestTrafficShift
            | Self::ProductionTrafficShift
            | Self::BakeTime
            | Self::CleanUp => false,
        }
    }
}

/// A part of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) stage: Stage,
    pub(super) movement: Movement,
    pub(super) span: Duration,
    /// What waits for an answer before it begins.
    pub(super) pauses: Vec<PauseHook>,
}

/// What happens to tasks and traffic in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Movement {
    /// Nothing yet: the deployment is PENDING.
    Pend,
    /// Nothing: a stage for hooks.
    Wait,
    /// New tasks replace old ones.
    Replace,
    /// New tasks start beside the old ones.
    Raise,
    /// So many thousandths of the traffic go to the new tasks.
    Weigh(u32),
    /// All is done but the watching; when rolling, the old deployment is gone from the list.
    Bake,
    /// The old tasks stop.
    Retire,
}

/// The steps of a deployment; `reconciles` when more than one revision ran before it, `watches`
/// when alarms take part.
pub(super) fn script(
    conduct: &Conduct,
    settings: &Settings,
    reconciles: bool,
    watches: bool,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |stage: Stage, movement, span| {
        let waits = |hook: &&PauseHook| movement != Movement::Pend && hook.stages.contains(&stage);
        steps.push(Step {
            stage,
            movement,
            span,
            pauses: conduct.hooks.iter().filter(waits).cloned().collect(),
        });
    };
    add(Stage::PreScaleUp, Movement::Pend, settings.pending);
    if reconciles {
        add(Stage::ReconcileService, Movement::Wait, Duration::ZERO);
    }
    add(Stage::PreScaleUp, Movement::Wait, Duration::ZERO);
    if conduct.strategy == Strategy::Rolling {
        add(Stage::ScaleUp, Movement::Replace, settings.rollout);
        add(Stage::PostScaleUp, Movement::Wait, Duration::ZERO);
        if watches {
            let bake = conduct.bake.unwrap_or(settings.alarm_bake);
            add(Stage::BakeTime, Movement::Bake, bake);
        }
        return steps;
    }
    add(Stage::ScaleUp, Movement::Raise, settings.rollout);
    add(Stage::PostScaleUp, Movement::Wait, Duration::ZERO);
    add(Stage::TestTrafficShift, Movement::Wait, settings.shift);
    add(Stage::PostTestTrafficShift, Movement::Wait, Duration::ZERO);
    for (share, wait) in weights(conduct.strategy) {
        add(
            Stage::PreProductionTrafficShift,
            Movement::Wait,
            Duration::ZERO,
        );
        let span = settings.shift + wait;
        add(Stage::ProductionTrafficShift, Movement::Weigh(share), span);
    }
    add(
        Stage::PostProductionTrafficShift,
        Movement::Bake,
        Duration::ZERO,
    );
    add(
        Stage::BakeTime,
        Movement::Bake,
        conduct.bake.unwrap_or_default(),
    );
    add(Stage::CleanUp, Movement::Retire, settings.shift);
    steps
}

/// How the traffic moves over, in thousandths, and how long each step is kept.
fn weights(strategy: Strategy) -> Vec<(u32, Duration)> {
    match strategy {
        Strategy::Rolling => Vec::new(),
        Strategy::BlueGreen => vec![(WHOLE, Duration::ZERO)],
        Strategy::Canary { first, wait } => vec![(first, wait), (WHOLE, Duration::ZERO)],
        Strategy::Linear { step, wait } => {
            let mut weights = Vec::new();
            let mut reached = step;
            while reached < WHOLE {
                weights.push((reached, wait));
                reached += step;
            }
            weights.push((WHOLE, Duration::ZERO));
            weights
        }
    }
}

/// All of the traffic, in thousandths.
pub(super) const WHOLE: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stages(configuration: &serde_json::Value, reconciles: bool) -> Vec<&'static str> {
        let conduct = Conduct::read(configuration).unwrap();
        script(&conduct, &Settings::default(), reconciles, false)
            .into_iter()
            .filter(|step| step.movement != Movement::Pend)
            .map(|step| step.stage.name())
            .collect()
    }

    #[test]
    fn blue_green_goes_through_every_stage_in_order() {
        let all: Vec<_> = Stage::ALL.into_iter().map(Stage::name).collect();
        assert_eq!(stages(&json!({ "strategy": "BLUE_GREEN" }), true), all);
        assert_eq!(
            stages(&json!({ "strategy": "BLUE_GREEN" }), false),
            all[1..]
        );
    }

    #[test]
    fn linear_and_canary_shift_the_traffic_in_steps() {
        let linear = Strategy::Linear {
            step: 400,
            wait: Duration::from_mins(1),
        };
        let shares: Vec<u32> = weights(linear)
            .into_iter()
            .map(|(share, _)| share)
            .collect();
        assert_eq!(shares, [400, 800, 1000]);
        let canary = stages(&json!({ "strategy": "CANARY" }), false);
        let shifts = canary
            .iter()
            .filter(|name| **name == "PRODUCTION_TRAFFIC_SHIFT");
        assert_eq!(shifts.count(), 2);
    }
}
