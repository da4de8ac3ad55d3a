//! What is written where little follows.

use super::*;

#[tokio::test(start_paused = true)]
async fn where_nothing_follows_nothing_is_written() {
    let world = world();
    let look = serde_json::json!({ "due": later(-1) });
    assert_eq!(world.handle(&[body(1, "LookAgain", look, 3)], count).await, 0);
    assert_eq!((world.rows().await.len(), world.services()), (0, 0));
    let guarded = async |_: &Turn, _: &Record<Inbox>, _: &Live| {
        let never = Op::check(Key::new("Services", "no", "no"), Condition::Exists);
        Ok(Decision::nothing().guard("No", never))
    };
    assert_eq!(world.handle(&[burst(1)], guarded).await, 0);
    assert_eq!(world.services(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_effect_alone_is_something_to_write() {
    let world = world();
    let light = async |_: &Turn, _: &Record<Inbox>, _: &Live| {
        let lamp = Op::update(Key::new("Services", "lamp#7", "lamp")).add("lit", 1);
        Ok(Decision::nothing().effect("Lit", lamp))
    };
    assert_eq!(world.handle(&[burst(1)], light).await, 0);
    let lit = || world.tables.items("Services").iter().find_map(|row| row.get("lit")?.as_n());
    assert_eq!((lit(), world.services(), world.rows().await.len()), (Some(1), 2, 0));
    assert!(!world.logged("DuplicateSkipped"));
    assert_eq!(world.handle(&[burst(1)], light).await, 0);
    assert!(world.logged("DuplicateSkipped"));
    assert_eq!((lit(), world.services()), (Some(1), 2));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_alone_is_kept_as_often_as_one_is_decided() {
    let world = world();
    let heard = async |_: &Turn, _: &Record<Inbox>, _: &Live| {
        Ok(Decision::nothing().snapshot(1, &world.rounds.get()))
    };
    for n in 1..=3 {
        assert_eq!(world.handle(&[burst(n.into())], heard).await, 0);
        let loaded = world.process.store().load::<u32>(&stream(), 1).await.unwrap();
        assert_eq!((loaded.state, loaded.history.position.version()), (Some(n), 0));
    }
    assert_eq!(world.services(), 3);
}
