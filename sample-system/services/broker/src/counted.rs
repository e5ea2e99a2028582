//! Counts and times each request of a connection between what reads it and what answers it.

use rama::{Context, Layer, Service};
use tansu_sans_io::Frame;

use crate::codes;
use crate::figures::Figures;

/// Has requests counted.
#[derive(Clone, Debug)]
pub(crate) struct CountedLayer(pub(crate) Figures);

/// Counts the requests that `inner` answers.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    figures: Figures,
    inner: S,
}

impl<S> Layer<S> for CountedLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            figures: self.0.clone(),
            inner,
        }
    }
}

impl<State, S> Service<State, Frame> for Counted<S>
where
    S: Service<State, Frame, Response = Frame>,
    State: Clone + Send + Sync + 'static,
{
    type Response = Frame;
    type Error = S::Error;

    async fn serve(&self, ctx: Context<State>, request: Frame) -> Result<Frame, S::Error> {
        // Whatever was read as a request has a key.
        let counted = self.figures.request(request.api_key().unwrap_or(-1));
        let answer = self.inner.serve(ctx, request).await?;
        counted.answered(codes::of(&answer.body));
        Ok(answer)
    }
}
