"""Tests of the client in Python against servers that break the rules of docs/wire.md."""
import json
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import refmon
from refmon import connection, pipes, table


def frame(kind, request, body):
    return struct.pack("<IBQIH", 15 + len(body), kind, request, 0, 0) + body


def read(s):
    head = b""
    while len(head) < 19:
        head += s.recv(19 - len(head))
    length, kind, request, _, _ = struct.unpack("<IBQIH", head)
    rest = b""
    while len(rest) < length - 15:
        rest += s.recv(length - 15 - len(rest))
    return kind, request, rest


HELLO = json.dumps({
    "Magic": "refmon", "Version": 1, "Profile": 0, "Process": "8", "Thread": "t",
    "Rows": [{"Name": n, "Fingerprint": r["fingerprint"]} for n, r in table.ROWS.items()],
}).encode()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


class Rogue(unittest.TestCase):
    def client(self, answer):
        """Returns a client of a server that answers its first call with answer(socket, request)."""
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)

        def serve():
            read(theirs)
            theirs.sendall(frame(1, 0, HELLO))
            try:
                _, request, _ = read(theirs)
                answer(theirs, request)
            except OSError:
                pass

        serving = threading.Thread(target=serve)
        serving.start()
        self.addCleanup(serving.join)
        c = refmon.Connection(ours)
        self.addCleanup(c.close)
        return c

    def ends(self, answer, why):
        c = self.client(answer)
        with self.assertRaises(refmon.Disconnected) as e:
            c.thread.NtClose(Handle=4)
        self.assertIn(why, str(e.exception))

    def test_frames(self):
        good = b'{"Status":0,"Why":null,"Out":{}}'
        for answer, why in (
            (lambda s, r: s.sendall(struct.pack("<I", 0xFFFFFFFF)), "a frame of 4294967295 bytes"),
            (lambda s, r: s.sendall(struct.pack("<I", 14)), "a frame of 14 bytes"),
            (lambda s, r: s.sendall(frame(3, r + 1, good)), "which nothing waits for"),
            (lambda s, r: s.sendall(frame(2, r, good)), "a frame of kind 2"),
            (lambda s, r: s.sendall(frame(3, r, b"{")), "Expecting"),
            (lambda s, r: s.sendall(frame(13, r, b'{"Descriptors":1}')),
             "0 descriptors came with an answer that has 1"),
            (lambda s, r: (s.sendall(frame(3, r, good)[:20]), s.close()), "refmond closed the connection"),
        ):
            self.ends(answer, why)

    def test_uninvited_descriptors_are_closed(self):
        good = b'{"Status":0,"Why":null,"Out":{}}'
        before = descriptors()
        with open("/dev/null") as f:
            self.ends(lambda s, r: socket.send_fds(s, [frame(3, r, good)], [f.fileno()] * 3),
                      "3 descriptors came with an answer that has 0")
            self.ends(lambda s, r: socket.send_fds(s, [frame(13, r, b'{"Status":0,"Descriptors":1}')], [f.fileno()]),
                      "1 descriptors came with an answer that has none")
        self.doCleanups()
        self.assertEqual(descriptors(), before)

    def test_descriptors_come_with_their_answer(self):
        body = b'{"Status":0,"Why":null,"Out":{},"Descriptors":1}'
        before = descriptors()
        with open("/dev/null") as f:
            c = self.client(lambda s, r: socket.send_fds(s, [frame(13, r, body)], [f.fileno()]))
            head, fds = c._answer_with(c._send(connection.CALL))
            self.assertEqual(len(fds), 1)
            self.assertTrue(os.path.samestat(os.fstat(fds[0]), os.fstat(f.fileno())))
            self.assertFalse(os.get_inheritable(fds[0]))
            os.close(fds[0])
        self.doCleanups()
        self.assertEqual(descriptors(), before)

    def test_a_full_table_of_descriptors_ends_the_connection(self):
        """A read then returns the bytes and no descriptor, and says so in a flag alone."""
        body = b'{"Status":0,"Why":null,"Out":{},"Descriptors":1}'
        with open("/dev/null") as f:
            c = self.client(lambda s, r: socket.send_fds(s, [frame(13, r, body)], [f.fileno()]))
            was = resource.getrlimit(resource.RLIMIT_NOFILE)
            top = os.dup(0)  # the lowest number that is free: below the limit there is none
            os.close(top)
            resource.setrlimit(resource.RLIMIT_NOFILE, (top, was[1]))
            try:
                with self.assertRaises(refmon.Disconnected) as e:
                    c.thread.NtClose(Handle=4)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, was)
            self.assertIn("descriptors were lost", str(e.exception))

    def interrupted(self, call):
        """Runs call, which the signal SIGUSR1 interrupts with KeyboardInterrupt, as Ctrl-C does."""
        was = signal.signal(signal.SIGUSR1, signal.default_int_handler)
        try:
            with self.assertRaises(KeyboardInterrupt):
                call()
        finally:
            signal.signal(signal.SIGUSR1, was)

    def test_response_to_an_interrupted_call_is_dropped(self):
        before = descriptors()
        with open("/dev/null") as f:

            def answer(s, first):
                while not c._polling:  # the client waits for the response
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGUSR1)
                _, second, _ = read(s)
                late = b'{"Status":0,"Why":null,"Out":{},"Descriptors":1}'
                socket.send_fds(s, [frame(13, first, late)], [f.fileno()])
                s.sendall(frame(3, second, b'{"Status":3221225480,"Why":null,"Out":{}}'))

            c = self.client(answer)
            self.interrupted(lambda: c.thread.NtClose(Handle=4))
            self.assertEqual(c.thread.NtClose(Handle=8).status, 0xC0000008)
        self.assertFalse(c._answers or c._left or c._waiting)
        self.doCleanups()
        self.assertEqual(descriptors(), before)

    def test_interrupted_wait_is_cancelled(self):  # W-20
        """Otherwise it would take the next message of the pipe, and nobody would get that."""
        requests = []

        def answer(s, first):
            while not c._polling:  # the client waits for the response
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)
            s.settimeout(10)
            kind, second, body = read(s)
            requests.append((kind, json.loads(body)["Request"] == str(first)))
            s.sendall(frame(3, second, b'{"Status":0,"Why":null}'))

        c = self.client(answer)
        self.interrupted(lambda: pipes.PipeConnection(c.thread, 4).recv())
        self.assertEqual(requests, [(connection.CANCEL, True)])
        self.assertIsNone(c._lost)

    def test_wait_that_the_server_cancels_is_no_time_out(self):  # W-19
        """A server that stops cancels the calls that wait, and the program did not ask for a time limit."""
        cancelled = b'{"Status":%d,"Why":null}' % refmon.STATUS_CANCELLED
        for call in (lambda p: p.recv(), lambda p: p.recv(60), lambda p: p.send(b"x")):
            c = self.client(lambda s, r: s.sendall(frame(3, r, cancelled)))
            with self.assertRaises(refmon.NTError) as e:
                call(pipes.PipeConnection(c.thread, 4))
            self.assertEqual(e.exception.status, refmon.STATUS_CANCELLED)

    def test_interrupted_send_ends_the_connection(self):
        """Otherwise the server would read the next call as the rest of this one."""
        done = threading.Event()

        def answer(s, _):
            s.recv(1, socket.MSG_PEEK)  # the client is in the middle of the second frame
            os.kill(os.getpid(), signal.SIGUSR1)
            done.wait()

        c = self.client(answer)
        self.addCleanup(done.set)
        c._send(connection.CALL)
        self.interrupted(lambda: c._send(connection.CALL, body="x" * (connection.MAX_FRAME - 100)))
        with self.assertRaises(refmon.Disconnected) as e:
            c.thread.NtClose(Handle=4)
        self.assertIn("KeyboardInterrupt", str(e.exception))

    def test_refused_end_of_an_impersonation_ends_the_connection(self):  # W-8
        """Otherwise the next call would run as the client. A thread that has ended impersonates nobody."""
        saved = b'{"Status":0,"Why":null,"Out":{"Ticket":"1"}}'
        revert = dict(ThreadHandle=refmon.NtCurrentThread, ThreadInformationClass=refmon.ThreadImpersonationToken)

        def restored(c):
            with c.thread.restored():
                pass

        def batch(c, stop=False):
            with c.thread.batch(stop=stop) as calls:
                calls.NtSetInformationThread(**revert)

        ends = {
            "close": lambda c: c.thread.close(), "restored": restored, "batch": batch,
            "revert": lambda c: c.thread.NtSetInformationThread(**revert, ThreadInformation=0),
            "short": lambda c: c.thread.NtSetInformationThread(**revert),
        }
        others = {  # these do not end the impersonation of the thread
            "token": lambda c: c.thread.NtSetInformationThread(**revert, ThreadInformation=4),
            "thread": lambda c: c.thread.NtSetInformationThread(**{**revert, "ThreadHandle": 8}),
        }
        for status, lost in ((0, False), (0xC000000B, False), (0xC0000044, True), (0xC000009A, True)):
            for name, end in {**ends, **others}.items():

                def answer(s, request):
                    if end is restored:
                        s.sendall(frame(3, request, saved))
                        _, request, _ = read(s)
                    s.sendall(frame(3, request, b'{"Status":%d,"Why":null}' % status))

                c = self.client(answer)
                end(c)
                self.assertEqual(c._lost is not None, lost and name in ends, (status, name))
        c = self.client(lambda s, r: s.sendall(frame(3, r, b'{"Status":%d,"Why":null}' % refmon.STATUS_CANCELLED)))
        batch(c, stop=True)  # the revert was skipped
        self.assertIsNone(c._lost)

    def test_closed_pipe_uses_no_handle(self):
        """The handle's value may be that of another client's connection. So close first ends the calls that wait."""
        calls, begun, cancelled = [], threading.Event(), threading.Event()

        class Slow:
            def call_when_ready(self, name, *_):
                begun.set()
                cancelled.wait()
                calls.append(name)
                return connection.Result(status=refmon.STATUS_CANCELLED, name=name, why=None)

            def __getattr__(self, name):
                return lambda **_: calls.append(name)

        pipe = pipes.PipeConnection(Slow(), 4)
        pipe._waiter.cancel = cancelled.set
        reading = threading.Thread(target=lambda: self.assertRaises(pipes.Closed, pipe.recv))
        reading.start()
        begun.wait()
        pipe.close()
        reading.join()
        self.assertEqual(calls, ["NtReadFile", "NtClose", "close"])
        c = self.client(lambda s, r: (s.sendall(frame(3, r, b'{"Status":0,"Why":null,"Out":{"Ticket":"1"}}')),
                                      s.sendall(frame(3, read(s)[1], b'{"Status":0,"Why":null}'))))
        with self.assertRaises(pipes.Closed):
            with pipe.impersonate(c.thread):
                pass
        self.assertIsNone(c._lost)

    def test_hello(self):
        for reply, error, why in (
            (frame(3, 0, bytes.fromhex("9a0000c000")), refmon.NTError, "STATUS_INSUFFICIENT_RESOURCES"),
            (frame(1, 0, HELLO.replace(b'"Version": 1', b'"Version": 2')), ConnectionError, "version 1"),
            (frame(1, 0, b"\x06\0\0\0refmon"), ValueError, ""),
            (b"", ConnectionError, "closed the connection"),
        ):
            ours, theirs = socket.socketpair()
            theirs.sendall(reply)
            theirs.shutdown(socket.SHUT_WR)
            with self.assertRaises(error) as e:
                refmon.Connection(ours)
            self.assertIn(why, str(e.exception))
            theirs.close()

    def test_inherited_connection_serves_once(self):  # W-51
        """Later its number may be that of another file of the program."""
        for opened in (True, False):
            ours, theirs = socket.socketpair()
            self.addCleanup(theirs.close)
            theirs.sendall(frame(1, 0, HELLO))
            if opened:
                address = "fd:%d" % ours.detach()
                refmon.connect(address).close()
                continue
            with self.assertRaises(OSError) as e:
                refmon.connect(address)
            self.assertIn(address, str(e.exception))
            ours.close()

    def test_another_users_server_is_refused(self):  # W-24
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "s")
        with self.assertRaises(FileNotFoundError) as e:  # no server: the error names the program and the socket
            refmon.connect(path)
        self.assertIn("refmond is not running", str(e.exception))
        self.assertIn(path, str(e.exception))
        listener.bind(path)
        listener.listen()
        if os.geteuid() == 0:
            self.skipTest("a server of root is believed by all")
        with self.assertRaises(PermissionError):
            refmon.connect(path, uid=os.geteuid() + 1)


if __name__ == "__main__":
    unittest.main()
