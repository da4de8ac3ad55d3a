//! The shop in a simulated world: its real handlers between a table, a bus and queues in memory,
//! where everything may come late, doubled, in any order or not at all, and every process may die
//! at every write. In the end every order must be fulfilled or cancelled, with money and goods right.
//!
//! A world is its seed. `WORLD_SEED=17 cargo test --test world` tells what happens in one;
//! `WORLD_SEEDS=1000000` tries more than every test run does; `WORLD_COUNT=1` counts the worlds that
//! come to grief instead of stopping at the first.

mod check;
mod customers;
mod mail;
mod provider;
mod shop;
mod slow;
mod template;
mod world;

#[path = "../../src/bin/fulfilment.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod fulfilment;

#[path = "../../src/bin/inventory.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod inventory;

#[path = "../../src/bin/order-commands.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod order_commands;

#[path = "../../src/bin/order-view.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod order_view;

#[path = "../../src/bin/outbox-relay.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod outbox_relay;

#[path = "../../src/bin/payment.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod payment;

#[path = "../../src/bin/payment-webhook.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod payment_webhook;

#[path = "../../src/bin/shipping.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod shipping;

use check::Seen;
use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use world::World;

/// How many worlds every test run tries.
const SEEDS: u64 = 10_000;

/// What happens in the world of `seed`, and what is wrong in the end.
fn try_one(seed: u64, tell: bool) -> Result<Seen, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let run = AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut world = World::new(seed, tell);
            world.run().await?;
            check::all(&world).await
        })
    });
    catch_unwind(run).unwrap_or_else(|_| Err("a panic".to_owned()))
}

#[test]
fn every_order_ends_with_money_and_goods_right_whatever_happens() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    if let Some(seed) = number("WORLD_SEED") {
        let seen = try_one(seed, true).unwrap_or_else(|fault| panic!("world {seed}: {fault}"));
        println!("{seen:?}");
        return;
    }
    let (from, seeds) = (number("WORLD_FROM").unwrap_or(0), number("WORLD_SEEDS").unwrap_or(SEEDS));
    let count = env::var_os("WORLD_COUNT").is_some();
    let (next, failed) = (AtomicU64::new(from), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds || (!count && failed.load(Ordering::Relaxed) > 0) {
                return seen;
            }
            match try_one(seed, false) {
                Ok(more) => seen.add(&more),
                Err(fault) => {
                    if failed.fetch_add(1, Ordering::Relaxed) == 0 {
                        println!("world {seed}: {fault}\nWORLD_SEED={seed} tells what happened");
                    }
                }
            }
        }
    };
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            seen.add(&worker.join().expect("a worker"));
        }
    });
    let failed = failed.into_inner();
    println!("{failed} of {seeds} worlds came to grief; {seen:?}");
    assert_eq!(failed, 0, "worlds that came to grief");
    if seeds >= SEEDS {
        seen.assert_everything_happened();
    }
}

#[test]
fn a_world_is_its_seed() {
    for seed in 0..20 {
        assert_eq!(try_one(seed, false), try_one(seed, false), "world {seed}");
    }
}
