"""The shop on ministack, which is somebody else's idea of AWS: deployed by `sam deploy` from what `sam build` made, with
this repository's samconfig.toml, and an order as far as it goes there.

    python judge.py ROOT BUILT MINISTACK    the repository, the folder of `sam build`, the program

Everything runs in folders that are deleted, on loopback, and is ended whatever happens. What ministack cannot do is
named in docs/deploy/README.md.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import boto3

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
SECRET = "sixteen bytes or more of a secret"


def main(root, built, program):
    # Ended by a signal, it still ends what it began.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="pointsman-judge-") as folder:
        folder = pathlib.Path(folder)
        with ministack(program, folder) as endpoint:
            environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ENDPOINT_URL": endpoint, **KEYS}
            environment |= {"AWS_EC2_METADATA_DISABLED": "true", "SAM_CLI_TELEMETRY": "0", "CI": "1"}
            os.environ.update(environment)
            boto3.client("secretsmanager").create_secret(Name="shop/payment-webhook", SecretString=SECRET)
            deploy(root, built, folder, environment)
            stack = {output["OutputKey"]: output["OutputValue"] for output in described()["Outputs"]}
            what_was_built_is_deployed(root, built)
            order(stack)


@contextlib.contextmanager
def ministack(program, folder):
    """Started on a free port of loopback, with its data in the folder; ended with all that it started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = open(folder / "ministack.log", "wb")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "BIND_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "GATEWAY_PORT": str(port), "S3_DATA_DIR": str(folder / "s3"), "DOCKER_HOST": "unix:///nowhere",
        "LAMBDA_EXECUTOR": "local", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", **KEYS,
    }
    process = subprocess.Popen(
        [program], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        until("ministack listens", lambda: process.poll() is None and listens(port), seconds=60)
        yield endpoint
    except BaseException:
        log.flush()
        print((folder / "ministack.log").read_text(errors="replace")[-6000:], file=sys.stderr)
        raise
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def deploy(root, built, folder, environment):
    """Plain `sam deploy`, where samconfig.toml is and `sam build` has left its result."""
    place = folder / "place"
    (place / ".aws-sam").mkdir(parents=True)
    (place / "infra").mkdir()
    shutil.copy(root / "samconfig.toml", place)
    # The sources' template lies there as well: deployed instead of the built one, it would name a folder of sources.
    shutil.copy(root / "infra/template.yaml", place / "infra")
    (place / ".aws-sam/build").symlink_to(built)
    command = [pathlib.Path(sys.executable).parent / "sam", "deploy", "--no-confirm-changeset", "--region", REGION]
    ran = subprocess.run(
        command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=600,
    )
    said = [line for line in ran.stdout.splitlines() if "Uploading to" not in line]
    assert ran.returncode == 0, "\n".join(said)


def described():
    return boto3.client("cloudformation").describe_stacks(StackName="shop-dev")["Stacks"][0]


def what_was_built_is_deployed(root, built):
    """Every function has the code that `sam build` made of it, and there is one for each binary."""
    client = boto3.client("lambda")
    binaries = sorted(path.stem for path in (root / "functions/src/bin").glob("*.rs"))
    for binary in binaries:
        configuration = client.get_function_configuration(FunctionName=f"dev-{binary}")
        size = (built / logical_id(binary) / "bootstrap").stat().st_size
        assert size / 10 < configuration["CodeSize"] < size + 10_000, (binary, configuration["CodeSize"], size)
    print(f"deployed {len(binaries)} functions")


def logical_id(binary):
    return "".join(word.capitalize() for word in binary.split("-"))


def order(stack):
    """Stock, an order, and what followed from it."""
    loaded = invoke("maintenance", {
        "action": "loadStock", "delivery": "first", "items": [{"sku": "TEA-ASSAM-100", "quantity": 5}],
    })
    print("stock:", json.dumps(loaded))
    placed = invoke("order-commands", request("POST", "/orders", "orders:write", {
        "items": [{"sku": "TEA-ASSAM-100", "quantity": 2}],
        "shippingAddress": {
            "recipient": "Anna Miller", "street": "Lindenallee 1", "postalCode": "10115", "city": "Berlin",
            "country": "DE",
        },
    }))
    assert placed["statusCode"] == 202, placed
    order_id = json.loads(placed["body"])["orderId"]
    print("order:", order_id)
    seen = []

    def is_fulfilled():
        answer = invoke("order-queries", request("GET", f"/orders/{order_id}", "orders:read", parameters={"id": order_id}))
        code = answer["statusCode"]
        status = json.loads(answer["body"]).get("status") if code == 200 else f"not to be read yet: {code}"
        if status not in seen:
            seen.append(status)
            print("order is", status)
        return status == "fulfilled"

    until("the order is fulfilled", is_fulfilled, seconds=120, otherwise=lambda: seen)


def request(method, path, scope, body=None, parameters=None):
    """A request as API Gateway gives it to a function."""
    now = int(time.time() * 1000)
    route = re.sub(r"/orders/.+", "/orders/{id}", path)
    return {
        "version": "2.0", "routeKey": f"{method} {route}", "rawPath": path, "rawQueryString": "",
        "headers": {"content-type": "application/json", "idempotency-key": f"judge-{now}"},
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "000000000000", "apiId": "judge", "domainName": "judge.invalid", "domainPrefix": "judge",
            "authorizer": {"jwt": {"claims": {"sub": "anna", "scope": scope}, "scopes": [scope]}},
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "judge"},
            "requestId": f"judge-{now}", "routeKey": f"{method} {route}", "stage": "$default", "time": "now",
            "timeEpoch": now,
        },
        "body": None if body is None else json.dumps(body), "isBase64Encoded": False,
    }


def invoke(binary, event):
    answer = boto3.client("lambda").invoke(FunctionName=f"dev-{binary}", Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, (binary, payload)
    return payload


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(what, holds, seconds, otherwise=lambda: ""):
    for _ in range(seconds * 5):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what} {otherwise()}")


if __name__ == "__main__":
    main(*(pathlib.Path(argument).absolute() for argument in sys.argv[1:]))
