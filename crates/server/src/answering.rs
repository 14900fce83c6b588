//! Room on the heap for what answers a request, which the next request uses again.
//!
//! All that a request may wait for takes some thousand bytes, and the allocator has none of that size at hand. So a
//! thread keeps some of the rooms that requests have left. A connection has one only while it is asked something.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use tokio_util::sync::ReusableBoxFuture;

/// So many rooms a thread keeps.
const MOST: usize = 64;

type Answered = Result<Response, Infallible>;
type Room = ReusableBoxFuture<'static, Answered>;

thread_local! {
    static KEPT: RefCell<Vec<Room>> = const { RefCell::new(Vec::new()) };
}

/// A request that is being answered, in a room of its own.
pub struct Answering(Option<Room>);

impl Answering {
    /// Finds a room for it.
    pub fn new(answering: impl Future<Output = Answered> + Send + 'static) -> Self {
        // A thread that ends has none.
        let kept = KEPT.try_with(|kept| kept.borrow_mut().pop()).ok().flatten();
        Self(Some(match kept {
            Some(mut room) => {
                room.set(answering);
                room
            }
            None => Room::new(answering),
        }))
    }
}

impl Future for Answering {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        let room = self.0.as_mut().expect("nobody asks again once it is answered");
        let answered = ready!(room.poll(context));
        // Nothing is left in it: what has been answered has dropped all that it held.
        let room = self.0.take();
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MOST {
                kept.extend(room);
            }
        });
        Poll::Ready(answered)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::web::answer;

    fn kept() -> usize {
        KEPT.with(|kept| kept.borrow().len())
    }

    async fn answering(status: u16, held: Arc<()>) -> Answered {
        tokio::task::yield_now().await;
        let response = answer::empty(status);
        drop(held);
        Ok(response)
    }

    #[tokio::test]
    async fn a_room_is_used_again_and_nothing_is_left_in_it() {
        let held = Arc::new(());
        for status in [200, 204] {
            let answered = Answering::new(answering(status, Arc::clone(&held)));
            assert_eq!(kept(), 0);
            let response = answered.await.expect("it never fails");
            assert_eq!((response.status().as_u16(), kept(), Arc::strong_count(&held)), (status, 1, 1));
        }
        drop(Answering::new(answering(200, Arc::clone(&held))));
        assert_eq!((kept(), Arc::strong_count(&held)), (0, 1), "what was broken off leaves none");
        let all: Vec<_> = (0..2 * MOST).map(|_| Answering::new(answering(200, Arc::clone(&held)))).collect();
        for answering in all {
            answering.await.expect("it never fails");
        }
        assert_eq!((kept(), Arc::strong_count(&held)), (MOST, 1));
    }
}
