#!/usr/bin/env python3
"""Sends files of the tree "share" to the clients of the named pipe "files". It has no right on any of them: each is
opened as the client who asks, and read by the descriptor that came with the open.

    PYTHONPATH=clients/python python3 examples/files/python/server.py
"""
import threading

import refmon

LONGEST = 1 << 20  # of what is sent, in bytes


def answer(pipe, thread):
    with pipe, thread:
        for name in pipe:
            pipe.send(contents(pipe, thread, "\\??\\share\\" + name.decode()))


def contents(pipe, thread, name):
    try:
        with pipe.impersonate(thread):  # the client of that message
            file = thread.open_file(name)
    except refmon.NTError as e:
        return str(e.status).encode()
    with file:  # the server again
        return file.read(LONGEST)


with refmon.connect() as kernel, kernel.thread.listen_pipe("files", sd="D:(A;;FA;;;WD)(A;;FA;;;OW)") as pipes:
    print("listening on \\??\\pipe\\files", flush=True)
    for pipe in pipes:
        # A thread for each client: none ever sees another's identity.
        threading.Thread(target=answer, args=(pipe, kernel.new_thread()), daemon=True).start()
