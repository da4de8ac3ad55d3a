//! What a template asks for, once every intrinsic is resolved: plain values that the engine keeps as state.
//!
//! - [`Resource`]: one thing, with its owner's logical id and the place in the template that names it
//! - [`Spec`]: what the thing is ([`QueueSpec`], [`RuleSpec`], [`FunctionSpec`], …)
//! - [`Region`]: account and region, and the ARNs and URLs that come from them
//!
//! The template reader makes these, the API makes the same ones, and the journal holds them, so every type here
//! serialises with `postcard`: fields may be added at the end of the format only with a new format version.

mod arn;
mod schedule;
mod spec;

pub use arn::Region;
pub(crate) use schedule::Invoked;
pub use schedule::{RuleScheduleSpec, ScheduleGroupSpec, ScheduleSpec, ScheduleTarget};
pub use spec::{
    AsyncSpec, AuthorizerSpec, BusSpec, DeadLetter, FunctionSpec, HttpApiSpec, InputSpec,
    MappingSource, MappingSpec, Place, QueueSpec, Redrive, Resource, RetryPolicy, RouteSpec,
    RuleSpec, Spec, StartingPosition, Statement, TableIndex, TableSpec, TargetSpec, TopicSpec,
};
