# Asks Samba's Python binding and times itself: a JSON line in, one out.
import json
import sys
import time

import samba
from samba import NTSTATUSError, security as check
from samba.dcerpc import security
from samba.ndr import ndr_unpack


def prepare(m):
    token = security.token()
    token.sids = [security.dom_sid(s) for s in m["sids"]]
    token.num_sids = len(m["sids"])
    raw = bytes.fromhex(m["sd"])
    sd = ndr_unpack(security.descriptor, raw)
    desired = m["desired"]
    if m.get("once"):
        return lambda: check.access_check(ndr_unpack(security.descriptor, raw), token, desired)
    return lambda: check.access_check(sd, token, desired)


def ask(once, n):
    granted = 0
    start = time.thread_time_ns()
    for _ in range(n):
        try:
            granted = once()
        except NTSTATUSError:
            granted = 0
    return {"ns": time.thread_time_ns() - start, "granted": granted}


def say(answer):
    print(json.dumps(answer), flush=True)


questions = []
say({"version": samba.version})
for line in sys.stdin:
    m = json.loads(line)
    try:
        if "sd" in m:
            questions.append(prepare(m))
            say({"id": len(questions) - 1})
        else:
            say(ask(questions[m["id"]], m["n"]))
    except Exception as e:
        say({"error": f"{type(e).__name__}: {e}"})
