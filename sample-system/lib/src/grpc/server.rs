//! A layer for gRPC servers: counts each request under its method, lets as many be worked on at
//! once as the [`Queue`] allows, and begins nothing whose caller has stopped waiting. A handler
//! finds the [`Deadline`] in its request's extensions, and a trace in its metadata: a new one where
//! the caller sent none. On a connection of [`crate::serve::incoming`] it is noted as in hand until its
//! answer begins.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::{Code, Status};
use tower::{Layer, Service, ServiceExt};

use super::code;
use crate::deadline::Deadline;
use crate::draw::Draw;
use crate::metrics::{Metrics, Protocol, Served};
use crate::serve::Pace;
use crate::serve::queue::{NoTurn, Queue, QueueLimits};
use crate::trace_context::TraceContext;

/// Counts and limits what a gRPC server does.
#[derive(Debug, Clone)]
pub struct Admission {
    served: Served,
    queue: Queue,
    draw: Draw,
}

impl Admission {
    /// Counts in `metrics`, within `limits`.
    pub fn new(metrics: &Metrics, limits: QueueLimits) -> Self {
        Self {
            served: metrics.served(Protocol::Grpc),
            queue: Queue::new(limits),
            draw: Draw::system(),
        }
    }
}

impl<S> Layer<S> for Admission {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted {
            inner,
            admission: self.clone(),
        }
    }
}

/// A service behind an [`Admission`].
#[derive(Debug, Clone)]
pub struct Admitted<S> {
    inner: S,
    admission: Admission,
}

impl<S, B, R> Service<http::Request<B>> for Admitted<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = http::Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let (inner, admission) = (self.inner.clone(), self.admission.clone());
        let deadline = Deadline::from_grpc(request.headers());
        request.extensions_mut().insert(deadline);
        let trace = TraceContext::from_headers(request.headers()).or_drawn(&admission.draw);
        trace.write_headers(request.headers_mut());
        let in_hand = request.extensions().get::<Pace>().map(Pace::begin);
        Box::pin(async move {
            let _in_hand = in_hand;
            let Admission { served, queue, .. } = admission;
            let mut counted = served.began(request.uri().path(), "RPC");
            let refused = |why| {
                let status = match why {
                    NoTurn::Full => {
                        served.shed();
                        Status::unavailable("too much is waiting: come back in a second")
                    }
                    NoTurn::Late => {
                        served.late();
                        Status::deadline_exceeded("nobody waited any more before it began")
                    }
                };
                status.into_http()
            };
            let result = match queue.turn(deadline).await {
                Ok(_turn) => inner.oneshot(request).await,
                Err(why) => Ok(refused(why)),
            };
            let code = result
                .as_ref()
                .map_or(Code::Internal, |answer| code(answer.headers()));
            if code == Code::Unimplemented {
                // A method that nobody serves was named by whoever called.
                counted.unmatched();
            }
            // Codes are 0 to 16.
            counted.answered(u16::try_from(i32::from(code)).unwrap_or_default());
            result
        })
    }
}
