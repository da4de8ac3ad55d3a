//! Which of a batch led to what.

use super::*;
use crate::adapters::control::trace::tree::What;

/// Two requests whose rows share a batch, and whose events do; the relay and the view have ended.
fn two() -> (World, InvocationId) {
    let mut world = shop();
    let (one, two) = (post(&mut world, 101), post(&mut world, 102));
    let (first, second) = (Id(101).to_string(), Id(102).to_string());
    world.finish(one, r#"{"statusCode":202}"#);
    world.finish(two, r#"{"statusCode":409}"#);
    world.invocations();
    let rows = vec![row("1", Some(one), "a", &first), row("2", Some(two), "b", &second)];
    let relayed = relay(&mut world, rows);
    let off = |spec: &mut MappingSpec, enabled| spec.enabled = enabled;
    switch(&mut world, move |spec| off(spec, false));
    publish(&mut world, relayed, "Placed", &detail("a", &first));
    publish(&mut world, relayed, "Placed", &detail("b", &second));
    world.finish(relayed, r#"{"batchItemFailures":[]}"#);
    switch(&mut world, move |spec| off(spec, true));
    let view = world.invocation().id;
    (world, view)
}

fn switch(world: &mut World, change: impl Fn(&mut MappingSpec) + Send + 'static) {
    let change = Box::new(move |spec: &mut MappingSpec| {
        change(spec);
        Ok(())
    });
    let mapping = "view-to-view".into();
    world.ask(crate::services::mapping::UpdateMapping { mapping, change });
}

const WAY: [&str; 7] = [
    "POST /orders",
    "  door",
    "    INSERT events pk=a",
    "      relay",
    "        Placed",
    "          view",
    "            view",
];

#[test]
fn requests_that_shared_batches_are_apart_by_their_envelopes() {
    let (mut world, view) = two();
    // Of what the view does itself, one belongs to each, and what says nothing to either.
    send(&mut world, view, &detail("c", "a"), None);
    send(&mut world, view, &detail("d", "b"), None);
    send(&mut world, view, "plain", None);
    world.finish(view, r#"{"batchItemFailures":[]}"#);
    let trace = by_number(&world, 101);
    let mut way: Vec<String> = WAY.map(str::to_owned).to_vec();
    way.extend(["              jobs".to_owned(), "              jobs (joint)".to_owned()]);
    assert_eq!(tree(&trace), way);
    assert_eq!(trace.found.as_deref(), Some("an HTTP request"));
    let What::HttpRequest { status: Some(202), .. } = trace.trees[0].what else {
        panic!("{trace:#?}")
    };
    let others = trace.nodes().into_iter().filter_map(|node| match node.what {
        What::Invocation { batch: 2, others, .. } => Some(others),
        _ => None,
    });
    assert_eq!(others.collect::<Vec<_>>(), [1, 1], "of the relay and of the view");
}

#[test]
fn a_row_that_says_nothing_of_itself_does_not_draw_another_request_s_events_to_it() {
    let mut world = shop();
    let (one, two) = (post(&mut world, 101), post(&mut world, 102));
    let (first, second) = (Id(101).to_string(), Id(102).to_string());
    let snapshot = ReadRecord {
        id: None,
        causation: None,
        keys: "snapshot".into(),
        ..row("2", Some(one), "", "")
    };
    let rows = vec![row("1", Some(one), "a", &first), snapshot, row("3", Some(two), "b", &second)];
    let relayed = relay(&mut world, rows);
    publish(&mut world, relayed, "Placed", &detail("a", &first));
    publish(&mut world, relayed, "Placed", &detail("b", &second));
    let trace = by_number(&world, 101);
    let placed = tree(&trace).into_iter().filter(|line| line.contains("Placed"));
    assert_eq!(placed.collect::<Vec<_>>(), ["        Placed"], "{trace:#?}");
    assert!(tree(&trace).iter().any(|line| line == "    INSERT events snapshot"), "{trace:#?}");
}

#[test]
fn any_id_on_the_way_leads_to_the_same_tree() {
    let (mut world, view) = two();
    world.finish(view, r#"{"batchItemFailures":[]}"#);
    let trace = by_number(&world, 101);
    assert_eq!(tree(&trace), WAY);
    let ids: Vec<String> = trace
        .nodes()
        .into_iter()
        .filter(|node| !matches!(&node.what, What::Invocation { batch, .. } if *batch > 1))
        .filter_map(|node| node.id().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    for id in ids.iter().map(String::as_str).chain(["pk=a", r#""id":"a""#]) {
        let other = traced(&world, id);
        assert_eq!(tree(&other), WAY, "{id}");
        assert_eq!(other.trees[0].id(), trace.trees[0].id(), "{id}");
    }
}

#[test]
fn what_is_in_several_trees_is_a_choice_unless_all_are_wanted() {
    let (world, view) = two();
    let id = format!("#{}", view.0);
    let trace = traced(&world, &id);
    assert!(trace.trees.is_empty());
    let offered: Vec<(String, String)> =
        trace.candidates.iter().map(|c| (c.id.clone(), c.what.clone())).collect();
    let one = |request| (Id(request).to_string(), "POST /orders → Placed".to_owned());
    assert_eq!(offered, [one(101), one(102)]);
    assert!(trace.candidates.iter().all(|candidate| candidate.waiting == 1), "the view runs");
    assert_eq!(ask(&world, &id, true, 0, &[]).trees.len(), 2);
    for (id, _) in offered {
        assert_eq!(tree(&traced(&world, &id)).len(), WAY.len());
    }
}

#[test]
fn a_record_whose_writer_is_lost_stands_where_its_cause_puts_it() {
    let mut world = shop();
    let door = post(&mut world, 101);
    world.finish(door, r#"{"statusCode":202}"#);
    world.invocations();
    world.restart();
    let request = Id(101).to_string();
    let relayed = relay(&mut world, vec![row("1", None, "a", &request)]);
    publish(&mut world, relayed, "Placed", &detail("a", &request));
    for id in [request.as_str(), r#""id":"a""#] {
        let trace = traced(&world, id);
        let told = tree(&trace);
        assert_eq!(told[0..3], ["POST /orders", "  door", "  INSERT events pk=a"], "{id}");
        let record = &trace.trees[0].children[1];
        assert!(matches!(record.what, What::Record { writer_unknown: true, .. }));
    }
    // With a cause that nobody knows it is a root.
    world.finish(relayed, "{}");
    let stray = relay(&mut world, vec![row("2", None, "s", "long gone")]);
    publish(&mut world, stray, "Placed", &detail("s", "long gone"));
    let told = tree(&traced(&world, r#""id":"s""#));
    assert_eq!(told[0], "INSERT events pk=s");
}

#[test]
fn history_that_is_too_short_begins_where_it_begins() {
    let (world, _) = two();
    let facts = world.facts(0);
    let reads =
        |fact: &crate::engine::Fact| matches!(fact, crate::engine::Fact::RecordsRead { .. });
    let forgotten = facts.iter().position(reads).expect("records were read") + 1;
    let trace = ask(&world, r#""id":"a""#, false, forgotten, &[]);
    assert_eq!(tree(&trace), ["Placed", "  view", "    view"]);
    assert_eq!(trace.history.from, forgotten as u64 + 1);
    // The request itself is forgotten; its id stands in what followed from it.
    let trace = ask(&world, &Id(101).to_string(), false, forgotten, &[]);
    assert_eq!(trace.found.as_deref(), Some("text in one place"));
    assert_eq!(tree(&trace)[0], "Placed");
    assert_eq!(ask(&world, "nobody's", false, forgotten, &[]).found, None);
}
