#!/usr/bin/env python3
"""Serves the named pipe "orders". It opens each file as the client that requests it.

    PYTHONPATH=clients/python python3 examples/pipes/python/server.py
"""
import contextlib
import threading
import time

import refmon


def answer(pipe, kernel):
    # Each client has a thread, so identities never mix. Without one, this client must come again. It is also the end of
    # a client that leaves before its answer, or sends a name that is not UTF-8.
    with contextlib.suppress(refmon.NTError, UnicodeDecodeError), pipe, kernel.new_thread() as thread:
        for name in pipe:
            status = open_as_client(pipe, thread, name.decode())
            print("asked for %r: %s" % (name.decode(), status), flush=True)
            pipe.send(str(status))


def open_as_client(pipe, thread, name):
    try:
        with pipe.impersonate(thread):
            opened = thread.NtOpenFile(DesiredAccess=refmon.FILE_READ_DATA, ObjectAttributes={"ObjectName": name})
    except refmon.NTError as e:
        return e.status
    if opened.status.ok:
        thread.NtClose(Handle=opened.FileHandle)
    return opened.status


# Clients get no FILE_CREATE_PIPE_INSTANCE: with it they could serve the pipe's other clients.
with refmon.connect() as kernel, kernel.thread.listen_pipe("orders", sd="D:(A;;0x12019b;;;WD)(A;;FA;;;OW)") as pipes:
    print("listening on \\??\\pipe\\orders", flush=True)
    while True:
        try:
            pipe = pipes.accept()
        except refmon.Disconnected:
            raise
        except refmon.NTError:  # for example too little memory: try again
            time.sleep(0.1)
            continue
        threading.Thread(target=answer, args=(pipe, kernel), daemon=True).start()
