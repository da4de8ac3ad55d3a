//! What `pointsman`'s own commands ask of a running engine, under `/_pointsman/` beside AWS's services.
//!
//! - [`Control`]: answers the requests
//! - [`Line`]: one line of `tail`

mod line;
mod routes;
mod tail;

pub use line::{Line, Target, What, Why};
pub use routes::{Claims, Control, Map, MapApi, MapFunction, MapRule};
