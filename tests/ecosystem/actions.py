"""Every action of actions.json by boto3, by the AWS CLI in this process, or by the CLI's version 2, a process an action:
`python actions.py boto3|cli|PATH-OF-VERSION-2`.

A row names service, action and input; of the answer, what is expected at which path (`#` is how many), or the error's
code; and what is kept for later rows as `${name}`.
"""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError


class ByBoto3:
    """An answer, or the error's code."""

    def __call__(self, service, action, given):
        try:
            answer = getattr(boto3.client(service), xform_name(action))(**given)
        except ClientError as error:
            return None, error.response["Error"]["Code"]
        if action == "Invoke":
            answer["Payload"] = answer["Payload"].read().decode()
        return answer, None


class ByCli:
    """The AWS CLI's own code, started once."""

    def __init__(self):
        from awscli.clidriver import create_clidriver

        self.driver = create_clidriver()

    def __call__(self, service, action, given):
        command = [*self.options(), service, xform_name(action, "-")]
        outfile = None
        if action == "Invoke":
            # The one whose input is bytes, and whose answer goes to a file.
            outfile = pathlib.Path("invoked.json")
            for name, value in given.items():
                command += ["--" + xform_name(name, "-"), value]
            command.append(str(outfile))
        elif given:
            command += ["--cli-input-json", json.dumps(given)]
        status, out, err = self.run(command)
        if status != 0:
            code = re.search(r"\(([\w.]+)\) when calling", err)
            assert code, f"{command}: {status}: {err}"
            return None, code.group(1)
        answer = json.loads(out or "{}")
        if outfile:
            answer["Payload"] = outfile.read_text()
        return answer, None

    def options(self):
        """Version 1 reads the endpoint of `aws sqs` from nowhere but its option."""
        return ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"], "--output", "json"]

    def run(self, command):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = self.driver.main(command)
        return status, out.getvalue(), err.getvalue()


class ByCli2(ByCli):
    """Version 2, as a program: its own Python lies beside it."""

    def __init__(self, program):
        self.program = program

    def options(self):
        """It takes bytes in base64 unless it is told otherwise."""
        return ["--cli-binary-format", "raw-in-base64-out", "--output", "json"]

    def run(self, command):
        ran = subprocess.run([self.program, *command], capture_output=True, text=True)
        return ran.returncode, ran.stdout, ran.stderr


def main(tool):
    by_name = {"boto3": ByBoto3, "cli": ByCli}
    call = by_name[tool]() if tool in by_name else ByCli2(tool)
    kept = {}
    for row in json.loads(pathlib.Path(__file__).with_name("actions.json").read_text()):
        name = f"{row['service']} {row['action']} {json.dumps(row.get('input', {}))}"
        answer, error = call(row["service"], row["action"], filled(row.get("input", {}), kept))
        assert error == row.get("error"), f"{name}: {error}: {answer}"
        for path, wanted in filled(row.get("expect", {}), kept).items():
            found = at(answer, path)
            assert found == wanted, f"{name}: {path} is {found!r}, not {wanted!r}: {answer}"
        kept |= {name: at(answer, path) for name, path in row.get("keep", {}).items()}
        print(f"{row['service']} {row['action']}")


def filled(value, kept):
    """The same with what was kept."""
    if isinstance(value, dict):
        return {name: filled(part, kept) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, kept) for part in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: kept[found[1]], value)
    return value


def at(answer, path):
    """What stands at a path of names and places."""
    for part in path.split("."):
        if part == "#":
            answer = len(answer or [])
        elif isinstance(answer, list):
            answer = answer[int(part)]
        else:
            answer = answer.get(part) if answer else None
    return answer


if __name__ == "__main__":
    main(sys.argv[1])
