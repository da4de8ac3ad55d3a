"""What a deployment would do, by the tools' own reading of the files: `python deploy.py ROOT`, without AWS.

- `sam deploy` takes the template that `sam build` made, for each stage of samconfig.toml, with parameters that there are
- the example workflow is YAML whose actions are pinned, and asks for no more than an identity
- the role that it takes trusts one repository's environment alone
"""

import os
import pathlib
import re
import sys
import tempfile
import types

import yaml
from samcli.commands._utils.options import get_or_default_template_file_name
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse

# What each stage is deployed as.
STAGES = {"default": "shop-dev", "prod": "shop"}


def main(root):
    stages(root)
    workflow(root)
    role(root)


def stages(root):
    config = SamConfig(root)
    parameters = yaml_parse((root / "infra/template.yaml").read_text())["Parameters"]
    for stage, stack in STAGES.items():
        deploy = config.get_all(["deploy"], "parameters", stage)
        assert deploy["stack_name"] == stack, deploy
        assert deploy["capabilities"] == "CAPABILITY_IAM" and deploy["resolve_s3"] is True, deploy
        given = dict(pair.split("=", 1) for pair in deploy["parameter_overrides"].split())
        assert set(given) <= set(parameters), f"{stage}: {given}"
        for command in ("build", "validate"):
            assert config.get_all([command], "parameters", stage)["template_file"] == "infra/template.yaml"
        taken = template_of_deploy(deploy)
        assert taken == ".aws-sam/build/template.yaml", f"sam deploy of {stage} would take {taken}"
        # The test sees the mistake it is there for.
        assert template_of_deploy({**deploy, "template_file": "infra/template.yaml"}) == "infra/template.yaml"
    print(f"{len(STAGES)} stages")


def template_of_deploy(parameters):
    """The template that `sam deploy` takes where `sam build` has run, with these parameters from samconfig.toml."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        for name in (".aws-sam/build/template.yaml", "infra/template.yaml"):
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True)
            path.write_text("Resources: {}\n")
        os.chdir(folder)
        try:
            given = parameters.get("template_file", "template.[yaml|yml|json]")
            context = types.SimpleNamespace(default_map={}, samconfig_dir=folder)
            found = get_or_default_template_file_name(context, None, given, include_build=True)
            return str(pathlib.Path(found).resolve().relative_to(pathlib.Path(folder).resolve()))
        finally:
            os.chdir(here)


def workflow(root):
    text = (root / "docs/deploy/github-workflow.yml").read_text()
    read = yaml.safe_load(text)
    assert read["permissions"] == {}, "no rights but a job's own"
    assert "secrets." not in text, "no key is stored"
    for name, job in read["jobs"].items():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}, name
        assert job["environment"] == name
        stage = job["env"]["STAGE"]
        assert stage in STAGES, stage
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert uses and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in uses), uses
        runs = [step["run"] for step in job["steps"] if "run" in step]
        assert any("sam build --config-env" in run for run in runs) and any("sam deploy" in run for run in runs), runs
    print(f"{len(read['jobs'])} jobs")


def role(root):
    resources = yaml_parse((root / "docs/deploy/role.yml").read_text())["Resources"]
    [trust] = resources["Deploys"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity", trust
    claims = trust["Condition"]
    assert list(claims) == ["StringEquals"], "a pattern would let other branches and repositories in"
    issuer = "token.actions.githubusercontent.com"
    assert claims["StringEquals"][f"{issuer}:aud"] == "sts.amazonaws.com"
    assert claims["StringEquals"][f"{issuer}:sub"] == {"Fn::Sub": "repo:${Repository}:environment:${Environment}"}
    for statement in resources["Deploys"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        assert not any("*" in action for action in ([actions] if isinstance(actions, str) else actions)), statement
    print("1 role")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
