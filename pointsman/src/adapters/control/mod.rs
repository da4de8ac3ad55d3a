//! What `pointsman`'s own commands ask of a running engine, under `/_pointsman/` beside AWS's services.
//!
//! - [`Control`]: answers the requests
//! - [`Line`]: one line of `tail`; [`LogView`]: one of `logs`; [`trace`]: what followed from a request

mod clock;
mod environment;
mod faults;
mod follow;
mod line;
mod lines;
mod logs;
mod map;
mod queues;
mod rest;
mod routes;
mod tail;
mod token;
pub mod trace;

pub(crate) use rest::unread;

pub use clock::{MoveTime, Moved, Next, Shown};
pub use faults::{FaultsShown, SwitchFaults};
pub use line::{Again, Line, Target, What, Why};
pub use logs::{LogKind, LogView};
pub use map::{Map, MapApi, MapFunction, MapRule, MapSchedule};
pub use queues::{MessageView, QueueView, Reason};
pub use routes::Control;
pub use token::Claims;
