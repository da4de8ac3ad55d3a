use serde::{Deserialize, Serialize};

/// The account and region an engine stands for; every ARN and queue URL it shows is made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Twelve digits; `000000000000` unless asked otherwise.
    pub account: String,
    /// For example `us-east-1`.
    pub name: String,
}

impl Default for Region {
    fn default() -> Self {
        Region { account: "000000000000".into(), name: "us-east-1".into() }
    }
}

impl Region {
    /// `arn:aws:events:R:A:event-bus/NAME`
    pub fn bus(&self, name: &str) -> String {
        self.arn("events", &format!("event-bus/{name}"))
    }

    /// `arn:aws:events:R:A:rule/BUS/NAME`, and without the bus for the default one.
    pub fn rule(&self, bus: &str, name: &str) -> String {
        match bus {
            "default" => self.arn("events", &format!("rule/{name}")),
            _ => self.arn("events", &format!("rule/{bus}/{name}")),
        }
    }

    /// `arn:aws:scheduler:R:A:schedule/GROUP/NAME`, of a schedule's key `GROUP/NAME`.
    pub fn schedule(&self, key: &str) -> String {
        self.arn("scheduler", &format!("schedule/{key}"))
    }

    /// `arn:aws:scheduler:R:A:schedule-group/NAME`
    pub fn schedule_group(&self, name: &str) -> String {
        self.arn("scheduler", &format!("schedule-group/{name}"))
    }

    /// `arn:aws:sqs:R:A:NAME`
    pub fn queue(&self, name: &str) -> String {
        self.arn("sqs", name)
    }

    /// `arn:aws:sns:R:A:NAME`
    pub fn topic(&self, name: &str) -> String {
        self.arn("sns", name)
    }

    /// `arn:aws:lambda:R:A:function:NAME`
    pub fn function(&self, name: &str) -> String {
        self.arn("lambda", &format!("function:{name}"))
    }

    /// `arn:aws:lambda:R:A:event-source-mapping:UUID`
    pub fn mapping(&self, uuid: &str) -> String {
        self.arn("lambda", &format!("event-source-mapping:{uuid}"))
    }

    /// `arn:aws:dynamodb:R:A:table/NAME`
    pub fn table(&self, name: &str) -> String {
        self.arn("dynamodb", &format!("table/{name}"))
    }

    /// The URL under which SQS knows a queue: `ENDPOINT/ACCOUNT/NAME`.
    pub fn queue_url(&self, endpoint: &str, name: &str) -> String {
        format!("{}/{}/{name}", endpoint.trim_end_matches('/'), self.account)
    }

    /// The last part of an ARN of `service` in this account and region, or `None` for another's.
    ///
    /// `arn:aws:sqs:us-east-1:000000000000:orders` gives `orders`;
    /// `arn:aws:lambda:…:function:payment` gives `function:payment`.
    pub fn local<'a>(&self, service: &str, arn: &'a str) -> Option<&'a str> {
        let mut parts = arn.splitn(6, ':');
        let head = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        (head == ["arn", "aws", service, &self.name, &self.account]).then(|| parts.next()).flatten()
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.name, self.account)
    }
}
