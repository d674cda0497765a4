//! The lines of a group of CloudWatch Logs. FilterLogEvents shows them by the time that they carry, as
//! many pages as one run may read.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;

use super::counted::Counted;
use crate::aws::access::Access;
use crate::aws::fault::CallFault;
use crate::clock::WallTime;
use crate::expect::Pattern;
use crate::probe::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Phase, Reason};

/// A group whose lines are counted.
#[derive(Debug)]
pub(super) struct LogGroup {
    pub(super) access: Arc<Access>,
    pub(super) group: String,
    pub(super) stream_prefix: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) matches: Option<Pattern>,
    pub(super) since: Option<Duration>,
    pub(super) delay: Duration,
}

/// From when to when lines are asked for, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Times {
    from: i64,
    to: i64,
}

impl LogGroup {
    pub(super) async fn count(
        &self,
        attempt: &mut Attempt,
        may_be_silent: bool,
    ) -> Result<Counted, Fault> {
        attempt.enter(Phase::Ttfb);
        let span = self.span(attempt)?;
        let now = attempt.wall();
        let times = Times {
            from: milliseconds(WallTime::since_unix_epoch(now.unix().saturating_sub(span))),
            to: milliseconds(now),
        };
        let client = Client::new(self.access.config().await?);
        let mut counted = Counted {
            span,
            ..Counted::default()
        };
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .page(&client, times, self.pattern.as_deref(), token)
                .await?;
            for event in page.events() {
                let line = event.message().unwrap_or_default();
                let is_match = self.matches.as_ref().is_none_or(|it| it.is_in(line));
                counted.take(line, is_match);
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        if token.is_some() {
            counted.partial = Some(format!(
                "there are more than {MOST_PAGES} pages; narrow `pattern`, `stream_prefix` or `since`"
            ));
        } else if counted.lines == 0 && !may_be_silent {
            counted.is_silent = self.pattern.is_none() || self.is_silent(&client, times).await?;
        }
        attempt.stop();
        Ok(counted)
    }

    /// Over how long lines are counted; nothing is known yet of a window that has just been opened.
    fn span(&self, attempt: &Attempt) -> Result<Duration, Fault> {
        let window = attempt
            .window_since()
            .map(|since| attempt.now().since(since));
        let span = self.since.or(window).unwrap_or(USUAL_SPAN);
        if span <= self.delay {
            let (span, delay) = (human(span), human(self.delay));
            let detail = format!(
                "the window is {span} old, and lines may come {delay} late: nothing can be there yet"
            );
            return Err(Fault::new(Reason::NoData, detail));
        }
        Ok(span)
    }

    /// Whether no line at all was written, whatever is looked for.
    async fn is_silent(&self, client: &Client, times: Times) -> Result<bool, Fault> {
        let mut token = None;
        // Pages may be empty and go on all the same.
        for _ in 0..MOST_EMPTY_PAGES {
            let page = self.page(client, times, None, token).await?;
            if !page.events().is_empty() {
                return Ok(false);
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(true)
    }

    async fn page(
        &self,
        client: &Client,
        times: Times,
        pattern: Option<&str>,
        token: Option<String>,
    ) -> Result<FilterLogEventsOutput, Fault> {
        let call = client
            .filter_log_events()
            .set_log_stream_name_prefix(self.stream_prefix.clone())
            .set_filter_pattern(pattern.map(str::to_owned))
            .start_time(times.from)
            .end_time(times.to)
            .set_next_token(token);
        let call = match self.group.starts_with("arn:") {
            true => call.log_group_identifier(&self.group),
            false => call.log_group_name(&self.group),
        };
        let answer = call.send().await;
        answer.map_err(|error| CallFault::of("logs:FilterLogEvents", &error).of_a_check())
    }
}

fn milliseconds(time: WallTime) -> i64 {
    i64::try_from(time.unix().as_millis()).unwrap_or(i64::MAX)
}

/// Where no window says since when.
const USUAL_SPAN: Duration = Duration::from_secs(300);
/// Up to ten thousand lines, or a megabyte, each: what one run may read.
const MOST_PAGES: usize = 30;
const MOST_EMPTY_PAGES: usize = 5;
