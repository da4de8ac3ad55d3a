"""PutEvents, receive and delete, Invoke, Scan and schedules by boto3; an assertion that fails ends it with a trace."""

import datetime
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


def schedule():
    """A schedule of a group is made, shown, changed, listed by pages and deleted; what is wrong is refused by name."""
    client = boto3.client("scheduler")
    group = client.create_schedule_group(Name="nights")["ScheduleGroupArn"]
    assert group.endswith(":schedule-group/nights"), group
    assert client.get_schedule_group(Name="nights")["State"] == "ACTIVE"
    wanted = {
        "GroupName": "nights",
        "ScheduleExpression": "cron(0 3 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "StartDate": datetime.datetime(2090, 1, 1, tzinfo=datetime.timezone.utc),
        "State": "DISABLED",
        "Target": {
            "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
            "RoleArn": "arn:aws:iam::000000000000:role/any",
            "Input": empty_batch,
            "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
        },
    }
    for n in range(3):
        client.create_schedule(Name=f"s{n}", **wanted)
    shown = client.get_schedule(Name="s0", GroupName="nights")
    assert all(shown[name] == value for name, value in wanted.items()), shown
    changed = {**wanted, "ScheduleExpression": "rate(5 minutes)"}
    client.update_schedule(Name="s0", **changed)
    assert client.get_schedule(Name="s0", GroupName="nights")["ScheduleExpression"] == "rate(5 minutes)"
    pages = client.get_paginator("list_schedules").paginate(GroupName="nights", PaginationConfig={"PageSize": 2})
    names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    assert names == ["s0", "s1", "s2"], names
    refused = [
        (client.exceptions.ConflictException, lambda: client.create_schedule(Name="s0", **wanted)),
        (client.exceptions.ResourceNotFoundException, lambda: client.get_schedule(Name="none")),
        (
            client.exceptions.ValidationException,
            lambda: client.create_schedule(Name="s", **{**wanted, "ScheduleExpression": "rate(10)"}),
        ),
    ]
    for exception, ask in refused:
        try:
            ask()
            raise AssertionError(f"{exception} is wanted")
        except exception:
            pass
    client.delete_schedule(Name="s0", GroupName="nights")
    client.delete_schedule_group(Name="nights")
    left = [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]]
    assert left == ["default"], left
    return len(names)


ids = put_events()
received = receive(ids)
invoke()
print(f"{len(ids)} events, {received} messages, {scan()} items, {schedule()} schedules")
