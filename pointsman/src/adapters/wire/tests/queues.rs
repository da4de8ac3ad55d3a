use super::*;

#[track_caller]
fn same(got: &str, wanted: &str) {
    assert_eq!(got, wanted);
}

const ORDERS: &str = r#"{"QueueUrl":"http://elsewhere:1/000000000000/orders"}"#;

async fn with_queue() -> World {
    let world = World::new().await;
    same(
        &world
            .sqs("CreateQueue", r#"{"QueueName":"orders","Attributes":{"VisibilityTimeout":"60"}}"#)
            .await,
        r#"200 {"QueueUrl":"http://pointsman/000000000000/orders"}"#,
    );
    world
}

#[tokio::test]
async fn making_a_queue_again_compares_only_the_attributes_that_are_named() {
    let world = with_queue().await;
    let again = r#"{"QueueName":"orders"}"#;
    let url = r#"200 {"QueueUrl":"http://pointsman/000000000000/orders"}"#;
    same(&world.sqs("CreateQueue", again).await, url);
    let other = r#"{"QueueName":"orders","Attributes":{"VisibilityTimeout":"61"}}"#;
    same(
        &world.sqs("CreateQueue", other).await,
        r#"400 [QueueAlreadyExists;Sender] {"__type":"com.amazonaws.sqs#QueueNameExists","message":"A queue already exists with the same name and a different value for one or more attributes."}"#,
    );
    same(&world.sqs("GetQueueUrl", again).await, url);
}

#[tokio::test]
async fn attributes_are_set_and_shown() {
    let world = with_queue().await;
    world.sqs("CreateQueue", r#"{"QueueName":"dead"}"#).await;
    let set = r#"{"QueueUrl":"http://x/000000000000/orders","Attributes":{"DelaySeconds":"5","Policy":"{}",
        "RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":\"3\"}"}}"#;
    same(&world.sqs("SetQueueAttributes", set).await, "200 ");
    let all = r#"{"QueueUrl":"http://x/000000000000/orders","AttributeNames":["All"]}"#;
    same(
        &world.sqs("GetQueueAttributes", all).await,
        concat!(
            r#"200 {"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesDelayed":"0","ApproximateNumberOfMessagesNotVisible":"0","#,
            r#""CreatedTimestamp":"1700000000","DelaySeconds":"5","LastModifiedTimestamp":"1700000000","MaximumMessageSize":"1048576","MessageRetentionPeriod":"345600","#,
            r#""Policy":"{}","QueueArn":"arn:aws:sqs:us-east-1:000000000000:orders","ReceiveMessageWaitTimeSeconds":"0","#,
            r#""RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":3}","VisibilityTimeout":"60"}}"#,
        ),
    );
    let some = r#"{"QueueUrl":"http://x/000000000000/orders","AttributeNames":["QueueArn"]}"#;
    same(
        &world.sqs("GetQueueAttributes", some).await,
        r#"200 {"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:orders"}}"#,
    );
    same(&world.sqs("GetQueueAttributes", ORDERS).await, "200 {}");
    let dead = r#"{"QueueUrl":"http://x/000000000000/dead"}"#;
    same(
        &world.sqs("ListDeadLetterSourceQueues", dead).await,
        r#"200 {"queueUrls":["http://pointsman/000000000000/orders"]}"#,
    );
}

#[tokio::test]
async fn queues_are_listed_by_the_page_where_pages_are_asked_for() {
    let world = World::new().await;
    for name in ["a1", "a2", "b"] {
        world.sqs("CreateQueue", &format!(r#"{{"QueueName":"{name}"}}"#)).await;
    }
    same(
        &world.sqs("ListQueues", r#"{"QueueNamePrefix":"a"}"#).await,
        r#"200 {"QueueUrls":["http://pointsman/000000000000/a1","http://pointsman/000000000000/a2"]}"#,
    );
    let first = world.sqs("ListQueues", r#"{"MaxResults":2}"#).await;
    let next = format!(r#"{{"MaxResults":2,"NextToken":"{}"}}"#, member(&first, "/NextToken"));
    same(
        &world.sqs("ListQueues", &next).await,
        r#"200 {"QueueUrls":["http://pointsman/000000000000/b"]}"#,
    );
    same(&world.sqs("ListQueues", r#"{"QueueNamePrefix":"none"}"#).await, "200 {}");
}

#[tokio::test]
async fn a_queue_is_purged_and_deleted() {
    let world = with_queue().await;
    world
        .sqs("SendMessage", r#"{"QueueUrl":"http://x/000000000000/orders","MessageBody":"a"}"#)
        .await;
    same(&world.sqs("PurgeQueue", ORDERS).await, "200 ");
    same(&world.sqs("ReceiveMessage", ORDERS).await, "200 {}");
    same(&world.sqs("DeleteQueue", ORDERS).await, "200 ");
    same(
        &world.sqs("ReceiveMessage", ORDERS).await,
        r#"400 [AWS.SimpleQueueService.NonExistentQueue;Sender] {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#,
    );
}

#[tokio::test]
async fn what_is_wrong_or_out_of_scope_is_refused_by_name() {
    let world = with_queue().await;
    let case = async |action: &str, body: &str, code: &str, part: &str| {
        let refused = world.sqs(action, body).await;
        assert!(refused.starts_with(&format!("400 [{code};Sender]")), "{code}: {refused}");
        assert!(refused.contains(part), "{part}: {refused}");
    };
    let unsupported = "AWS.SimpleQueueService.UnsupportedOperation";
    case("TagQueue", "{}", unsupported, "TagQueue").await;
    case("AddPermission", "{}", unsupported, "AddPermission").await;
    case("StartMessageMoveTask", "{}", unsupported, "StartMessageMoveTask").await;
    let fifo = r#"{"QueueName":"a.fifo","Attributes":{"FifoQueue":"true"}}"#;
    case("CreateQueue", fifo, unsupported, "FifoQueue").await;
    case("CreateQueue", r#"{"QueueName":"a.fifo"}"#, unsupported, "a.fifo").await;
    case("CreateQueue", r#"{"QueueName":"a","tags":{"a":"b"}}"#, unsupported, "Tags").await;
    case("CreateQueue", r#"{"QueueName":"a b"}"#, "InvalidParameterValue", "alphanumeric").await;
    case("CreateQueue", "{}", "MissingParameter", "QueueName").await;
    let unknown = r#"{"QueueName":"a","Attributes":{"Colour":"red"}}"#;
    case("CreateQueue", unknown, "InvalidAttributeName", "Colour").await;
    let wrong = r#"{"QueueName":"a","Attributes":{"DelaySeconds":"901"}}"#;
    case("CreateQueue", wrong, "InvalidAttributeValue", "DelaySeconds").await;
    let wrong = r#"{"QueueName":"a","Attributes":{"DelaySeconds":"x"}}"#;
    case("CreateQueue", wrong, "InvalidAttributeValue", "DelaySeconds").await;
    let wrong = r#"{"QueueName":"a","Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":1}"}}"#;
    case("CreateQueue", wrong, "InvalidParameterValue", "deadLetterTargetArn").await;
    let unknown = r#"{"QueueUrl":"http://x/000000000000/orders","AttributeNames":["Colour"]}"#;
    case("GetQueueAttributes", unknown, "InvalidAttributeName", "Colour").await;
    let missing = "AWS.SimpleQueueService.NonExistentQueue";
    case("GetQueueUrl", r#"{"QueueName":"none"}"#, missing, "does not exist").await;
    let other = r#"{"QueueUrl":"http://x/111111111111/orders"}"#;
    case("PurgeQueue", other, missing, "111111111111").await;
    case("PurgeQueue", r#"{"QueueUrl":"orders"}"#, "InvalidAddress", "orders").await;
    case("PurgeQueue", "{}", "MissingParameter", "QueueUrl").await;
    case("ListQueues", r#"{"MaxResults":0}"#, "InvalidParameterValue", "MaxResults").await;
    case("ListQueues", "[", "SerializationException", "EOF").await;
}
