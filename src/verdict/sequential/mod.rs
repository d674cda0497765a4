//! The sequential judge: right after every sample. One budget of false rollbacks for the whole
//! window, streams of failures and of slow samples, pooled and per check.
//!
//! The method, in one paragraph: each stream bets against "this service is well"; proof is a
//! wealth that luck gives to at most the stream's share of the budget. Proof past the warning
//! limit warns; together with the gate, which asks whether the evidence points past the critical
//! limit, it condemns. One burst of half a minute is forgiven, since replacing tasks costs a
//! healthy service one.

pub mod before;
pub mod block;
pub mod comparison;
pub mod docket;
pub mod ending;
pub mod eye;
pub mod process;
pub mod regression;
pub mod stream;
