use super::*;

#[track_caller]
fn same(got: &str, wanted: &str) {
    assert_eq!(got, wanted);
}

const SPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// A whole answer of SQS around what its action says.
fn answer(action: &str, result: &str) -> String {
    format!(
        "200 <?xml version=\"1.0\"?><{action}Response xmlns=\"{SPACE}\">{result}<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></{action}Response>"
    )
}

#[tokio::test]
async fn every_shape_has_its_xml() {
    let world = World::new().await;
    let create = "Action=CreateQueue&Version=2012-11-05&QueueName=orders&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=60";
    same(
        &world.form("/", create).await,
        &answer(
            "CreateQueue",
            "<CreateQueueResult><QueueUrl>http://pointsman/000000000000/orders</QueueUrl></CreateQueueResult>",
        ),
    );
    let send = "Action=SendMessage&MessageBody=%3Ca%26b%3E&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v";
    same(
        &world.form("/000000000000/orders", send).await,
        &answer(
            "SendMessage",
            "<SendMessageResult><MD5OfMessageAttributes>f4b238699da710fd012839c16c09f1ca</MD5OfMessageAttributes><MD5OfMessageBody>fcb4ccd5ba40e844de6d12c54c1acf03</MD5OfMessageBody><MessageId>ID</MessageId></SendMessageResult>",
        ),
    );
    let receive = "Action=ReceiveMessage&Version=2012-11-05&QueueUrl=http://x/000000000000/orders&AttributeName.1=ApproximateReceiveCount&MessageAttributeName.1=All";
    let received = world.form("/", receive).await;
    let (_, handle) = received.split_once("<ReceiptHandle>").unwrap();
    let (handle, _) = handle.split_once("</ReceiptHandle>").unwrap();
    same(
        &received.replace(handle, "HANDLE"),
        &answer(
            "ReceiveMessage",
            concat!(
                "<ReceiveMessageResult><Message><Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>",
                "<Body>&lt;a&amp;b&gt;</Body><MD5OfBody>fcb4ccd5ba40e844de6d12c54c1acf03</MD5OfBody>",
                "<MD5OfMessageAttributes>f4b238699da710fd012839c16c09f1ca</MD5OfMessageAttributes>",
                "<MessageAttribute><Name>n</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value></MessageAttribute>",
                "<MessageId>ID</MessageId><ReceiptHandle>HANDLE</ReceiptHandle></Message></ReceiveMessageResult>",
            ),
        ),
    );
    let handle: String = form_urlencoded::byte_serialize(handle.as_bytes()).collect();
    let delete = format!(
        "Action=DeleteMessageBatch&DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle={handle}\
         &DeleteMessageBatchRequestEntry.2.Id=b&DeleteMessageBatchRequestEntry.2.ReceiptHandle=x"
    );
    same(
        &world.form("/000000000000/orders", &delete).await,
        &answer(
            "DeleteMessageBatch",
            concat!(
                "<DeleteMessageBatchResult><BatchResultErrorEntry><Code>ReceiptHandleIsInvalid</Code><Id>b</Id>",
                "<Message>The input receipt handle &quot;x&quot; is not a valid receipt handle.</Message><SenderFault>true</SenderFault></BatchResultErrorEntry>",
                "<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry></DeleteMessageBatchResult>",
            ),
        ),
    );
    let attributes = "Action=GetQueueAttributes&AttributeName.1=ApproximateNumberOfMessages&AttributeName.2=VisibilityTimeout";
    same(
        &world.form("/000000000000/orders", attributes).await,
        &answer(
            "GetQueueAttributes",
            "<GetQueueAttributesResult><Attribute><Name>ApproximateNumberOfMessages</Name><Value>0</Value></Attribute><Attribute><Name>VisibilityTimeout</Name><Value>60</Value></Attribute></GetQueueAttributesResult>",
        ),
    );
    same(
        &world.form("/", "Action=ListQueues&Version=2012-11-05").await,
        &answer(
            "ListQueues",
            "<ListQueuesResult><QueueUrl>http://pointsman/000000000000/orders</QueueUrl></ListQueuesResult>",
        ),
    );
    let delete = "Action=DeleteQueue&Version=2012-11-05";
    same(&world.form("/000000000000/orders", delete).await, &answer("DeleteQueue", ""));
}

#[tokio::test]
async fn a_batch_in_a_form_is_the_batch_in_json() {
    let world = World::new().await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    let entry = |n: usize| {
        format!(
            "&SendMessageBatchRequestEntry.{n}.Id=i{n}&SendMessageBatchRequestEntry.{n}.MessageBody=m{n}&SendMessageBatchRequestEntry.{n}.DelaySeconds=0"
        )
    };
    let form: String = (1..=10).map(entry).collect();
    let sent = world.form("/000000000000/orders", &format!("Action=SendMessageBatch{form}")).await;
    let places: Vec<_> = (1..=10).map(|n| sent.find(&format!("<Id>i{n}</Id>")).unwrap()).collect();
    assert!(places.is_sorted(), "the entries' order is theirs, not their names': {sent}");
    let receive = r#"{"QueueUrl":"http://x/000000000000/orders","MaxNumberOfMessages":10}"#;
    let received = world.sqs("ReceiveMessage", receive).await;
    same(&member(&received, "/Messages/9/Body"), "m10");
}

#[tokio::test]
async fn an_error_has_its_xml() {
    let world = World::new().await;
    let receive = "Action=ReceiveMessage&Version=2012-11-05&QueueUrl=http://x/000000000000/none";
    same(
        &world.form("/", receive).await,
        &format!(
            "400 <?xml version=\"1.0\"?><ErrorResponse xmlns=\"{SPACE}\"><Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist.</Message></Error><RequestId>ID</RequestId></ErrorResponse>"
        ),
    );
    let publish = world.form("/", "Action=Publish&Version=2010-03-31").await;
    assert!(publish.contains("<Code>UnknownOperationException</Code>"), "{publish}");
    assert!(publish.contains("Publish"), "{publish}");
}

#[tokio::test]
async fn the_caller_is_the_root_or_a_functions_role() {
    let world = World::new().await;
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let whole = |arn: &str, user: &str| {
        format!(
            "200 <?xml version=\"1.0\"?><GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>000000000000</Account><Arn>{arn}</Arn><UserId>{user}</UserId></GetCallerIdentityResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        )
    };
    same(&world.form("/", form).await, &whole("arn:aws:iam::000000000000:root", "000000000000"));
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let signature = signed("FUNCTION", "us-east-1", "sts");
    let answer = world.send("POST", "/", &[kind, ("Authorization", &signature)], form).await;
    let arn = "arn:aws:sts::000000000000:assumed-role/payment/payment";
    same(&answer.short(), &whole(arn, "PAYMENT:payment"));
}
