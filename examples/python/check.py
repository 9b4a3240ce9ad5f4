#!/usr/bin/env python3
"""Checks access from Python with refmon as a child process.

    python3 examples/python/check.py [path of refmon]

Copy class Refmon into your program. A question is a line of JSON, and so is its
answer. Starting a process takes milliseconds, a question microseconds, so use
one child for the whole program.
"""
import contextlib
import json
import subprocess
import sys
import threading


class Refmon:
    """A running `refmon check --batch -`. Use it in a with statement."""

    def __init__(self, path="refmon", explain=False):
        command = [path, "check", "--batch", "-"] + (["--explain"] if explain else [])
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self._lock = threading.Lock()  # a question and its answer belong together
        self._asked = 0

    def _line(self, question):
        with self._lock:
            self._asked += 1
            number = self._asked
            try:
                self._child.stdin.write(json.dumps({**question, "id": number}) + "\n")
                self._child.stdin.flush()
            except BrokenPipeError:
                raise RuntimeError("refmon has stopped") from None
            answer = self._child.stdout.readline()
        if not answer:
            raise RuntimeError("refmon has stopped")
        answer = json.loads(answer)
        unread = answer.get("error", "").startswith("line %d:" % number)  # a line without a readable id
        if answer.get("id") != number and not unread:  # an exception, such as KeyboardInterrupt, left an older answer
            raise RuntimeError("the answer is to another question: start refmon again")
        if "error" in answer:  # the question was malformed; a denial is not an error
            raise ValueError(answer["error"])
        return answer

    def define(self, **tokens):
        """Gives tokens names for later questions. It returns refmon's list of the defined names."""
        return self._line({"define": tokens})["defined"]

    def check(self, token, sd, desired, **more):
        """Returns the answer to one question as a dict. token is a token file as a dict, or a defined name. sd is SDDL
        or bytes. ValueError: the question is malformed. RuntimeError: refmon has stopped, or an exception interrupted an
        earlier call."""
        question = {"desired": desired, **more}
        question["tokenRef" if isinstance(token, str) else "token"] = token
        if isinstance(sd, bytes):
            question["sdHex"] = sd.hex()
        else:
            question["sd"] = sd
        return self._line(question)

    def may(self, token, sd, desired, **more):
        """Returns whether all requested rights are granted. The errors are those of check."""
        return self.check(token, sd, desired, **more)["status"] == "STATUS_SUCCESS"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()  # refmon ends with its input
        self._child.stdout.close()
        self._child.wait(timeout=10)


def main():
    report = "O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)"
    with Refmon(*sys.argv[1:2], explain=True) as refmon:
        refmon.define(guest={"user": "S-1-5-21-1-2-3-501", "groups": ["BG", "WD"]})
        print("read: ", refmon.may("guest", report, "FILE_READ_DATA"))
        print("write:", refmon.may("guest", report, "FILE_WRITE_DATA"))
        for step in refmon.check("guest", report, "FILE_WRITE_DATA")["why"]:
            print("       entry", step["ace"], "by", step["rule"] + ":", step["because"])
        admin = {"user": "S-1-5-21-1-2-3-500", "groups": ["BA"]}
        print("admin:", refmon.check(admin, report, "MAXIMUM_ALLOWED")["granted"])
        try:
            refmon.check("stranger", report, 1)
        except ValueError as err:
            print("error:", err)


if __name__ == "__main__":
    main()
