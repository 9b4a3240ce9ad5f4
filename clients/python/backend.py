#!/usr/bin/env python3
"""Builds the package for pip (PEP 517). It needs the standard library only. Equal sources give equal bytes:

    python3 -m pip install --no-index clients/python
    python3 clients/python/backend.py FOLDER   # writes the wheel into FOLDER

It reads name, version, description and requires-python from pyproject.toml, whose values must be plain strings.
"""
import base64
import gzip
import hashlib
import io
import os
import re
import sys
import tarfile
import time
import zipfile


HERE = os.path.dirname(os.path.abspath(__file__))


def project(text):
    """Returns the plain string values of the section [project]."""
    part = text.split("[project]", 1)[1].split("\n[", 1)[0]
    return dict(re.findall(r'^([a-z-]+) = "(.*)"$', part, re.M))


def read():
    with open(os.path.join(HERE, "pyproject.toml"), encoding="utf-8") as f:
        return project(f.read())


def sources(name):
    """Returns the contents of the package's files by their names in a wheel."""
    files = {}
    for at, _, names in os.walk(os.path.join(HERE, name)):
        if os.path.basename(at) == "__pycache__":
            continue
        for n in names:
            path = os.path.join(at, n)
            with open(path, "rb") as f:
                files[os.path.relpath(path, HERE).replace(os.sep, "/")] = f.read()
    return files


def metadata(values):
    return ("Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %s\nLicense: Apache-2.0\nRequires-Python: %s\n" % (
        values["name"], values["version"], values["description"], values["requires-python"])).encode()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    values = read()
    name, version = values["name"], values["version"]
    info = "%s-%s.dist-info/" % (name, version)
    files = sources(name)
    files[info + "METADATA"] = metadata(values)
    files[info + "WHEEL"] = b"Wheel-Version: 1.0\nGenerator: refmon\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join("%s,sha256=%s,%d\n" % (n, base64.urlsafe_b64encode(hashlib.sha256(b).digest()).rstrip(b"=").decode(),
                                            len(b)) for n, b in sorted(files.items()))
    files[info + "RECORD"] = (record + info + "RECORD,,\n").encode()
    made = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")))[:6]
    wheel = "%s-%s-py3-none-any.whl" % (name, version)
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w") as z:
        for n, b in sorted(files.items()):
            entry = zipfile.ZipInfo(n, made)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            z.writestr(entry, b)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    values = read()
    base = "%s-%s" % (values["name"], values["version"])
    files = sources(values["name"])
    for n in ("pyproject.toml", "backend.py"):
        with open(os.path.join(HERE, n), "rb") as f:
            files[n] = f.read()
    files["PKG-INFO"] = metadata(values)
    # tarfile itself would write the time of day into the header of the compressed file.
    with open(os.path.join(sdist_directory, base + ".tar.gz"), "wb") as f, \
            gzip.GzipFile("", "wb", fileobj=f, mtime=0) as z, tarfile.open(mode="w", fileobj=z) as t:
        for n, b in sorted(files.items()):
            entry = tarfile.TarInfo(base + "/" + n)
            entry.size = len(b)
            t.addfile(entry, io.BytesIO(b))
    return base + ".tar.gz"


if __name__ == "__main__":
    build_wheel(sys.argv[1])
