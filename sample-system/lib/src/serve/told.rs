//! Connections as they are let in: each tells where it came from, has a place among those of its
//! address and an end when nothing comes of it, and a refusal on it has a body.

use std::io;
use std::net::SocketAddr;

use axum::serve::Listener;
use futures_util::Stream;

use super::Serving;
use super::crowd::Pace;
use super::patient::Patient;
use super::unread::Worded;
use crate::metrics::Protocol;

/// Where a connection came from; found in requests as `ConnectInfo<Remote>`.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The address.
    pub address: SocketAddr,
    pub(super) pace: Pace,
}

/// A listener whose connections are told of and limited.
pub(super) struct Told<L> {
    listener: L,
    serving: Serving,
}

impl<L> Told<L> {
    /// Connections of `listener`, as `serving` says.
    pub(super) fn new(listener: L, serving: Serving) -> Self {
        Self { listener, serving }
    }

    fn ended(&self, why: &str) {
        let labels = vec![("why", why.to_owned())];
        self.serving.ended.get_or_create(&labels).inc();
    }
}

impl<L: Listener<Addr = SocketAddr>> Told<L> {
    async fn next(&mut self) -> (Patient<L::Io>, SocketAddr) {
        loop {
            let (stream, from) = self.listener.accept().await;
            let Some((place, _)) = self.serving.crowd.enter(from.ip()) else {
                self.ended("refused");
                tracing::debug!(%from, "refused a connection: its address has too many");
                continue;
            };
            let Serving {
                patience, ended, ..
            } = &self.serving;
            let stream = Patient::new(stream, place, *patience, ended.clone());
            return (stream, from);
        }
    }

    /// The connections as a stream.
    pub(super) fn incoming(self) -> impl Stream<Item = io::Result<Patient<L::Io>>> {
        futures_util::stream::unfold(self, async |mut told| {
            let (stream, _) = told.next().await;
            Some((Ok(stream), told))
        })
    }
}

impl<L: Listener<Addr = SocketAddr>> Listener for Told<L> {
    type Io = Worded<Patient<L::Io>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, from) = self.next().await;
        let Serving { draw, metrics, .. } = &self.serving;
        let served = metrics.served(Protocol::Http);
        (Worded::new(stream, draw.clone(), served), from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
