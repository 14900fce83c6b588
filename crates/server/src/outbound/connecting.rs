//! How long making a connection may take: name, handshake and certificate together. Each request says it for
//! itself, while the connections are shared.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::{BoxError, Layer, Service};

/// How long there may be no connection where nothing is said.
const USUAL: Duration = Duration::from_secs(4);

tokio::task_local! {
    /// Of the request that this task is asking.
    static LIMIT: Duration;
}

/// Runs a request that has to have a connection after `connect`, and always before `total` is over, so that
/// a place where nobody is differs from one that does not answer.
pub async fn within<R>(connect: Option<Duration>, total: Duration, request: impl Future<Output = R>) -> R {
    LIMIT.scope(connect.unwrap_or(USUAL).min(total * 4 / 5), request).await
}

/// Puts the limit around whatever makes connections.
#[derive(Clone, Copy)]
pub struct Limited;

impl<S> Layer<S> for Limited {
    type Service = LimitedConnector<S>;

    fn layer(&self, connector: S) -> LimitedConnector<S> {
        LimitedConnector(connector)
    }
}

#[derive(Clone)]
pub struct LimitedConnector<S>(S);

impl<R, S: Service<R, Error = BoxError, Future: Send + 'static>> Service<R> for LimitedConnector<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        // It is read where the connection is begun, which is in the task of the request; a connection that
        // another request then takes over goes on with the limit of the first.
        let limit = LIMIT.try_with(|limit| *limit).unwrap_or(USUAL);
        let connecting = self.0.call(to);
        Box::pin(async move { tokio::time::timeout(limit, connecting).await? })
    }
}
