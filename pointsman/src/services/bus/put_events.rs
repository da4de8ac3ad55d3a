use super::input::Shaped;
use super::{bus_name, detail, input};
use crate::clock::Time;
use crate::engine::{
    Body, Command, Context, Decision, Delivered, Delivery, Draft, Fact, Fault, Id, Name, State,
};
use crate::services::deliver;
use crate::topology::{Region, RuleSpec, TargetSpec};
use bytes::Bytes;

/// Most bytes of one request, over all its entries.
const MAX_REQUEST: usize = 1_048_576;

/// `PutEvents`: each entry succeeds or fails for itself.
#[derive(Debug)]
pub struct PutEvents {
    /// 1–10 entries.
    pub entries: Vec<EventEntry>,
}

/// An entry of `PutEvents`.
#[derive(Clone, Debug, Default)]
pub struct EventEntry {
    /// `Source`
    pub source: Option<String>,
    /// `DetailType`
    pub detail_type: Option<String>,
    /// `Detail`: the text of a JSON object.
    pub detail: Option<String>,
    /// `Resources`
    pub resources: Vec<String>,
    /// `Time`; without it the time of the call.
    pub time: Option<Time>,
    /// `EventBusName`: a name or an ARN.
    pub bus: Option<String>,
}

/// Why an entry was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// `ErrorCode`
    pub code: &'static str,
    /// `ErrorMessage`
    pub message: String,
}

impl Command for PutEvents {
    type Reply = Vec<Result<Id, EntryError>>;

    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply> {
        let wanted = match self.entries.len() {
            0 => Some("greater than or equal to 1"),
            1..=10 => None,
            _ => Some("less than or equal to 10"),
        };
        if let Some(wanted) = wanted {
            let entries: Vec<String> = self.entries.iter().map(EventEntry::told).collect();
            return Decision::refuse(Fault::new(
                "ValidationException",
                format!(
                    "1 validation error detected: Value '[{}]' at 'entries' failed to satisfy constraint: Member must have length {wanted}",
                    entries.join(", ")
                ),
            ));
        }
        if self.entries.iter().map(EventEntry::size).sum::<usize>() >= MAX_REQUEST {
            return Decision::refuse(Fault::new(
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            ));
        }
        let mut draft = Draft::new(state, context);
        let reply = self.entries.iter().map(|entry| accept(&mut draft, entry)).collect();
        draft.reply(reply)
    }
}

impl EventEntry {
    /// Size in bytes as EventBridge counts it.
    pub fn size(&self) -> usize {
        let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
        let stamp = if self.time.is_some() { 14 } else { 0 };
        stamp
            + text(&self.source)
            + text(&self.detail_type)
            + text(&self.detail)
            + self.resources.iter().map(String::len).sum::<usize>()
    }

    /// The entry as EventBridge's faults show one.
    fn told(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".into());
        let time = self.time.map(Time::rfc3339);
        let resources = match &self.resources[..] {
            [] => "null".to_owned(),
            all => format!("[{}]", all.join(", ")),
        };
        format!(
            "PutEventsRequestEntry(time={}, source={}, resources={resources}, detailType={}, detail={}, eventBusName={})",
            text(&time),
            text(&self.source),
            text(&self.detail_type),
            text(&self.detail),
            text(&self.bus),
        )
    }

    /// The three that must be there.
    fn check(&self) -> Result<(&str, &str, &str), EntryError> {
        let given = |value: &'_ Option<String>, name: &str| match value.as_deref() {
            None | Some("") => Err(EntryError {
                code: "InvalidArgument",
                message: format!(
                    "Parameter {name} is not valid. Reason: {name} is a required argument."
                ),
            }),
            Some(_) => Ok(()),
        };
        given(&self.source, "Source")?;
        given(&self.detail_type, "DetailType")?;
        given(&self.detail, "Detail")?;
        let source = self.source.as_deref().unwrap_or_default();
        let detail_type = self.detail_type.as_deref().unwrap_or_default();
        let detail = self.detail.as_deref().unwrap_or_default();
        if source.starts_with("aws.") {
            return Err(EntryError {
                code: "NotAuthorizedForSourceException",
                message: "Not authorized for the source.".into(),
            });
        }
        if detail_type.chars().count() > 128 {
            return Err(EntryError {
                code: "InvalidArgument",
                message: "Parameter DetailType is not valid. Reason: DetailType must be 128 characters or less.".into(),
            });
        }
        if !detail::is_good(detail) {
            return Err(EntryError {
                code: "MalformedDetail",
                message: "Detail is malformed.".into(),
            });
        }
        Ok((source, detail_type, detail))
    }
}

/// Brings an event to its bus and to the targets of the rules that take it.
///
/// # Errors
/// What is wrong with the entry.
pub(crate) fn accept(draft: &mut Draft<'_>, entry: &EventEntry) -> Result<Id, EntryError> {
    let (source, detail_type, detail) = entry.check()?;
    let id = draft.choices.id();
    let state = draft.state;
    let name = bus_name(state, entry.bus.as_deref());
    let Some((name, bus)) = state.buses.get_key_value(name) else {
        draft.fact(Fact::EventDropped {
            id,
            bus: name.into(),
            source: source.into(),
            detail_type: detail_type.into(),
        });
        return Ok(id);
    };
    let event = envelope(draft, id, entry, source, detail_type, detail);
    let mut matched: Vec<Name> = vec![];
    bus.matcher().matches(&event, |rule| matched.push(rule.clone())).map_err(|error| {
        EntryError { code: "MalformedDetail", message: format!("Detail is malformed: {error}.") }
    })?;
    matched.sort_unstable();
    let body = draft.body(event.clone());
    let mut deliveries = vec![];
    for rule in matched {
        let Some(spec) = bus.rules.get(&rule).map(|r| &r.spec) else { continue };
        deliveries.extend(deliver_all(draft, &rule, spec, (body, &event)));
    }
    draft.fact(Fact::EventAccepted {
        id,
        bus: name.clone(),
        source: source.into(),
        detail_type: detail_type.into(),
        body,
        deliveries,
    });
    Ok(id)
}

/// What the targets of a rule get of an event.
pub(super) fn deliver_all(
    draft: &mut Draft<'_>,
    name: &Name,
    rule: &RuleSpec,
    (body, event): (Body, &Bytes),
) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(rule.targets.len());
    for target in &rule.targets {
        let mut outcome = deliver_to(draft, target, event, body, name, &rule.bus);
        let copy = match &mut outcome {
            Delivered::Queued { queue, message } => draft
                .befall(queue, message)
                .map(|copy| Delivered::Queued { queue: queue.clone(), message: copy }),
            _ => None,
        };
        let delivery =
            |outcome| Delivery { rule: name.clone(), target: target.arn.as_str().into(), outcome };
        deliveries.push(delivery(outcome));
        deliveries.extend(copy.map(delivery));
    }
    deliveries
}

/// The event as rules see it and targets get it, keys in AWS's order.
pub(super) fn envelope(
    draft: &Draft<'_>,
    id: Id,
    entry: &EventEntry,
    source: &str,
    detail_type: &str,
    detail: &str,
) -> Bytes {
    let time = entry.time.unwrap_or(draft.context.now).rfc3339();
    let Region { account, name: region } = &draft.state.region;
    let mut event = Vec::with_capacity(detail.len() + 320);
    put(&mut event, &[r#"{"version":"0","id":""#, &id.to_string(), r#"","detail-type":"#]);
    quote(&mut event, detail_type);
    put(&mut event, &[r#","source":"#]);
    quote(&mut event, source);
    put(&mut event, &[r#","account":""#, account, r#"","time":""#, &time]);
    put(&mut event, &[r#"","region":""#, region, r#"","resources":["#]);
    for (n, resource) in entry.resources.iter().enumerate() {
        put(&mut event, &[if n == 0 { "" } else { "," }]);
        quote(&mut event, resource);
    }
    put(&mut event, &[r#"],"detail":"#, detail, "}"]);
    Bytes::from(event)
}

fn put(event: &mut Vec<u8>, texts: &[&str]) {
    texts.iter().for_each(|text| event.extend_from_slice(text.as_bytes()));
}

/// As a JSON string.
fn quote(event: &mut Vec<u8>, text: &str) {
    // Writing text to memory does not fail.
    let _ = serde_json::to_writer(event, text);
}

fn deliver_to(
    draft: &mut Draft<'_>,
    target: &TargetSpec,
    event: &Bytes,
    body: Body,
    rule: &Name,
    bus: &str,
) -> Delivered {
    let region = &draft.state.region;
    let rule_arn = || region.rule(bus, rule);
    let shaped = input::shape(&target.input, event, rule, &rule_arn, draft.context.now);
    let outcome = match shaped {
        Ok(Shaped::Same) => deliver::send_stored(draft, &target.arn, (body, event), None),
        Ok(Shaped::Other(bytes)) => deliver::send(draft, &target.arn, bytes, None),
        Err(reason) => Delivered::Lost { code: "INVALID_JSON".into(), reason },
    };
    match (outcome, &target.dead_letter) {
        (Delivered::Lost { code, reason }, Some(queue)) => {
            let extra = deliver::attributes([
                ("RULE_ARN", "String", rule_arn()),
                ("TARGET_ARN", "String", target.arn.clone()),
                ("ERROR_CODE", "String", code.clone()),
                ("ERROR_MESSAGE", "String", reason.clone()),
                ("RETRY_ATTEMPTS", "String", "0".to_owned()),
            ]);
            match deliver::send_stored(draft, queue, (body, event), Some(extra)) {
                Delivered::Queued { queue, message } => {
                    Delivered::DeadLettered { queue, message, code, reason }
                }
                _ => Delivered::Lost {
                    code,
                    reason: format!(
                        "{reason} Its dead-letter queue {queue} could not take it either."
                    ),
                },
            }
        }
        (outcome, _) => outcome,
    }
}
