"""PutEvents, receive and delete, Invoke and Scan by boto3; an assertion that fails ends it with a trace."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

bus, source, queue, function, empty_batch, table = sys.argv[1:]


def put_events():
    """25 events in batches of ten; each is accepted under an id of its own."""
    events = boto3.client("events")
    entries = [
        {"EventBusName": bus, "Source": source, "DetailType": "OrderPlaced", "Detail": json.dumps({"n": n})}
        for n in range(25)
    ]
    ids = {}
    for start in range(0, len(entries), 10):
        answer = events.put_events(Entries=entries[start : start + 10])
        assert answer["FailedEntryCount"] == 0, answer
        for n, entry in enumerate(answer["Entries"], start):
            ids[entry["EventId"]] = n
    assert len(ids) == 25, ids
    return ids


def receive(ids):
    """All of them come, each with the id and detail it was accepted with, and are deleted in batches."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    seen = {}
    while len(seen) < len(ids):
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20, MessageSystemAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        assert messages, f"{len(seen)} of {len(ids)} came"
        for message in messages:
            event = json.loads(message["Body"])
            assert message["Attributes"]["ApproximateReceiveCount"] == "1", message
            assert event["id"] not in seen, event
            seen[event["id"]] = event["detail"]["n"]
        gone = sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)],
        )
        assert len(gone["Successful"]) == len(messages), gone
    assert seen == ids, (seen, ids)
    try:
        sqs.get_queue_url(QueueName="nobodys")
        raise AssertionError("there is no such queue")
    except sqs.exceptions.QueueDoesNotExist:
        pass
    return len(seen)


def invoke():
    """A synchronous call with its answer, one that fails, and an asynchronous one."""
    client = boto3.client("lambda")
    answer = client.invoke(FunctionName=function, Payload=empty_batch)
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer
    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    failed = client.invoke(FunctionName=function, Payload='"no batch"', LogType="Tail")
    assert failed["FunctionError"] == "Unhandled", failed
    assert json.load(failed["Payload"])["errorMessage"]
    assert client.invoke(FunctionName=function, InvocationType="Event", Payload=empty_batch)["StatusCode"] == 202


def scan():
    """What is written is scanned, page by page; a write whose condition fails is refused by name."""
    rows = boto3.resource("dynamodb").Table(table)
    for n in range(3):
        rows.put_item(Item={"pk": f"p{n}", "sk": "s", "n": n})
    try:
        rows.put_item(Item={"pk": "p0", "sk": "s"}, ConditionExpression="attribute_not_exists(pk)")
        raise AssertionError("the item is there")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ConditionalCheckFailedException", error
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 2})
    items = [item for page in pages for item in page["Items"]]
    assert sorted(item["n"]["N"] for item in items) == ["0", "1", "2"], items
    return len(items)


ids = put_events()
received = receive(ids)
invoke()
print(f"{len(ids)} events, {received} messages, {scan()} items")
