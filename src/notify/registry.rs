//! The list of channels: one line each. Everything that walks the channels walks this list.

use std::sync::Arc;

use serde::Deserializer;

use super::{Channel, Misfit, Notifier};

/// What can be said of a channel without an instance.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The key under which the user declares it.
    pub name: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// The JSON Schema of its settings.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// What settings make, or those among them that cannot work.
pub type Made = Result<Arc<dyn Notifier>, Vec<Misfit>>;

macro_rules! channels {
    ($($channel:ty),* $(,)?) => {
        /// Every channel.
        pub const CHANNELS: &[Entry] = &[$(Entry {
            name: <$channel as Channel>::NAME,
            summary: <$channel as Channel>::SUMMARY,
            schema: |generator| generator.subschema_for::<<$channel as Channel>::Settings>(),
        }),*];

        /// Reads the settings of the channel called `name` and makes its notifier; `None` when there is
        /// no such channel.
        ///
        /// # Errors
        /// The outer error is the deserializer's; the inner one lists settings that cannot work.
        pub fn build<'de, D: Deserializer<'de>>(
            name: &str,
            settings: D,
        ) -> Option<Result<Made, D::Error>> {
            match name {
                $(<$channel as Channel>::NAME => Some(
                    <<$channel as Channel>::Settings as serde::Deserialize>::deserialize(settings)
                        .map(<$channel as Channel>::notifier),
                ),)*
                _ => None,
            }
        }
    };
}

channels![
    super::slack::Slack,
    super::pagerduty::PagerDuty,
    super::webhook::Webhook,
];
