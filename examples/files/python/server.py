#!/usr/bin/env python3
"""Sends files of the tree "share" to the clients of the named pipe "files". It has no rights on the files. It opens
each file as the client and reads it, through a host file descriptor if refmond passes one.

    PYTHONPATH=clients/python python3 examples/files/python/server.py
"""
import contextlib
import threading
import time

import refmon

LONGEST = 1 << 20  # bytes of the largest file that it sends, as one message


def answer(pipe, kernel):
    # Each client has a thread, so identities never mix. Without one, this client must come again. It is also the end of
    # a client that leaves before its answer, or sends a name that is not UTF-8.
    with contextlib.suppress(refmon.NTError, UnicodeDecodeError), pipe, kernel.new_thread() as thread:
        for name in pipe:
            pipe.send(contents(pipe, thread, "\\??\\share\\" + name.decode()))


def contents(pipe, thread, name):
    try:
        with pipe.impersonate(thread):  # as the client that sent the message
            file = thread.open_file(name)
    except refmon.NTError as e:
        return str(e.status).encode()
    with file:  # as the server again
        data = file.read(LONGEST + 1)
    return data if len(data) <= LONGEST else b"STATUS_FILE_TOO_LARGE"


# Clients get no FILE_CREATE_PIPE_INSTANCE: with it they could serve the pipe's other clients.
with refmon.connect() as kernel, kernel.thread.listen_pipe("files", sd="D:(A;;0x12019b;;;WD)(A;;FA;;;OW)") as pipes:
    print("listening on \\??\\pipe\\files", flush=True)
    while True:
        try:
            pipe = pipes.accept()
        except refmon.Disconnected:
            raise
        except refmon.NTError:  # for example too little memory: try again
            time.sleep(0.1)
            continue
        threading.Thread(target=answer, args=(pipe, kernel), daemon=True).start()
