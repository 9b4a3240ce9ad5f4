#!/usr/bin/env python3
"""Runs the commands in a page's console blocks and compares their output with the page: pages.py PAGE [PREFIX...]

It runs the commands that begin with one of the prefixes. Without prefixes it runs all commands except those of go,
which need the toolchain. A line "[...]" matches any number of lines. The commands run in the current folder. The exit
code is 1 for a difference, and if the page has no such command.
"""
import re
import subprocess
import sys


def same(got, want):
    got, want = [line.rstrip() for line in got.rstrip("\n").split("\n")], want.rstrip("\n").split("\n")
    while want:
        if want[0] == "[...]":
            if len(want) == 1:
                return True
            while got and got[0] != want[1]:
                got = got[1:]
            want = want[1:]
            continue
        if not got or got[0] != want[0]:
            return False
        got, want = got[1:], want[1:]
    return not got


def main(page, *prefixes):
    with open(page, encoding="utf-8") as f:
        blocks = re.findall(r"(?ms)^```console\n\$ ([^\n]*)\n(.*?)^```$", f.read())
    count = 0
    for command, want in blocks:
        if prefixes and not command.startswith(prefixes) or not prefixes and command.startswith("go "):
            continue
        count += 1
        done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not same(done.stdout, want):
            sys.exit("%s: %s\nprints\n%s\nthe page says\n%s" % (page, command, done.stdout, want))
    if not count:
        sys.exit("%s shows no command %s" % (page, prefixes))
    print("ok  %d commands of %s" % (count, page))


main(*sys.argv[1:])
