use super::super::lease::{Lease, RUNTIME_API};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The place of a function's process beside its bridge. It is taken once.
pub(super) struct Seat {
    variables: Vec<(String, String)>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Taken,
    Over,
}

impl Seat {
    fn new(variables: Vec<(String, String)>) -> Arc<Seat> {
        Arc::new(Seat { variables, state: watch::Sender::new(State::Free) })
    }

    /// Waits for the process; false if the seat is over.
    pub(super) async fn taken(&self) -> bool {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| *state != State::Free).await;
        state.is_ok_and(|state| *state == State::Taken)
    }

    /// Waits for the end of the process, or of the bridge.
    pub(super) async fn over(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as the seat.
        let _ = state.wait_for(|state| *state == State::Over).await;
    }

    /// Bridge and process are to end.
    pub(super) fn end(&self) {
        self.state.send_replace(State::Over);
    }

    fn take(&self) -> bool {
        self.state.send_if_modified(|state| {
            let is_free = *state == State::Free;
            if is_free {
                *state = State::Taken;
            }
            is_free
        })
    }
}

/// The seats of all functions, by the names of their binaries.
#[derive(Default)]
pub(super) struct Seats(Mutex<HashMap<String, Arc<Row>>>);

/// One function's.
#[derive(Default)]
struct Row {
    last: watch::Sender<Option<Arc<Seat>>>,
    /// Its process has begun once, so that it need not be begun by work for it.
    begun: watch::Sender<bool>,
}

impl Seats {
    /// A new seat for a function, and whether its process was never begun.
    pub(super) fn offer(
        &self,
        binary: &str,
        variables: Vec<(String, String)>,
    ) -> (Arc<Seat>, bool) {
        let row = self.row(binary);
        let seat = Seat::new(variables);
        row.last.send_replace(Some(seat.clone()));
        let is_first = !*row.begun.borrow();
        (seat, is_first)
    }

    /// Takes the function's next free seat.
    pub(super) fn take(&self, binary: &str) -> Pin<Box<dyn Future<Output = Lease> + Send>> {
        let row = self.row(binary);
        row.begun.send_replace(true);
        Box::pin(async move {
            let mut last = row.last.subscribe();
            loop {
                let seat = last.borrow_and_update().clone();
                if let Some(seat) = seat
                    && seat.take()
                {
                    let mut variables = seat.variables.clone();
                    // Work comes from `cargo lambda watch`.
                    variables.retain(|(name, _)| name != RUNTIME_API);
                    let process = Sitting(seat);
                    let over = Box::pin(async move { process.0.over().await });
                    return Lease { variables, over };
                }
                // The sender is in the row.
                let _ = last.changed().await;
            }
        })
    }

    fn row(&self, binary: &str) -> Arc<Row> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.entry(binary.to_owned()).or_default().clone()
    }
}

/// The process is there as long as this is.
struct Sitting(Arc<Seat>);

impl Drop for Sitting {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Vec<(String, String)> {
        vec![("A".into(), name.into()), ("AWS_LAMBDA_RUNTIME_API".into(), "engine's".into())]
    }

    #[tokio::test]
    async fn a_seat_is_taken_once_and_ends_with_its_process() {
        let seats = Seats::default();
        let (first, is_first) = seats.offer("view", named("1"));
        assert!(is_first);
        let lease = seats.take("view").await;
        assert_eq!(lease.variables, [("A".to_owned(), "1".to_owned())]);
        assert!(first.taken().await);
        // The next process waits for the next bridge.
        let mut next = seats.take("view");
        assert!(now(&mut next).is_none());
        drop(lease);
        first.over().await;
        assert!(!first.taken().await);
        let (second, is_first) = seats.offer("view", named("2"));
        assert!(!is_first);
        let lease = next.await;
        assert_eq!(lease.variables, [("A".to_owned(), "2".to_owned())]);
        // The other way round: the process is told when the bridge ends.
        second.end();
        lease.over.await;
    }

    #[tokio::test]
    async fn a_seat_that_is_over_is_not_taken() {
        let seats = Seats::default();
        seats.offer("view", named("1")).0.end();
        let mut process = seats.take("view");
        assert!(now(&mut process).is_none());
        seats.offer("relay", named("2"));
        assert!(now(&mut process).is_none(), "another function's");
        seats.offer("view", named("3"));
        assert_eq!(process.await.variables, [("A".to_owned(), "3".to_owned())]);
    }

    fn now<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
        use std::task::{Context, Poll, Waker};
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
}
