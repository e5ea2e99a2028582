//! Calls over gRPC: each within its peer's timeout and its caller's deadline, which the peer is
//! told of, and through the peer's [`Guard`]. None is retried.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::code;
use crate::calls::{Guard, Insists, NotSent, Outcome};
use crate::deadline::{self, Deadline, GRPC_TIMEOUT};

/// A channel whose calls pass a guard.
#[derive(Debug, Clone)]
pub struct Guarded {
    channel: Channel,
    guard: Guard,
    timeout: Duration,
}

impl Guarded {
    /// `channel`, each call on it given `timeout`.
    pub fn new(channel: Channel, guard: Guard, timeout: Duration) -> Self {
        Self {
            channel,
            guard,
            timeout,
        }
    }
}

/// `request`, ended at `deadline` where that is before its peer's own time is up.
pub fn before<T>(mut request: tonic::Request<T>, deadline: Deadline) -> tonic::Request<T> {
    request.extensions_mut().insert(deadline);
    request
}

/// `request`, marked as one that is repeated until it succeeds: its breaker does not count that the
/// peer fails at it.
pub fn insisting<T>(mut request: tonic::Request<T>) -> tonic::Request<T> {
    request.extensions_mut().insert(Insists);
    request
}

/// Whether `status` is the peer's own answer that it failed at what it was asked; not that it cannot
/// be reached, has too much to do, or took too long.
pub fn failed_at_it(status: &Status) -> bool {
    // What the client found out by itself has a cause.
    status.source().is_none()
        && !matches!(
            status.code(),
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled
        )
}

/// Whether the call that answered `status` never reached its peer: it did not leave, no connection
/// was made, the one that was there ended before the call was begun on it, or the peer said that it
/// did not look at the call.
pub fn never_arrived(status: &Status) -> bool {
    let unsent = |error: &(dyn Error + 'static)| {
        let http = error.downcast_ref::<hyper::Error>();
        // Of a client this is said of requests alone that it had not begun to send.
        http.is_some_and(hyper::Error::is_canceled)
            || error.is::<tonic::ConnectError>()
            || error.is::<NotSent>()
            || error.downcast_ref().is_some_and(unprocessed)
    };
    causes(status).any(unsent)
}

/// Whether a peer that speaks HTTP/2 said that it did not process a request: it ends the connection
/// (GOAWAY) and names one that came before as the last, or refuses just this one. That either may be
/// sent again, whatever it asks for, is RFC 9113, section 8.7. A peer that is asked to stop says so
/// of what was on its way.
fn unprocessed(error: &h2::Error) -> bool {
    let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
    // A request that is not beyond the last one goes on, and ends in another way where it breaks.
    error.is_remote() && (error.is_go_away() || error.is_reset() && refused)
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<E>())
}

/// What caused `error`, the nearest first.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&'e (dyn Error + 'static)| {
        (*cause).source()
    })
}

impl Service<http::Request<Body>> for Guarded {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Whether a call may leave is asked with the call, when its deadline is known.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self {
            channel,
            guard,
            timeout,
        } = self.clone();
        Box::pin(send(channel, guard, timeout, request))
    }
}

async fn send(
    mut channel: Channel,
    guard: Guard,
    timeout: Duration,
    mut request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let asked = request.extensions().get::<Deadline>();
    let insists = request.extensions().get::<Insists>().is_some();
    let own = Deadline::within(timeout);
    let within = own.earlier(asked.copied().unwrap_or_default());
    let pass = guard.enter(within).map_err(kept_back)?;
    let left = within.left().unwrap_or(timeout);
    let told = format!("{}m", deadline::milliseconds(left));
    if let Ok(told) = HeaderValue::try_from(told) {
        request.headers_mut().insert(GRPC_TIMEOUT, told);
    }
    let answered = tokio::time::timeout(left, async { channel.ready().await?.call(request).await });
    let in_time = match answered.await {
        // The channel reads the header too, and may be the first to notice.
        Ok(Err(error)) if caused_by::<tonic::TimeoutExpired>(&error) => None,
        Ok(result) => Some(result.map_err(|error| Status::from_error(Box::new(error)))),
        Err(_elapsed) => None,
    };
    let too_long = if within == own {
        Outcome::TimedOut
    } else {
        Outcome::GivenUp
    };
    let Some(result) = in_time else {
        pass.ended(too_long);
        return Err(Status::deadline_exceeded("no answer in time"));
    };
    pass.ended(match &result {
        Ok(answer) => match outcome(code(answer.headers()), too_long) {
            Outcome::Failed if insists => Outcome::FailedAtIt,
            outcome => outcome,
        },
        Err(status) if never_arrived(status) => Outcome::Refused,
        Err(_) => Outcome::Broken,
    });
    result
}

/// What an answer's code says of the peer, which may have been the first to notice that it took
/// `too_long`. One that refuses what was asked works.
fn outcome(code: Code, too_long: Outcome) -> Outcome {
    match code {
        Code::Unavailable | Code::ResourceExhausted => Outcome::Unavailable,
        Code::Internal | Code::Unknown | Code::DataLoss => Outcome::Failed,
        Code::DeadlineExceeded | Code::Cancelled => too_long,
        _ => Outcome::Answered,
    }
}

/// The status of a call that did not leave.
fn kept_back(why: NotSent) -> Status {
    let code = match why {
        NotSent::Open(_) => Code::Unavailable,
        NotSent::Full(_) => Code::ResourceExhausted,
        NotSent::Late(_) => Code::DeadlineExceeded,
    };
    let mut status = Status::new(code, why.to_string());
    status.set_source(Arc::new(why));
    status
}
