use crate::crowd::{Crowd, Dice, load, settle};
use crate::support::Pointsman;
use std::time::Duration;

/// Lives of the engine that end with `kill -9`.
const LIVES: u64 = 32;

#[test]
fn an_engine_killed_again_and_again_loses_no_acknowledged_order_and_doubles_none() {
    let state = tempfile::tempdir().expect("a folder");
    let mut dice = Dice::cast("kill -9 of the engine");
    let mut engine = Pointsman::up(state.path());
    load(&engine.client());
    let crowd = Crowd::of(3, &engine.client());
    for life in 0..LIVES {
        crowd.keep_up(life);
        // From before the first function is up to well into the middle of it.
        std::thread::sleep(Duration::from_millis(10 + dice.below(500)));
        engine.kill();
        engine.up_again(state.path());
    }
    let acknowledged = crowd.go_home();
    settle(engine, state.path(), &acknowledged);
}
