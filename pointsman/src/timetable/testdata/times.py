"""Writes times.txt: schedule expressions and their next five times, by other implementations than ours.

    python3 -m venv v && v/bin/pip install pyawscron==1.0.7 aws-croniter==2.1.1 tzdata
    v/bin/python times.py > times.txt

Local times of cron(...) come from pyawscron and aws-croniter, which agree wherever both know an expression; instants
come from Python's zoneinfo. What the clocks skip is left out, what they repeat counts once, as AWS's guide has
it ("Daylight savings time on EventBridge Scheduler"). Expressions marked `aws` are from AWS's own pages, those marked
`taken` were accepted by AWS in recorded tests of LocalStack's or in its issue 13572.
"""

import calendar
import datetime as dt
import itertools
import sys
import zoneinfo

from aws_croniter import AwsCroniter
from pyawscron import AWSCron

UTC = dt.timezone.utc
FROM = "2026-11-21T20:00:30"

CASES = """
aws cron(0 10 * * ? *)
aws cron(15 12 * * ? *)
aws cron(0 18 ? * MON-FRI *)
aws cron(0 8 1 * ? *)
aws cron(0/15 * * * ? *)
aws cron(0/10 * ? * MON-FRI *)
aws cron(0/5 8-17 ? * MON-FRI *)
aws cron(0/30 20-23 ? * MON-FRI *)
aws cron(0/30 0-2 ? * MON-FRI *)
aws cron(15 10 ? * 6L 2022-2027)
aws cron(30 16 ? * MON,WED,FRI *) America/New_York
aws cron(0 9 L * ? *)
aws cron(0 9 3W * ? *)
aws cron(0 9 ? * 3#2 *)
aws cron(15,30,45 12 * * ? *)
aws cron(0 12 1-15 * ? *)
taken cron(0 2 ? * SAT *)
taken cron(0 12 * * ? *)
taken cron(5,35 14 * * ? *)
taken cron(0 2 ? * SAT#3 *)
taken cron(* * ? * SAT#3 *)
taken cron(0/5 5 ? JAN 1-5 2027)
taken cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)
taken cron(30-30 13-13 ? * 2,4,6 *)
taken cron(1-31/30 1-1 ? * 1,7 *)
own cron(* * * * ? *)
own cron(0 * * * ? *)
own cron(59 23 31 12 ? *)
own cron(0 0 29 2 ? *)
own cron(0 0 29 2 ? 2028,2032,2036,2040,2044)
own cron(0 0 31 * ? *)
own cron(0 0 30 1-6 ? *)
own cron(10 3 1W * ? *)
own cron(10 3 15W * ? *)
own cron(10 3 31W * ? *)
own cron(10 3 28W 2 ? *)
own cron(0 6 LW * ? *)
own cron(30 18 LW 2,5 ? *)
own cron(0 6 ? * L *)
own cron(0 6 ? * 1L *)
own cron(0 6 ? * FRIL *)
own cron(0 6 ? * 7L 2027)
own cron(0 6 ? * 2#1 *)
own cron(0 6 ? * MON#1 *)
own cron(0 6 ? * 6#5 *)
own cron(0 6 ? * SUN#5 *)
own cron(0 6 ? JAN-MAR 4#4 *)
own cron(0 6 ? * SUN-SAT *)
own cron(0 6 ? * 1-7 *)
own cron(0 6 ? * TUE-THU *)
own cron(0 6 ? * 1 *)
own cron(0 6 ? * 7 *)
own cron(0,30 9-17 ? * MON-FRI 2027)
own cron(*/20 * * * ? *)
own cron(*/7 0 * * ? *)
own cron(5/10 12 * * ? *)
own cron(10-50/20 12 * * ? *)
own cron(0 */6 * * ? *)
own cron(0 1/5 * * ? *)
own cron(0 8-18/5 * * ? *)
own cron(0 12 */10 * ? *)
own cron(0 12 5/10 * ? *)
own cron(0 12 1 */3 ? *)
own cron(0 12 1 2/5 ? *)
own cron(0 12 1 JAN,APR,JUL,OCT ? *)
own cron(0 12 1 1,4,7,10 ? *)
own cron(0 12 1 1 ? 2027/3)
own cron(0 12 1 1 ? */10)
own cron(0 12 1 1 ? 2030-2040/2)
own cron(0 20 21 11 ? 2026)
own cron(1 20 21 11 ? 2026)
own cron(0 0 1 1 ? 2199)
own cron(45 23 ? DEC MON-FRI *)
own cron(0 3 ? * SUN *) Europe/Berlin
own cron(30 2 * 3 ? *) Europe/Berlin @2027-03-26T12:00:00
own cron(30 2 * 10 ? *) Europe/Berlin @2027-10-29T12:00:00
own cron(*/20 * * * ? *) Europe/Berlin @2027-03-28T00:30:00
own cron(*/20 * * * ? *) Europe/Berlin @2027-10-31T00:10:00
own cron(*/20 * * * ? *) Europe/Berlin @2027-10-31T01:10:00
own cron(30 2 * * ? *) America/New_York @2027-03-12T12:00:00
own cron(30 1 * * ? *) America/New_York @2027-11-05T12:00:00
own cron(0 0 * * ? *) America/Sao_Paulo
own cron(15 2 ? * SUN *) Australia/Lord_Howe @2027-09-20T00:00:00
own cron(45 1 ? * SUN *) Australia/Lord_Howe @2027-03-30T00:00:00
own cron(0 9 * * ? *) Asia/Kolkata
own cron(0 9 * * ? *) Asia/Kathmandu
own cron(0 0 * * ? *) Pacific/Apia
own cron(0 0 * * ? *) Africa/Cairo
own cron(0 12 L * ? *) Pacific/Kiritimati
own cron(0 18 ? * MON-FRI *) Asia/Tokyo
own cron(0 3 * * ? *) Europe/London @2027-03-27T00:00:00
own cron(30 1 * * ? *) Europe/London @2027-03-27T00:00:00
own cron(30 1 * * ? *) Europe/London @2027-10-30T00:00:00
"""

RATES = """
aws rate(5 minutes)
aws rate(1 hours)
aws rate(7 days)
taken rate(1 minute)
own rate(1 hour)
own rate(1 day)
own rate(90 minutes)
own rate(36 hours) Europe/Berlin @2027-03-27T12:00:00
own rate(1 days) America/New_York @2027-11-05T12:00:00
"""

ONCE = """
aws at(2030-11-20T13:00:00)
own at(2026-11-21T20:00:31)
own at(2026-11-21T20:00:30)
own at(2026-11-21T19:59:59)
own at(2027-07-01T09:00:00) Europe/Berlin
own at(2027-12-01T09:00:00) America/New_York
own at(2027-10-31T02:30:00) Europe/Berlin
own at(2027-03-28T02:30:00) Europe/Berlin
"""


def parsed(line):
    mark, rest = line.split(" ", 1)
    expression, rest = rest.split(")", 1)
    words = rest.split()
    start = next((word[1:] for word in words if word.startswith("@")), FROM)
    zone = next((word for word in words if "/" in word), "UTC")
    return mark, expression + ")", zone, dt.datetime.fromisoformat(start).replace(tzinfo=UTC)


def instants(local, zone):
    """The instant of a local time: none if the clocks skip it, the first of two."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return [at] if at.astimezone(zone).replace(tzinfo=None) == local else []


def pyawscron_times(inner, local):
    cron = AWSCron(inner)
    at = local.replace(second=0, tzinfo=UTC)
    while True:
        at = cron.occurrence(at).next()
        if at is None:
            return
        yield at.replace(tzinfo=None)


def croniter_times(inner, local):
    at = local.replace(second=0, tzinfo=UTC)
    cron = AwsCroniter(inner)
    while True:
        at = cron.occurrence(at).next()
        if at is None:
            return
        yield at.replace(tzinfo=None)


def last_weekdays(inner, local):
    """LW, which neither of the two knows, from Python's calendar: for one minute and one hour."""
    minute, hour, _, months, _, _ = inner.split()
    wanted = range(1, 13) if months == "*" else [int(month) for month in months.split(",")]
    for year in range(local.year, 2200):
        for month in wanted:
            day = max(d for week in calendar.monthcalendar(year, month) for d in week[:5])
            at = dt.datetime(year, month, day, int(hour), int(minute))
            if at > local:
                yield at


def of_saturdays(source):
    return lambda inner, local: source(inner.replace(" L ", " 7 "), local)


def cron_times(source, inner, zone, start):
    # From well before, so that the two same hours of autumn are both looked at.
    local = start.astimezone(zone).replace(tzinfo=None) - dt.timedelta(hours=2)
    found = (at for local in source(inner, local) for at in instants(local, zone))
    return list(itertools.islice((at for at in found if at > start), 5))


def show(expression, zone, start, times, source):
    times = " ".join(at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in times) or "-"
    print(f"{expression} | {zone} | {start:%Y-%m-%dT%H:%M:%SZ} | {times} | {source}")


def main():
    print("# expression | time zone | after | the next five times, or fewer if there are no more | source")
    print("# Written by times.py; what each source is stands there.")
    for line in filter(None, CASES.splitlines()):
        mark, expression, name, start = parsed(line)
        inner, zone = expression[5:-1], zoneinfo.ZoneInfo(name)
        both = {}
        sources = [("pyawscron 1.0.7", pyawscron_times), ("aws-croniter 2.1.1", croniter_times)]
        if " LW " in inner:
            sources = [("calendar", last_weekdays)]
        if inner.split()[4] == "L":
            # The last day of the week, as AWS's guide has it; both know it by its number alone.
            sources = [(f"{label}, as 7", of_saturdays(source)) for label, source in sources]
        for label, source in sources:
            try:
                both[label] = cron_times(source, inner, zone, start)
            except Exception as error:
                print(f"{label}: {expression}: {error!r}", file=sys.stderr)
        if len({tuple(times) for times in both.values()}) > 1:
            print(f"they differ: {expression} {name}: {both}", file=sys.stderr)
        if both:
            label, times = next(iter(both.items()))
            label = " and ".join(l for l, t in both.items() if t == times)
            show(expression, name, start, times, f"{label}; {mark}")
        else:
            print(f"none: {expression}", file=sys.stderr)
    for line in filter(None, RATES.splitlines()):
        mark, expression, name, start = parsed(line)
        value, unit = expression[5:-1].split()
        step = dt.timedelta(**{unit.rstrip("s") + "s": int(value)})
        show(expression, name, start, [start + step * n for n in range(1, 6)], f"datetime; {mark}")
    for line in filter(None, ONCE.splitlines()):
        mark, expression, name, start = parsed(line)
        local, zone = dt.datetime.fromisoformat(expression[3:-1]), zoneinfo.ZoneInfo(name)
        at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        show(expression, name, start, [at] if at > start else [], f"zoneinfo; {mark}")


main()
