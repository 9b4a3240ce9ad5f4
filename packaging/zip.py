#!/usr/bin/env python3
"""Writes the folder FOLDER/NAME as a zip archive: zip.py ARCHIVE FOLDER NAME. Equal files give equal bytes.

The time of all files is SOURCE_DATE_EPOCH.
"""
import os
import sys
import time
import zipfile


def main(archive, folder, name):
    made = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    paths = [os.path.join(at, n) for at, _, names in os.walk(os.path.join(folder, name)) for n in names]
    with zipfile.ZipFile(archive, "w") as z:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(os.path.relpath(path, folder).replace(os.sep, "/"), made)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, os.stat(path).st_mode << 16
            with open(path, "rb") as f:
                z.writestr(entry, f.read())


main(*sys.argv[1:])
