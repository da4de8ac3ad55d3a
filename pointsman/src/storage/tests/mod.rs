//! The store from outside, on a simulated disk and a real one.

mod cases;
mod model;
mod parallel;
mod power;
mod torn;
