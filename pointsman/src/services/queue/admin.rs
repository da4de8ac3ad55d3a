use super::{existing, invalid};
use crate::engine::{Command, Context, Decision, Draft, Fact, Fault, Kind, Name, Owner, State};
use crate::services::Change;
use crate::topology::{QueueSpec, Spec};

/// `CreateQueue`: making what is there already succeeds if its settings are the same.
pub struct CreateQueue {
    /// Its settings; those that the caller did not name at SQS's defaults.
    pub spec: QueueSpec,
    /// Whether an existing queue's settings are those that the caller named.
    pub same: Box<dyn Fn(&QueueSpec) -> bool + Send>,
}

impl Command for CreateQueue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        if let Err(fault) = check(&self.spec) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        match state.queues.get(self.spec.name.as_str()) {
            Some(queue) if (self.same)(&queue.spec) => {}
            Some(_) => {
                return Decision::refuse(Fault::new(
                    "QueueAlreadyExists",
                    "A queue already exists with the same name and a different value for one or more attributes.",
                ));
            }
            None => draft.fact(Fact::ResourceSet {
                owner: Owner::Api,
                spec: Spec::Queue(self.spec.clone()),
            }),
        }
        draft.reply(())
    }
}

/// `SetQueueAttributes`: `change` gets the settings as they are.
pub struct SetAttributes {
    /// The queue.
    pub queue: Name,
    /// What changes.
    pub change: Change<QueueSpec>,
}

impl Command for SetAttributes {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let queue = match existing(state, &self.queue) {
            Ok(queue) => queue,
            Err(fault) => return Decision::refuse(fault),
        };
        let mut spec = queue.spec.clone();
        if let Err(fault) = (self.change)(&mut spec).and_then(|()| check(&spec)) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        if spec != queue.spec {
            draft.fact(Fact::ResourceSet { owner: queue.owner.clone(), spec: Spec::Queue(spec) });
            if queue.retained {
                draft.fact(Fact::QueueRetained { queue: self.queue.clone() });
            }
        }
        draft.reply(())
    }
}

/// `DeleteQueue`, with all that is in it.
#[derive(Debug)]
pub struct DeleteQueue(pub Name);

impl Command for DeleteQueue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        if let Err(fault) = existing(state, &self.0) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        draft.fact(Fact::ResourceGone { kind: Kind::Queue, name: self.0.clone() });
        draft.reply(())
    }
}

/// Ends a queue that left its template and now holds nothing any more.
#[derive(Debug)]
pub(crate) struct RemoveDrained(pub(crate) Name);

impl Command for RemoveDrained {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if state.queues.get(&self.0).is_some_and(|queue| queue.retained && queue.is_empty()) {
            draft.fact(Fact::ResourceGone { kind: Kind::Queue, name: self.0.clone() });
        }
        draft.reply(())
    }
}

/// `PurgeQueue`
#[derive(Debug)]
pub struct Purge(pub Name);

impl Command for Purge {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        if let Err(fault) = existing(state, &self.0) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        draft.fact(Fact::Purged { queue: self.0.clone() });
        draft.reply(())
    }
}

/// Limits of SQS on a queue's settings.
pub(crate) fn check(spec: &QueueSpec) -> Result<(), Fault> {
    let name = &spec.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if spec.fifo || name.ends_with(".fifo") {
        return Err(Fault::new(
            "AWS.SimpleQueueService.UnsupportedOperation",
            format!("{name} is a FIFO queue: these are not supported yet."),
        ));
    }
    if name.is_empty() || name.len() > 80 || !name.chars().all(fits) {
        return Err(invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let within = |what: &str, value: u32, least: u32, most: u32| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Fault::new(
            "InvalidAttributeValue",
            format!(
                "Invalid value for the parameter {what}: {value} is not from {least} to {most}."
            ),
        ))
    };
    within("DelaySeconds", spec.delay, 0, 900)?;
    within("VisibilityTimeout", spec.visibility, 0, 43_200)?;
    within("MessageRetentionPeriod", spec.retention, 60, 1_209_600)?;
    within("MaximumMessageSize", spec.max_size, 1_024, 1_048_576)?;
    within("ReceiveMessageWaitTimeSeconds", spec.wait, 0, 20)?;
    match &spec.redrive {
        Some(redrive) => within("maxReceiveCount", redrive.max_receives, 1, 1_000),
        None => Ok(()),
    }
}
