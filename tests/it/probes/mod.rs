//! One file per kind of check: its probe against a real server, and against peers that misbehave.

pub mod cloud;
mod cloudwatch;
mod datadog;
mod dns;
mod ecs;
mod evm;
mod exec;
mod flow;
mod grpc;
mod guards;
mod http;
mod icmp;
mod logs;
mod metrics;
mod mysql;
mod names;
mod postgres;
mod prometheus;
mod reasons;
mod redis;
mod sentry;
pub mod slots;
mod target_health;
mod tcp;
mod tezos;
mod tls;
mod websocket;
