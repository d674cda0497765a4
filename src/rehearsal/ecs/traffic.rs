//! Who answers: how many tasks of which revision stand behind a service's address.

/// The running tasks of a service by revision, the newest deployment first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    shares: Vec<(String, usize)>,
}

impl Traffic {
    pub(super) fn new(shares: Vec<(String, usize)>) -> Self {
        Self { shares }
    }

    /// The revisions (`family:n`) and how many tasks of each are running.
    #[must_use]
    pub fn shares(&self) -> &[(String, usize)] {
        &self.shares
    }

    /// The revision with the most running tasks; of two with as many, the newer.
    #[must_use]
    pub fn serving(&self) -> Option<&str> {
        // `max_by_key` keeps the last of equals, and the newest comes first.
        self.shares
            .iter()
            .rev()
            .max_by_key(|(_, tasks)| *tasks)
            .map(|(label, _)| label.as_str())
    }

    /// The revision that answers request `number` when a balancer deals them out in turn.
    #[must_use]
    pub fn answering(&self, number: usize) -> Option<&str> {
        let tasks: usize = self.shares.iter().map(|(_, tasks)| tasks).sum();
        let mut turn = number.checked_rem(tasks)?;
        for (label, tasks) in &self.shares {
            match turn.checked_sub(*tasks) {
                None => return Some(label),
                Some(left) => turn = left,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_dealt_out_by_running_tasks() {
        let traffic = Traffic::new(vec![("api:2".into(), 1), ("api:1".into(), 2)]);
        let answers: Vec<_> = (0..6).filter_map(|n| traffic.answering(n)).collect();
        assert_eq!(
            answers,
            ["api:2", "api:1", "api:1", "api:2", "api:1", "api:1"]
        );
        assert_eq!(traffic.serving(), Some("api:1"));
    }

    #[test]
    fn of_equal_shares_the_newer_serves_and_without_tasks_nobody_does() {
        let even = Traffic::new(vec![("api:2".into(), 1), ("api:1".into(), 1)]);
        assert_eq!(even.serving(), Some("api:2"));
        assert_eq!(Traffic::default().answering(3), None);
    }
}
