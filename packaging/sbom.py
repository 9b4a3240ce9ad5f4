#!/usr/bin/env python3
"""Prints a bill of materials in CycloneDX 1.5 format: the Go modules in each program, from go version -m.

    sbom.py VERSION SECONDS PROGRAM...

SECONDS is its time, in seconds since 1970. A program's path ends in SYSTEM/FOLDER/NAME.
"""
import json
import os
import subprocess
import sys
import time


def modules(program):
    """Yields path, version and checksum of each module in a program. The toolchain comes first, as stdlib. The checksum
    is "" for it and for modules of this repository."""
    out = subprocess.run(["go", "version", "-m", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    toolchain = out.splitlines()[0].rsplit(" ", 1)[1]
    yield "stdlib", toolchain.removeprefix("go"), ""
    for line in out.splitlines():
        part = line.split("\t")
        if len(part) > 3 and part[1] == "dep":
            yield part[2], part[3], part[4] if len(part) > 4 else ""


def component(path, version, checksum):
    c = {"type": "library", "name": path, "version": version, "purl": "pkg:golang/%s@%s" % (path, version)}
    c["bom-ref"] = c["purl"]
    if checksum.startswith("h1:"):
        # The checksum is of a list of the module's files, so it is not a hash of an archive.
        c["properties"] = [{"name": "go:sum", "value": checksum}]
    return c


def main(version, seconds, *programs):
    all_of, linked = {}, {}
    for p in programs:
        name = "/".join(p.split(os.sep)[-3::2])  # SYSTEM/PROGRAM
        refs = linked.setdefault("refmon:" + name, [])
        for path, v, checksum in modules(p):
            if path.startswith("github.com/refmon/"):
                continue
            c = component(path, v, checksum)
            all_of[c["bom-ref"]] = c
            refs.append(c["bom-ref"])
    apps = [{"type": "application", "name": r.removeprefix("refmon:"), "version": version, "bom-ref": r}
            for r in sorted(linked)]
    json.dump({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds))),
                     "component": {"type": "application", "name": "refmon", "version": version, "bom-ref": "refmon",
                                   "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": apps + [all_of[r] for r in sorted(all_of)],
        "dependencies": [{"ref": "refmon", "dependsOn": [a["bom-ref"] for a in apps]}] +
                        [{"ref": r, "dependsOn": sorted(refs)} for r, refs in sorted(linked.items())],
    }, sys.stdout, indent=1)
    print()


main(*sys.argv[1:])
