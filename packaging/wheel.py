#!/usr/bin/env python3
"""Writes the wheel of a Python package, the same bytes each time, with the standard library alone.

    wheel.py clients/python FOLDER

It reads name, version, description and requires-python of pyproject.toml, whose values are plain strings.
"""
import base64
import hashlib
import os
import re
import sys
import time
import zipfile


def project(text):
    """The values of [project] that a wheel tells."""
    part = text.split("[project]", 1)[1].split("\n[", 1)[0]
    return dict(re.findall(r'^([a-z-]+) = "(.*)"$', part, re.M))


def main(source, folder):
    with open(os.path.join(source, "pyproject.toml"), encoding="utf-8") as f:
        values = project(f.read())
    name, version = values["name"], values["version"]
    info = "%s-%s.dist-info/" % (name, version)
    files = {}
    for at, _, names in os.walk(os.path.join(source, name)):
        if os.path.basename(at) == "__pycache__":
            continue
        for n in names:
            path = os.path.join(at, n)
            with open(path, "rb") as f:
                files[os.path.relpath(path, source).replace(os.sep, "/")] = f.read()
    files[info + "METADATA"] = ("Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %s\nLicense: Apache-2.0\n"
                                "Requires-Python: %s\n" % (name, version, values["description"],
                                                           values["requires-python"])).encode()
    files[info + "WHEEL"] = b"Wheel-Version: 1.0\nGenerator: refmon\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join("%s,sha256=%s,%d\n" % (n, base64.urlsafe_b64encode(hashlib.sha256(b).digest()).rstrip(b"=").decode(),
                                            len(b)) for n, b in sorted(files.items()))
    files[info + "RECORD"] = (record + info + "RECORD,,\n").encode()
    made = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")))[:6]
    with zipfile.ZipFile(os.path.join(folder, "%s-%s-py3-none-any.whl" % (name, version)), "w") as z:
        for n, b in sorted(files.items()):
            entry = zipfile.ZipInfo(n, made)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            z.writestr(entry, b)


main(*sys.argv[1:])
