//! How much this node takes on at once: calls in work, and bytes of bodies and answers. What is over
//! a bound is refused before it costs anything, so that memory stays bounded however many call, send
//! slowly or read slowly.
//!
//! A call is in work from its head until its answer is made, but not while its body is on the way:
//! whoever sends slowly takes no place, and asks for one again once the body is there. Bytes count from
//! when they arrive, or were made, until nobody holds them any more. Bodies are refused as they grow,
//! never by their heads: who sends slowly shuts nobody out who sends little. Answers that nobody reads
//! do refuse heads, since what a call will answer is not known before it was in work.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use oubli_domain::{Code, Refusal};

use crate::head;
use crate::problem::Problem;
use crate::state::{Api, Limit, Limits};

/// Bodies and answers up to this size are not counted once they are whole, in bytes. The bound of calls
/// in work bounds such bodies, for a call that was away is asked again before its body counts no more;
/// the bound of connections bounds such answers.
pub(crate) const SMALL: usize = 64 << 10;
/// What is handed to a connection at once, in bytes: it keeps a copy until its reader took it.
const PIECE: usize = 32 << 10;
/// Answers also where no more work is taken: an overloaded process is to be left running.
const ALWAYS: &str = "/health/live";

/// What is being done and held now. It belongs to one process.
#[derive(Debug, Default)]
pub(crate) struct Load {
    working: AtomicUsize,
    /// Bytes of bodies.
    bodies: AtomicUsize,
    /// Bytes of answers.
    answers: AtomicUsize,
}

/// The place of a call in work.
#[derive(Debug)]
struct Place(Arc<Load>);

/// A call that gave its place away until this is dropped or [`Away::back`] is called.
#[derive(Debug)]
pub(crate) struct Away {
    load: Arc<Load>,
    is_back: bool,
}

/// Marks an answer whose bytes are there once, however many answers have them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared;

/// Bytes of a body that are held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    load: Arc<Load>,
    bytes: usize,
}

/// Bytes of an answer that are held until this is dropped.
#[derive(Debug)]
struct Unread {
    load: Arc<Load>,
    bytes: usize,
}

impl Load {
    /// Takes a call into work.
    ///
    /// # Errors
    /// `overloaded`.
    fn admit(self: &Arc<Self>, limits: &Limits) -> Result<Place, Problem> {
        if self.answers.load(Ordering::Relaxed) >= limits.held_bytes.most {
            return Err(full("bytes", limits.held_bytes));
        }
        let place = Place(Arc::clone(self));
        if self.working.fetch_add(1, Ordering::Relaxed) >= limits.requests.most {
            return Err(full("requests", limits.requests));
        }
        Ok(place)
    }

    /// Gives the place of a call away while its body is on the way.
    pub(crate) fn away(self: &Arc<Self>) -> Away {
        self.working.fetch_sub(1, Ordering::Relaxed);
        Away { load: Arc::clone(self), is_back: false }
    }

    /// Nothing of a body held yet.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { load: Arc::clone(self), bytes: 0 }
    }

    /// Holds so many bytes of an answer.
    fn unread(self: &Arc<Self>, bytes: usize) -> Unread {
        self.answers.fetch_add(bytes, Ordering::Relaxed);
        Unread { load: Arc::clone(self), bytes }
    }
}

fn full(unit: &str, most: Limit) -> Problem {
    let told = format!("This node holds at most {}", most.told(unit));
    Refusal::new(Code::Overloaded).detail(told).into()
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Away {
    /// Takes the call into work again. One that is refused has its place for as long as it takes to say
    /// so.
    ///
    /// # Errors
    /// `overloaded`.
    pub(crate) fn back(mut self, limits: &Limits) -> Result<(), Problem> {
        self.is_back = true;
        if self.load.working.fetch_add(1, Ordering::Relaxed) >= limits.requests.most {
            return Err(full("requests", limits.requests));
        }
        Ok(())
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        if !self.is_back {
            // Its caller is gone or refused: the place that is dropped next counts down again.
            self.load.working.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Held {
    /// Holds so many bytes more of a body that arrives. One that is alone is taken up to the bound of
    /// its own.
    ///
    /// # Errors
    /// `overloaded`: what is held is let go when the caller drops this.
    pub(crate) fn grow(&mut self, bytes: usize, limits: &Limits) -> Result<(), Problem> {
        let bodies = self.load.bodies.fetch_add(bytes, Ordering::Relaxed);
        let before = bodies + self.load.answers.load(Ordering::Relaxed);
        let others = before - self.bytes;
        self.bytes += bytes;
        if others > 0 && before + bytes > limits.held_bytes.most {
            return Err(full("bytes", limits.held_bytes));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.bodies.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Unread {
    /// Holds so many bytes, whatever it held before.
    fn set(&mut self, bytes: usize) {
        self.load.answers.fetch_add(bytes, Ordering::Relaxed);
        self.load.answers.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.load.answers.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Refuses a call whose head is over a bound, or that this node cannot take on now, and counts what
/// its answer holds. Wrap the application in it.
///
/// # Errors
/// What the service inside fails with.
pub async fn bounded<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Pieces>>, Error> {
    let Some(api) = request.app_data::<web::Data<Api>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let place = match place(&request, &api) {
        Ok(place) => place,
        // As an answer, so that it is logged and named like others.
        Err(problem) => {
            let refused = request.error_response(problem);
            return Ok(refused.map_body(|_, body| EitherBody::right(Pieces::of(body, None))));
        }
    };
    let answer = next.call(request).await?;
    drop(place);
    let size = match answer.response().body().size() {
        BodySize::Sized(bytes) if bytes > SMALL as u64 => usize::try_from(bytes).unwrap_or(SMALL),
        BodySize::Stream => 0,
        _ => return Ok(answer.map_into_left_body()),
    };
    let is_shared = answer.response().extensions().contains::<Shared>();
    let unread = (!is_shared).then(|| api.load.unread(size));
    Ok(answer.map_body(|_, body| EitherBody::right(Pieces::of(body, unread))))
}

fn place(request: &ServiceRequest, api: &Api) -> Result<Option<Place>, Problem> {
    head::bounded(request.request(), &api.limits)?;
    match api.load.admit(&api.limits) {
        Err(_) if request.path() == ALWAYS => Ok(None),
        admitted => admitted.map(Some),
    }
}

/// The body of a large answer, in pieces that a connection can hold.
#[derive(Debug)]
pub struct Pieces {
    body: BoxBody,
    size: BodySize,
    /// What of the body is made and not handed on.
    rest: web::Bytes,
    /// What it counts for; none where its bytes are shared.
    unread: Option<Unread>,
}

impl Pieces {
    fn of(body: impl MessageBody + 'static, unread: Option<Unread>) -> Self {
        Self { size: body.size(), body: body.boxed(), rest: web::Bytes::new(), unread }
    }
}

impl MessageBody for Pieces {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(context)) {
                Some(Ok(made)) => this.rest = made,
                end => return Poll::Ready(end),
            }
            if let Some(unread) = &mut this.unread {
                unread.set(this.rest.len());
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use actix_web::body::{BodySize, MessageBody};
    use actix_web::web::Bytes;
    use oubli_domain::Code;

    use super::{Load, PIECE, Pieces};
    use crate::state::{Limit, Limits};

    fn limits(requests: usize, held_bytes: usize) -> Limits {
        Limits {
            requests: Limit::fixed(requests),
            held_bytes: Limit::fixed(held_bytes),
            ..Limits::DEFAULT
        }
    }

    #[test]
    fn as_many_as_the_bound_are_in_work() {
        let (load, limits) = (Arc::new(Load::default()), limits(2, 100));
        let first = load.admit(&limits).unwrap();
        let _second = load.admit(&limits).unwrap();
        assert_eq!(load.admit(&limits).unwrap_err().0.code, Code::Overloaded);
        // One whose body is on the way leaves its place to another.
        let away = load.away();
        let third = load.admit(&limits).unwrap();
        assert!(load.admit(&limits).is_err());
        drop((away, third));
        assert!(load.admit(&limits).is_err());
        drop(first);
        assert!(load.admit(&limits).is_ok());
    }

    #[test]
    fn one_who_was_away_asks_for_a_place_again() {
        let (load, limits) = (Arc::new(Load::default()), limits(1, 100));
        let slow = load.admit(&limits).unwrap();
        let away = load.away();
        let other = load.admit(&limits).unwrap();
        assert_eq!(away.back(&limits).unwrap_err().0.code, Code::Overloaded);
        drop((slow, other));
        let _slow = load.admit(&limits).unwrap();
        load.away().back(&limits).unwrap();
        assert!(load.admit(&limits).is_err());
    }

    #[test]
    fn bytes_are_held_up_to_the_bound_or_by_one_alone() {
        let (load, limits) = (Arc::new(Load::default()), limits(9, 100));
        let (mut one, mut other) = (load.hold(), load.hold());
        one.grow(60, &limits).unwrap();
        other.grow(40, &limits).unwrap();
        assert_eq!(one.grow(1, &limits).unwrap_err().0.code, Code::Overloaded);
        // Whoever sends nothing is not shut out.
        assert!(load.admit(&limits).is_ok());
        drop(one);
        other.grow(300, &limits).unwrap();
        drop(other);
        assert_eq!(load.bodies.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn answers_that_nobody_reads_leave_no_room_for_more() {
        let (load, limits) = (Arc::new(Load::default()), limits(9, 100));
        let mut unread = load.unread(100);
        assert_eq!(load.admit(&limits).unwrap_err().0.code, Code::Overloaded);
        assert_eq!(load.hold().grow(1, &limits).unwrap_err().0.code, Code::Overloaded);
        unread.set(99);
        assert!(load.admit(&limits).is_ok());
        load.hold().grow(1, &limits).unwrap();
        drop(unread);
        load.hold().grow(300, &limits).unwrap();
    }

    #[actix_web::test]
    async fn a_large_answer_goes_in_pieces_and_counts_until_it_is_gone() {
        let load = Arc::new(Load::default());
        let whole: Bytes = (0..PIECE * 2 + 5).map(|n| n.to_le_bytes()[0]).collect();
        let mut pieces = Pieces::of(whole.clone(), Some(load.unread(whole.len())));
        assert_eq!(pieces.size(), BodySize::Sized(whole.len() as u64));
        assert_eq!(load.answers.load(Ordering::Relaxed), whole.len());
        let mut sent = Vec::new();
        while let Some(piece) = poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await {
            sent.push(piece.unwrap());
        }
        let lengths: Vec<usize> = sent.iter().map(Bytes::len).collect();
        assert_eq!((lengths, sent.concat()), (vec![PIECE, PIECE, 5], whole.to_vec()));
        drop(pieces);
        assert_eq!(load.answers.load(Ordering::Relaxed), 0);
    }
}
