use super::at::{function, publishes, writes};
use super::mishap::{Certain, choices};
use super::told::{Counts, Told, tell, tell_mishap};
use super::{At, Befallen, Faults, Injected, Invocation, Mishap, Mishaps, Plan, Point, Request};
use crate::engine::InvocationId;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// A try beyond this one is left alone: a message that is received five times before it is a dead letter has three
/// tries without faults.
const LAST_STRUCK: u32 = 2;

/// Invocations whose try is remembered: those that were killed never say that they are over.
const REMEMBERED: usize = 4_096;

/// The longest that a test waits for a fault to strike, in wall time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does what a [`Plan`] says, and single faults beside it; counts what struck, and tells of it.
pub struct Injector {
    plan: Plan,
    inner: Mutex<Inner>,
    told: broadcast::Sender<Told>,
}

struct Inner {
    on: bool,
    /// The engine has crashed by a fault: from then on nobody is answered.
    crashed: bool,
    /// How often each place was passed.
    passed: HashMap<String, u64>,
    /// The how manieth try an invocation is.
    tries: BTreeMap<InvocationId, u32>,
    meant: Vec<Meant>,
    last: u64,
    mishaps: Option<Arc<Mishaps>>,
    counts: Counts,
}

/// A single fault that is to strike.
struct Meant {
    id: u64,
    at: At,
    what: Injected,
    left: watch::Sender<u32>,
}

/// Whether a single fault has struck.
#[derive(Debug)]
pub struct Hit {
    at: At,
    left: watch::Receiver<u32>,
}

impl Injector {
    /// What this plan says, from the first thing on.
    pub fn new(plan: Plan) -> Arc<Injector> {
        let inner = Inner {
            on: true,
            crashed: false,
            passed: HashMap::new(),
            tries: BTreeMap::new(),
            meant: vec![],
            last: 0,
            mishaps: None,
            counts: Counts::default(),
        };
        let injector =
            Injector { plan, inner: Mutex::new(inner), told: broadcast::channel(1_024).0 };
        injector.renew(&mut injector.inner());
        Arc::new(injector)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Nothing strikes any more, at random or meant.
    pub fn stop(&self) {
        let mut inner = self.inner();
        inner.on = false;
        inner.meant.clear();
        self.renew(&mut inner);
    }

    /// The plan goes on after [`Injector::stop`].
    pub fn resume(&self) {
        let mut inner = self.inner();
        inner.on = true;
        self.renew(&mut inner);
    }

    /// Whether anything may strike.
    pub fn is_on(&self) -> bool {
        self.inner().on
    }

    /// How many faults of which kind have struck.
    pub fn counts(&self) -> Counts {
        self.inner().counts.clone()
    }

    /// What strikes from now on.
    pub fn follow(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }

    /// Strikes what passes this place next, once. Which fault does what where, [`Point`] says.
    pub fn once(&self, at: At, what: Injected) -> Hit {
        self.times(1, at, what)
    }

    /// Strikes the next `times` that pass this place.
    pub fn times(&self, times: u32, at: At, what: Injected) -> Hit {
        let (left, seen) = watch::channel(times);
        let mut inner = self.inner();
        inner.last += 1;
        let id = inner.last;
        inner.meant.push(Meant { id, at: at.clone(), what, left });
        self.renew(&mut inner);
        Hit { at, left: seen }
    }

    /// The engine that a fault has crashed is gone; another one may begin.
    pub(crate) fn begin_again(&self) {
        self.inner().crashed = false;
    }

    /// Mishaps as decisions get them.
    fn renew(&self, inner: &mut Inner) {
        let certain: Vec<Certain> = inner.meant.iter().filter_map(Meant::certain).collect();
        let plan = &self.plan;
        let random = inner.on && (plan.duplicate > 0 || plan.delay > 0);
        let chance = |chance| if inner.on { chance } else { 0 };
        inner.mishaps = (random || !certain.is_empty()).then(|| {
            Arc::new(Mishaps {
                seed: plan.seed,
                duplicates: chance(plan.duplicate),
                delays: chance(plan.delay),
                longest: plan.longest,
                only: Arc::new(plan.only.clone()),
                certain,
            })
        });
    }

    /// A single fault that is meant for this point, if there is one.
    fn meant(&self, inner: &mut Inner, point: &Point<'_>) -> Option<Injected> {
        let found = inner.meant.iter().position(|m| m.at.is(point))?;
        let what = inner.meant[found].what;
        // What cannot happen there has not struck.
        tell(point, what)?;
        self.has_struck(inner, found);
        Some(what)
    }

    fn has_struck(&self, inner: &mut Inner, meant: usize) {
        let mut left = 0;
        inner.meant[meant].left.send_modify(|n| {
            *n -= 1;
            left = *n;
        });
        if left == 0 {
            inner.meant.remove(meant);
        }
    }

    fn at_random(&self, inner: &mut Inner, point: &Point<'_>) -> Option<Injected> {
        let plan = &self.plan;
        let kill = |chance| (chance, Injected::Kill);
        match point {
            Point::Request(request) => {
                let write = if writes(request) { plan.kill_before_write } else { 0 };
                let chances =
                    [(plan.throttle, Injected::Throttle), (plan.fail, Injected::Fail), kill(write)];
                self.roll_request(inner, "request", request, &chances)
            }
            Point::Answer(request) => {
                let write = if writes(request) { plan.kill_after_write } else { 0 };
                let publish = if publishes(request) { plan.kill_after_publish } else { 0 };
                let chances = [(plan.lose, Injected::Lose), kill(write + publish)];
                self.roll_request(inner, "answer", request, &chances)
            }
            Point::Invocation(invocation) => {
                let wait = (plan.wait, Injected::Delay(plan.longest_wait));
                self.roll(inner, "invocation", invocation, &[wait, kill(plan.kill_at_start)])
            }
            Point::Response(invocation) => {
                self.roll(inner, "response", invocation, &[kill(plan.kill_before_answer)])
            }
            Point::Commit(_) | Point::Committed(_) => None,
        }
    }

    /// Only what a function asks during one of its first tries.
    fn roll_request(
        &self,
        inner: &mut Inner,
        place: &str,
        request: &Request<'_>,
        chances: &[(u32, Injected)],
    ) -> Option<Injected> {
        let function = function(request.caller)?;
        let attempt = *inner.tries.get(&request.invocation?)?;
        self.choose(inner, attempt, [place, function, request.action], chances)
    }

    fn roll(
        &self,
        inner: &mut Inner,
        place: &str,
        invocation: &Invocation<'_>,
        chances: &[(u32, Injected)],
    ) -> Option<Injected> {
        self.choose(inner, invocation.attempt, [place, invocation.function, ""], chances)
    }

    /// One of these, or nothing, as seed, place, and how often it was passed have it.
    fn choose(
        &self,
        inner: &mut Inner,
        attempt: u32,
        place: [&str; 3],
        chances: &[(u32, Injected)],
    ) -> Option<Injected> {
        let is_meant = self.plan.only.is_empty() || self.plan.only.contains(place[1]);
        if attempt > LAST_STRUCK || !is_meant || chances.iter().all(|(chance, _)| *chance == 0) {
            return None;
        }
        let passed = inner.passed.entry(place.join(" ")).or_default();
        let nth = *passed;
        *passed += 1;
        let mut choices = choices(self.plan.seed, &place, nth);
        let mut drawn = choices.below(1_000_000);
        for (chance, what) in chances {
            if drawn < u64::from(*chance) {
                return Some(match what {
                    Injected::Delay(longest) => {
                        let most = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
                        Injected::Delay(Duration::from_millis(choices.below(most) + 1))
                    }
                    what => *what,
                });
            }
            drawn -= u64::from(*chance);
        }
        None
    }

    fn count(&self, inner: &mut Inner, told: Told) {
        *inner.counts.0.entry(told.kind).or_default() += 1;
        // Nobody may be listening.
        let _ = self.told.send(told);
    }

    /// A panic elsewhere leaves it whole: each change is one call.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults for Injector {
    fn strike(&self, point: Point<'_>) -> Option<Injected> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        match point {
            Point::Request(_) | Point::Answer(_) if inner.crashed => return Some(Injected::Lose),
            Point::Commit(_) | Point::Committed(_) if inner.crashed => {
                return Some(Injected::Crash);
            }
            Point::Invocation(Invocation { id, attempt, .. }) => {
                inner.tries.insert(id, attempt);
                if inner.tries.len() > REMEMBERED {
                    inner.tries.pop_first();
                }
            }
            Point::Response(Invocation { id, .. }) => drop(inner.tries.remove(&id)),
            _ => {}
        }
        let what = match self.meant(inner, &point) {
            Some(what) => what,
            None if inner.on => self.at_random(inner, &point)?,
            None => return None,
        };
        inner.crashed |= what == Injected::Crash;
        self.count(inner, tell(&point, what)?);
        Some(what)
    }

    fn mishaps(&self) -> Option<Arc<Mishaps>> {
        self.inner().mishaps.clone()
    }

    fn befell(&self, what: Vec<Mishap>) {
        let mut inner = self.inner();
        for mishap in what {
            tell_mishap(&mishap).for_each(|told| self.count(&mut inner, told));
            let of = |m: &Meant| Some(m.id) == mishap.certain;
            if let Some(found) = inner.meant.iter().position(of) {
                self.has_struck(&mut inner, found);
            }
        }
        self.renew(&mut inner);
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Injector({})", self.plan)
    }
}

impl Meant {
    /// As decisions get it, where it is meant for a message.
    fn certain(&self) -> Option<Certain> {
        let queue = self.at.queue()?.map(Into::into);
        let what = match self.what {
            Injected::Duplicate(by) => Befallen { copy: Some(by), delay: None },
            Injected::Delay(by) => Befallen { copy: None, delay: Some(by) },
            _ => return None,
        };
        Some(Certain { id: self.id, queue, what })
    }
}

impl Hit {
    /// Whether it has struck as often as it was meant to.
    pub fn has_struck(&self) -> bool {
        *self.left.borrow() == 0
    }

    /// Waits until it has struck as often as it was meant to.
    ///
    /// # Panics
    /// If nothing has passed there for a minute, or the faults were stopped.
    pub async fn hit(&mut self) {
        let waited = tokio::time::timeout(PATIENCE, self.left.wait_for(|left| *left == 0)).await;
        let struck = matches!(waited, Ok(Ok(_)));
        assert!(struck, "no fault has struck at {}", self.at);
    }
}
