//! Bodies that take part in what a connection does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use suture_core::Clock;
use suture_core::clock::Sleep;

use super::activity::Serving;

/// What a client sends: it must be there in time.
pub(super) struct InTime {
    body: Body,
    limit: Duration,
    until: Sleep,
}

impl InTime {
    pub fn new(body: Body, clock: &Arc<dyn Clock>, limit: Duration) -> Self {
        Self { body, limit, until: clock.sleep(limit) }
    }
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        std::task::ready!(self.until.as_mut().poll(context));
        let message = format!("the body took longer than {} s", self.limit.as_secs());
        Poll::Ready(Some(Err(axum::Error::new(message))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

/// An answer: until it ends, the connection is served.
pub(super) struct Answer {
    pub body: Body,
    pub serving: Option<Serving>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.serving = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
