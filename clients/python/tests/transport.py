"""Makes the calls that a test reads to it, one a line, and prints what it was answered.

Parameters come as the JSON of docs/wire.md and become values of Python; results
go the same way back. So a test that calls through this program sees what a
program in Python sees.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import refmon
from refmon.table import ROWS, STRUCTS, Struct, decode, encode

connections, threads = {}, {}


def connect(c, address):
    connections[c] = refmon.connect(address)
    return new(connections[c].thread, c)


def thread(c):
    return new(connections[c].new_thread(), c)


def new(th, c):
    threads[c, th.number] = th
    th.tickets = {}
    return {"Number": th.number, "Name": th.name, "Observed": th.connection.profile == "observed"}


def call(c, n, name, params, why, handle=None, not_yet=None):
    th, row = threads[c, n], ROWS[name]
    th.explain = why
    values = decode(row["in"], params).__dict__
    if handle is None:
        r = th.call(name, values)
    else:
        r = th.call_when_ready(name, values, handle, not_yet)
    answer = {"Status": int(r.status), "Why": r.why and r.why.__dict__}
    outs = {k: getattr(r, k) for k in STRUCTS[row["out"]["struct"]] if hasattr(r, k)}
    if outs:
        answer["Out"] = encode(row["out"], Struct(**outs))
    return answer


def save(c, n):
    kept = threads[c, n].restored()
    kept.__enter__()
    threads[c, n].tickets[len(threads[c, n].tickets)] = kept
    return len(threads[c, n].tickets) - 1


def restore(c, n, ticket):
    threads[c, n].tickets[ticket].__exit__(None, None, None)


def end(c, n):
    threads[c, n].close()


def close(c):
    connections.pop(c).close()


for line in sys.stdin:
    op, *args = json.loads(line)
    answer = {}
    try:
        answer["Answer"] = globals()[op](*args)
    except Exception as e:
        answer["Error"] = "%s: %s" % (type(e).__name__, e)
    print(json.dumps(answer), flush=True)
