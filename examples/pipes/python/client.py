#!/usr/bin/env python3
"""Requests files from the server of the named pipe "orders". With -identify the server may only identify it.

    PYTHONPATH=clients/python python3 examples/pipes/python/client.py report payroll
"""
import sys

import refmon

names = [a for a in sys.argv[1:] if a != "-identify"]
level = "SecurityIdentification" if len(names) < len(sys.argv) - 1 else "SecurityImpersonation"
with refmon.connect() as kernel, kernel.thread.dial_pipe("orders", level) as pipe:
    for name in names:
        pipe.send(name)
        answer = pipe.recv()
        if answer is None:
            sys.exit("the server is gone")
        # Another server could have taken the name of the pipe, so what controls a terminal is not printed.
        plain = "".join(c if c.isprintable() else "?" for c in answer.decode(errors="replace"))
        print("%s: %s" % (name, plain))
