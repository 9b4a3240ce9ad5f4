#!/usr/bin/env python3
"""Requests files from the server of the named pipe "files" and prints its replies.

    PYTHONPATH=clients/python python3 examples/files/python/client.py 'plans\\plan.txt'
"""
import sys

import refmon

with refmon.connect() as kernel, kernel.thread.dial_pipe("files", "SecurityImpersonation") as pipe:
    for name in sys.argv[1:]:
        pipe.send(name)
        answer = pipe.recv()
        if answer is None:
            sys.exit("the server is gone")
        print("%s: %s" % (name, answer.decode(errors="replace")))
