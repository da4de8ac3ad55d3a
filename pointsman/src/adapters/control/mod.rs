//! What `pointsman`'s own commands ask of a running engine, under `/_pointsman/` beside AWS's services.
//!
//! - [`Control`]: answers the requests
//! - [`Line`]: one line of `tail`

mod clock;
mod faults;
mod follow;
mod line;
mod map;
mod rest;
mod routes;
mod tail;
mod token;

pub(crate) use rest::unread;

pub use clock::{MoveTime, Moved, Next, Shown};
pub use faults::{FaultsShown, SwitchFaults};
pub use line::{Line, Target, What, Why};
pub use map::{Map, MapApi, MapFunction, MapRule};
pub use routes::Control;
pub use token::Claims;
