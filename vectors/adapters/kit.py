"""Reads questions of refmon-kit on standard input and writes one answer for each on standard output (docs/kit.md).

An adapter passes a dictionary from operation to function. A function gets the question's "in" and returns the answer's
"out". It raises Invalid if the implementation refuses the input, and Unsupported if it has no such feature. None of the
implementations here parses conditional entries, so refusing a text with one is "unsupported"; to misread one is wrong.
"""

import json
import re
import sys


class Invalid(Exception):
    """The implementation refused the input as malformed."""


class Unsupported(Exception):
    """The implementation has no such feature."""


def mask(text):
    """Returns the number of a mask such as "0x120089"; None is 0."""
    return int(text or "0", 16)


def map_generic(bits, mapping):
    """Replaces generic bits, as callers of an access check do before they call it."""
    for bit, name in ((0x80000000, "read"), (0x40000000, "write"), (0x20000000, "execute"), (0x10000000, "all")):
        if bits & bit:
            bits = bits & ~bit | mask((mapping or {}).get(name))
    return bits


def refuse(question, *fields):
    """Raises Unsupported for the first of these fields that the question or its token has."""
    for source in (question, question.get("token") or {}):
        for name in fields:
            if source.get(name):
                raise Unsupported("no " + name)


NEWER = re.compile(r"\((XA|XD|XU|ZA|RA|SP);", re.IGNORECASE)


def answer(line, operations):
    question = json.loads(line)
    reply = {"id": question["id"]}
    try:
        if question["op"] not in operations:
            raise Unsupported("no operation " + question["op"])
        reply["out"] = operations[question["op"]](question["in"])
    except Unsupported as e:
        reply["unsupported"] = str(e)
    except Invalid as e:
        if question["op"] == "parse_sddl" and NEWER.search(question["in"]["sddl"]):
            return {"id": question["id"], "unsupported": "no conditional entries, resource attributes and policies in texts"}
        reply["error"] = "invalid: " + " ".join(str(e).split())[:200]
    except Exception as e:  # the adapter's own mistake, which must stay visible
        reply["error"] = "other: %s %s" % (type(e).__name__, " ".join(str(e).split())[:200])
    return reply


def main(operations):
    """Answers until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(answer(line, operations)), flush=True)
