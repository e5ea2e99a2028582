//! What the services of the shop share: how one starts, is configured, logs, serves, keeps data
//! and calls its peers. No service's own business is in here.
//!
//! # Layout
//! * [`entry`]: the first thing in each `main`: name lookup, TLS provider, arguments, signals
//! * [`config`]: settings from the environment, all problems at once
//! * [`logs`]: one JSON object a line, with the trace of the request in hand
//! * [`trace_context`]: `traceparent` and `baggage`, passed on unchanged at every hop
//! * [`serve`]: HTTP with readiness, access log, size limit and a bounded graceful shutdown
//! * [`grace`]: what may still go on after a service was asked to stop
//! * [`problem`]: `application/problem+json`, and bodies that answer with it when they are bad
//! * [`objects`]: JSON in which no list is taken for an object
//! * [`page`]: lists that are read page by page
//! * [`database`]: SQLite with one writer, several queued writes in one commit
//! * [`calls`]: what keeps a call from harming either side: breaker, bulkhead, budget of retries
//! * [`http_client`]: calls to other services over HTTP, each with a timeout
//! * [`deadline`]: how long whoever asked still waits, passed on
//! * [`fallback`]: the last good answer, for when there is no new one
//! * [`metrics`]: what a service tells of itself at `/metrics`
//! * [`lease`]: what only one of several processes on one database may do at a time
//! * [`retention`]: deletes what was kept long enough
//! * [`timeouts`]: how long each service waits for the next
//! * [`healthcheck`]: `NAME healthcheck`, the service asking itself
//! * [`messenger`]: what a service tells and hears, wired in one place
//! * [`outbox`]: events written with the change that causes them, published after it
//! * [`event`]: what services tell each other, written and read
//! * [`kafka`]: producer and consumer, headers unchanged
//! * [`consume`], [`inbox`], [`dead_letters`]: the one loop that works on events, each once
//! * [`bugs`]: bugs that are seeded on purpose, in test mode only
//! * [`token`]: who is calling, by tokens that auth signs
//! * [`inventory`]: the generated gRPC client and server of inventory
//! * [`grpc`]: what every gRPC call and every gRPC server has
//! * [`money`], [`sku`], [`card`], [`idempotency`], [`clock`], [`draw`]

pub mod bugs;
pub mod calls;
pub mod card;
pub mod clock;
pub mod config;
pub mod consume;
pub mod database;
pub mod dead_letters;
pub mod deadline;
pub mod draw;
pub mod entry;
pub mod event;
pub mod fallback;
pub mod grace;
pub mod grpc;
pub mod healthcheck;
pub mod http_client;
pub mod idempotency;
pub mod inbox;
pub mod inventory;
pub mod kafka;
pub mod lease;
pub mod logs;
pub mod messenger;
pub mod metrics;
pub mod money;
pub mod objects;
pub mod outbox;
pub mod page;
pub mod problem;
pub mod retention;
pub mod serve;
pub mod sku;
#[cfg(test)]
mod strangers;
pub mod timeouts;
pub mod token;
pub mod trace_context;
