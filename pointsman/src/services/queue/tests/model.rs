//! A queue against a naive model of one: a list of messages, each with what is known of it.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Visible,
    Until(i64, bool),
}

#[derive(Clone, Debug)]
struct Known {
    seq: u64,
    sent: i64,
    receives: u32,
    place: Place,
    receipt: Option<u64>,
}

#[derive(Default)]
struct Model {
    messages: Vec<Known>,
    dead: usize,
    deleted: u64,
    expired: u64,
}

const MAX_RECEIVES: u32 = 3;
const RETENTION: i64 = 600_000;

impl Model {
    fn pass(&mut self, now: i64) {
        for message in &mut self.messages {
            if matches!(message.place, Place::Until(until, _) if until <= now) {
                message.place = Place::Visible;
            }
        }
        let before = self.messages.len();
        self.messages.retain(|m| m.sent + RETENTION > now);
        self.expired += (before - self.messages.len()) as u64;
    }

    /// What a receive must have given, whatever the order, from what it did give.
    #[track_caller]
    fn received(&mut self, handed: &[Handed], until: i64) {
        for one in handed {
            let known = self.messages.iter_mut().find(|m| m.seq == one.seq).expect("it is there");
            assert_eq!(known.place, Place::Visible);
            assert!(known.receives < MAX_RECEIVES);
            known.receives += 1;
            assert_eq!(one.receives, known.receives);
            known.place = Place::Until(until, true);
            known.receipt = Some(one.receipt);
        }
        let spent = |m: &Known| m.place == Place::Visible && m.receives >= MAX_RECEIVES;
        if handed.len() < 10 {
            let left = self.messages.iter().filter(|m| m.place == Place::Visible && !spent(m));
            assert_eq!(left.count(), 0, "a receive leaves nothing while it has room");
        }
    }
}

fn sequence(seed: u64) {
    let mut choices = Choices::from_seed(seed);
    let mut world = World::new();
    let [dlq, queue] = with_dead_letters("orders", MAX_RECEIVES);
    let Spec::Queue(mut queue) = queue else { panic!() };
    queue.retention = 600;
    world.apply(vec![dlq, Spec::Queue(queue)]);
    let mut model = Model::default();
    let mut receipts: Vec<Receipt> = vec![];
    for step in 0..60 {
        let now = world.core.now().0;
        let what = choices.below(7);
        match what {
            0 | 1 => {
                let delay = (choices.below(3) * 15) as u32;
                let message = MessageToSend { delay: Some(delay), ..text("a") };
                let sent =
                    world.ask(SendMessages { queue: "orders".into(), messages: vec![message] });
                let place = match delay {
                    0 => Place::Visible,
                    _ => Place::Until(now + i64::from(delay) * 1000, false),
                };
                let seq = sent[0].as_ref().unwrap().seq;
                model.messages.push(Known { seq, sent: now, receives: 0, place, receipt: None });
            }
            2 | 3 => {
                let handed = receive_for(&mut world, 30);
                model.received(&handed, now + 30_000);
                receipts.extend(handed.iter().map(receipt));
                // Dead letters move when a receive comes upon them.
                let queue = world.queue("orders");
                let before = model.messages.len();
                model.messages.retain(|m| {
                    let spent = m.place == Place::Visible && m.receives >= MAX_RECEIVES;
                    !spent || queue.message(m.seq).is_some()
                });
                model.dead += before - model.messages.len();
            }
            4 if !receipts.is_empty() => {
                let one = receipts[choices.below(receipts.len() as u64) as usize];
                world.ask(DeleteMessages { queue: "orders".into(), receipts: vec![one] });
                let before = model.messages.len();
                model.messages.retain(|m| m.seq != one.seq || m.receipt != Some(one.receipt));
                model.deleted += (before - model.messages.len()) as u64;
            }
            5 if !receipts.is_empty() => {
                let one = receipts[choices.below(receipts.len() as u64) as usize];
                let seconds = (choices.below(3) * 20) as u32;
                let changes = vec![(one, seconds)];
                let got = world.ask(ChangeVisibility { queue: "orders".into(), changes }).remove(0);
                let known = model.messages.iter_mut().find(|m| {
                    m.seq == one.seq
                        && m.receipt == Some(one.receipt)
                        && matches!(m.place, Place::Until(_, true))
                });
                assert_eq!(got.is_ok(), known.is_some(), "seed {seed}, step {step}");
                if let Some(known) = known {
                    known.place = match seconds {
                        0 => Place::Visible,
                        _ => Place::Until(now + i64::from(seconds) * 1000, true),
                    };
                }
            }
            _ => {
                world.pass(Duration::from_secs(choices.below(90)));
                model.pass(world.core.now().0);
            }
        }
        let queue = world.queue("orders");
        let visible = model.messages.iter().filter(|m| m.place == Place::Visible).count();
        let flying = |m: &&Known| matches!(m.place, Place::Until(_, true));
        let flying = model.messages.iter().filter(flying).count();
        let delayed = model.messages.len() - visible - flying;
        let c = queue.counts;
        assert_eq!(
            (queue.visible(), queue.in_flight(), queue.delayed()),
            (visible, flying, delayed),
            "seed {seed}, step {step}, command {what}"
        );
        assert_eq!((c.deleted, c.dropped), (model.deleted, model.expired), "seed {seed}");
        assert_eq!(c.dead_lettered as usize, model.dead, "seed {seed}");
        assert_eq!(
            c.entered,
            c.deleted + c.dropped + c.dead_lettered + queue.len() as u64,
            "seed {seed}, step {step}: the ledger's equation"
        );
    }
}

#[test]
fn a_queue_does_what_a_naive_model_does_in_any_order_of_commands() {
    (0..300).for_each(sequence);
}
