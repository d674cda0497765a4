//! Servers and tools that the tests start: real ones where they exist, our own where a peer must misbehave.

pub mod anvil;
pub mod certificates;
pub mod dnsmasq;
pub mod evm_node;
pub mod http_peer;
pub mod looking;
pub mod mariadb;
pub mod ministack;
pub mod name_server;
pub mod namespace;
pub mod postgres;
pub mod probing;
pub mod prometheus;
pub mod python;
pub mod raw_peer;
pub mod redis;
pub mod reference;
pub mod relay;
pub mod schema;
pub mod scripted_node;
pub mod seeded;
pub mod slow_peer;
pub mod stepwise_peer;
pub mod talk_peer;
pub mod tezos_node;
pub mod tools;
