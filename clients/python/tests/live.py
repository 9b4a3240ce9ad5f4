"""Tests of the client in Python: python3 live.py ADDRESS.

A server there gives each connection a process of LocalSystem."""
import os
import pathlib
import subprocess
import sys
import threading
import time
import types
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import refmon
from refmon import files, pipes, table

ADDRESS = None
EVERYONE = "O:SYG:SYD:(A;;FA;;;WD)"


class Live(unittest.TestCase):
    def connect(self):
        c = refmon.connect(ADDRESS)
        self.addCleanup(c.close)
        return c

    def user(self, th, own=True):
        h = th.NtOpenThreadToken(ThreadHandle=refmon.NtCurrentThread, DesiredAccess=refmon.TOKEN_QUERY, OpenAsSelf=own)
        if not h.status.ok:
            return h.status
        u = th.NtQueryInformationToken(TokenHandle=h.TokenHandle, TokenInformationClass=refmon.TokenUser).check()
        th.NtClose(Handle=h.TokenHandle).check()
        return u.TokenInformation.value.SID

    def test_calls(self):
        th = self.connect().thread
        h = th.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess, DesiredAccess=refmon.TOKEN_QUERY).check()
        u = th.NtQueryInformationToken(TokenHandle=h.TokenHandle, TokenInformationClass=refmon.TokenUser)
        self.assertEqual((u.status, u.TokenInformation.type, u.TokenInformation.value.SID),
                         (refmon.STATUS_SUCCESS, "Group", "S-1-5-18"))
        th.explain = True
        r = th.NtClose(Handle=4000)
        got = (r.status, str(r.status), r.why.Rule)
        self.assertEqual(got, (refmon.STATUS_INVALID_HANDLE, "STATUS_INVALID_HANDLE", "O-40"))
        self.assertEqual(str(table.Why(Rule="O-23", Object="", Because="", Explanation=None)), "O-23")
        with self.assertRaises(refmon.NTError) as e:
            r.check()
        self.assertIn("STATUS_INVALID_HANDLE", str(e.exception))

    def test_wrong_parameters_are_not_sent(self):
        th = self.connect().thread
        for error, name, parameters in (
            (TypeError, "NtClose", {"handle": 4}),
            (ValueError, "NtClose", {"Handle": 2**63}),
            (ValueError, "NtClose", {"Handle": "4"}),
            (ValueError, "NtClose", {"Handle": True}),
            (ValueError, "NtOpenProcessToken", {"DesiredAccess": -1}),
            (ValueError, "NtSetInformationToken", {"TokenInformation": 1}),
            (ValueError, "NtWriteFile", {"Buffer": bytes(4 << 20)}),
            (AttributeError, "NtNothing", {}),
        ):
            with self.assertRaises(error, msg=(name, parameters)):
                th.call(name, parameters)
        self.assertEqual(th.NtClose(Handle=4000).status, refmon.STATUS_INVALID_HANDLE)

    def test_a_refused_body_says_why(self):  # W-39
        c = self.connect()
        head = c._ask(2, 1, c._services["NtClose"], {"In": {"Handle": 4}})
        self.assertIn("In.Handle: want a string", head["Why"]["Because"])
        with self.assertRaises(refmon.Disconnected):
            c.thread.NtClose(Handle=4)

    def test_unknown_row(self):  # W-5
        c = self.connect()
        del c._services["NtClose"]
        self.assertEqual(c.thread.NtClose(Handle=4).status, refmon.STATUS_NOT_SUPPORTED)
        with c.thread.batch() as calls:
            calls.NtClose(Handle=4)
        self.assertEqual([r.status for r in calls.results], [refmon.STATUS_NOT_SUPPORTED])

    def test_batch(self):
        th = self.connect().thread
        opening = dict(ProcessHandle=refmon.NtCurrentProcess, DesiredAccess=refmon.TOKEN_QUERY)
        with th.batch() as calls:
            for _ in range(1000):
                calls.NtOpenProcessToken(**opening)
        self.assertEqual({r.status for r in calls.results}, {refmon.STATUS_SUCCESS})
        self.assertEqual(len({r.TokenHandle for r in calls.results}), 1000)
        with th.batch(stop=True) as calls:
            calls.NtOpenProcessToken(**opening)
            calls.NtClose(Handle=1 << 40)
            calls.NtOpenProcessToken(**opening)
        self.assertEqual([str(r.status) for r in calls.results],
                         ["STATUS_SUCCESS", "STATUS_INVALID_HANDLE", "STATUS_CANCELLED"])

    def test_closed_file_hides_no_failure_from_a_batch(self):
        """A file can be closed at any time, also by the garbage collector. A batch still stops at its failure."""
        th = self.connect().thread
        close = files._closer(th, th.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS).check().EventHandle)
        with th.batch(stop=True) as calls:
            calls.NtClose(Handle=1 << 40)
            close()
            calls.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS)
        self.assertEqual([str(r.status) for r in calls.results], ["STATUS_INVALID_HANDLE", "STATUS_CANCELLED"])

    def test_file_can_be_collected_during_a_call(self):
        """The garbage collector may close a file while its Python thread sends a frame or reads one."""
        for method in ("_received", "_frame"):
            c = self.connect()
            event = c.thread.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS).check().EventHandle
            close, original = files._closer(c.thread, event), getattr(c, method)

            def collecting(*args):
                delattr(c, method)
                close()
                return original(*args)

            setattr(c, method, collecting)
            calling = threading.Thread(target=lambda: c.thread.NtClose(Handle=0), daemon=True)
            calling.start()
            calling.join(60)
            self.assertFalse(calling.is_alive(), method)
            for t in threading.enumerate():
                if t.name == "refmon-close":
                    t.join()
            self.assertEqual(c.thread.NtClose(Handle=event).status, refmon.STATUS_INVALID_HANDLE)

    def test_responses_of_an_abandoned_batch_are_dropped(self):
        c = self.connect()
        with self.assertRaises(KeyError):
            with c.thread.batch() as calls:
                calls.NtClose(Handle=0)
                raise KeyError
        c.thread.NtClose(Handle=0)  # its response comes after the abandoned one
        self.assertEqual((c._answers, c._left), ({}, set()))

    def test_threads(self):
        """Threads of one connection, each by a thread of Python: nothing is mixed up."""
        c, wrong = self.connect(), []

        def work(n):
            with c.new_thread() as th:
                for i in range(50):
                    name = "t%d-%d" % (n, i)
                    r = th.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS,
                                         ObjectAttributes={"ObjectName": "\\BaseNamedObjects\\" + name})
                    if not r.status.ok or not th.NtClose(Handle=r.EventHandle).status.ok:
                        wrong.append((name, r.status))

        workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        self.assertEqual(wrong, [])

    def test_pipes(self):
        server, client = self.connect(), self.connect()
        large = os.urandom(100000)
        with server.thread.listen_pipe("python-orders", sd=EVERYONE) as pipes:
            got = []

            def serve():
                for pipe in pipes:
                    with server.new_thread() as th, pipe:
                        for message in pipe:
                            with pipe.impersonate(th):
                                got.append(self.user(th))
                            got.append(self.user(th))
                            pipe.send(message)

            serving = threading.Thread(target=serve)
            serving.start()
            for level in ("SecurityImpersonation", "SecurityIdentification"):
                with client.thread.dial_pipe("python-orders", level) as pipe:
                    for message in (b"one", b"", large):
                        pipe.send(message)
                        self.assertEqual(pipe.recv(), message)
            pipes.close()
            serving.join()
        self.assertEqual(got, ["S-1-5-18", refmon.STATUS_NO_TOKEN] * 6)
        self.assertEqual(client.thread.NtOpenFile(ObjectAttributes={"ObjectName": "\\??\\pipe\\python-orders"}).status,
                         refmon.STATUS_OBJECT_NAME_NOT_FOUND)

    def test_unknown_level_is_named(self):
        with refmon.connect(ADDRESS) as c:
            for level in ("Impersonation", "FILE_READ_DATA"):
                with self.assertRaisesRegex(ValueError, level + ".*SecurityImpersonation"):
                    c.thread.dial_pipe("nothing", level)

    def test_pipe_belongs_to_its_server(self):  # I-164
        server, client = self.connect(), self.connect()
        with server.thread.listen_pipe("python-owned", sd="O:SYG:SYD:(A;;0x12019b;;;SY)") as pipes:
            with client.thread.dial_pipe("python-owned"), pipes.accept(60):
                pass
        with server.thread.listen_pipe("python-taken", sd=EVERYONE), self.assertRaises(refmon.NTError):
            client.thread.listen_pipe("python-taken")

    def test_waits_end(self):  # W-20
        c = self.connect()
        with c.thread.listen_pipe("python-waits", sd=EVERYONE) as pipes:
            with self.assertRaises(TimeoutError):
                pipes.accept(timeout=0.01)
            with c.thread.dial_pipe("python-waits") as ours, pipes.accept() as theirs:
                with self.assertRaises(TimeoutError):
                    ours.recv(timeout=0.01)
                theirs.send(b"after the time-out")
                self.assertEqual(ours.recv(), b"after the time-out")
                ended = []

                def wait():
                    try:
                        ours.recv()
                    except refmon.Closed as e:
                        ended.append(e)

                waiting = threading.Thread(target=wait)
                waiting.start()
                ours.close()
                waiting.join()
                self.assertEqual(len(ended), 1)
                self.assertIsNone(theirs.recv())

    def test_a_waiter_ends_waits(self):
        """Those under way and every later one; a wait without it goes on (W-20)."""
        c = self.connect()
        event = c.thread.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS,
                                       ObjectAttributes={"Unnamed": True}).check().EventHandle
        waiter, ended = refmon.Waiter(), []

        def wait(th, waiter, timeout=60):
            return th.call_when_ready("NtWaitForSingleObject", {"Handle": event}, event, refmon.STATUS_TIMEOUT, timeout,
                                      waiter).status

        with c.new_thread() as other:
            waiting = threading.Thread(target=lambda: ended.append(wait(other, waiter)))
            waiting.start()
            waiter.cancel()
            waiting.join()
            ended += [wait(other, waiter), wait(other, refmon.Waiter(), 0.01)]
        self.assertEqual(ended, [refmon.STATUS_CANCELLED] * 3)
        begun = time.monotonic()
        wait(c.thread, waiter)
        self.assertLess(time.monotonic() - begun, 60)

    def test_one_instance(self):
        """A pipe that may have one instance serves one client after another: a client that stays ends no accept."""
        c = self.connect()
        accepted = []

        def dial():
            late = time.monotonic() + 60
            while True:
                try:
                    return c.thread.dial_pipe("python-one")
                except refmon.NTError:  # the listener has no instance yet
                    self.assertLess(time.monotonic(), late)

        with c.thread.listen_pipe("python-one", instances=1, sd=EVERYONE) as pipes:
            theirs = None
            for word in (b"first", b"second"):
                serving = threading.Thread(target=lambda: accepted.append(pipes.accept(60)))
                serving.start()
                if theirs is not None:
                    theirs.close()
                with dial() as ours:
                    serving.join()
                    theirs = accepted.pop()
                    with self.assertRaises(TimeoutError):
                        pipes.accept(0.01)
                    ours.send(word)
                    self.assertEqual(theirs.recv(), word)
            serving = threading.Thread(target=lambda: accepted.extend(pipes))
            serving.start()
            pipes.close()  # also ends an accept that waits for an instance
            serving.join()
            theirs.close()
            self.assertEqual(accepted, [])

    def test_accept_keeps_its_time_limit(self):
        """Connections that end do not extend a wait while other servers have all instances of the pipe."""
        thread = types.SimpleNamespace(NtCreateNamedPipeFile=lambda **_: types.SimpleNamespace(
            status=refmon.STATUS_INSTANCE_NOT_AVAILABLE))
        listener = pipes.PipeListener(thread, {}, 0)
        listener._open, done = 1000, threading.Event()

        def leave():
            for _ in range(100):
                listener._left()
                done.wait(0.02)

        leaving = threading.Thread(target=leave)
        leaving.start()
        begun = time.monotonic()
        with self.assertRaises(TimeoutError):
            listener.accept(0.1)
        took = time.monotonic() - begun
        done.set()
        leaving.join()
        self.assertLess(took, 1)

    def test_end_without_a_thread_is_closed(self):
        """If refmond refuses the thread of an end of a pipe, nobody would ever close that end."""
        server, client = self.connect(), self.connect()

        def refuse():
            raise refmon.NTError(refmon.STATUS_INSUFFICIENT_RESOURCES, "new thread")

        def refused(c, call, *args, **options):
            c.new_thread = refuse
            with self.assertRaises(refmon.NTError):
                call(*args, **options)
            del c.new_thread

        refused(server, server.thread.listen_pipe, "python-full", sd=EVERYONE)
        with server.thread.listen_pipe("python-full", sd=EVERYONE) as pipes:
            with client.thread.dial_pipe("python-full") as ours:
                refused(server, pipes.accept, 60)
                self.assertIsNone(ours.recv(60))
            refused(client, client.thread.dial_pipe, "python-full")
            with pipes.accept(60) as theirs:
                self.assertIsNone(theirs.recv(60))

    def test_impersonation_comes_back(self):
        th = self.connect().thread
        h = th.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess, DesiredAccess=refmon.TOKEN_DUPLICATE).check()
        copy = th.NtDuplicateToken(ExistingTokenHandle=h.TokenHandle, DesiredAccess=refmon.TOKEN_ALL_ACCESS,
                                   TokenType=refmon.TokenImpersonation).check().NewTokenHandle
        with th.restored():
            th.NtSetInformationThread(
                ThreadHandle=refmon.NtCurrentThread, ThreadInformationClass=refmon.ThreadImpersonationToken,
                ThreadInformation=copy).check()
            self.assertEqual(th.NtOpenThreadToken(ThreadHandle=refmon.NtCurrentThread, OpenAsSelf=True,
                                                  DesiredAccess=refmon.TOKEN_QUERY).status.ok, True)
        self.assertEqual(self.user(th), refmon.STATUS_NO_TOKEN)

    def test_lost(self):
        c = self.connect()
        th = c.thread
        c.close()
        with self.assertRaises(refmon.Disconnected) as e:
            th.NtClose(Handle=4)
        self.assertEqual(e.exception.status, refmon.STATUS_PORT_DISCONNECTED)
        th.close()

    def test_child_of_fork_has_lost_connection(self):  # W-9
        c = self.connect()
        child = os.fork()
        if child == 0:
            try:
                self.assertEqual(c._sock.fileno(), -1)
                with self.assertRaises(refmon.Disconnected) as e:
                    c.thread.NtClose(Handle=4000)
                self.assertIn("fork", str(e.exception))
                c.close()
                self.assertEqual(self.connect().thread.NtClose(Handle=4000).status, refmon.STATUS_INVALID_HANDLE)
                os._exit(0)
            finally:
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(c.thread.NtClose(Handle=4000).status, refmon.STATUS_INVALID_HANDLE)

    def test_every_name_is_a_row(self):
        self.assertEqual(set(table.ROWS), set(self.connect()._services))


class Start(unittest.TestCase):
    PROGRAM = """
import sys, refmon
with refmon.connect() as kernel:
    th = kernel.thread
    opened = th.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess, DesiredAccess=refmon.TOKEN_QUERY).check()
    held = th.NtQueryInformationToken(
        TokenHandle=opened.TokenHandle, TokenInformationClass=refmon.TokenPrivileges)
    privileges = [p.Luid for p in held.TokenInformation.value]
    print(kernel.process, privileges, th.NtSetEvent(EventHandle=int(sys.argv[1])).status)
"""

    def make(self, th, **parameters):
        return th.NtCreateUserProcess(ProcessDesiredAccess=refmon.PROCESS_ALL_ACCESS,
                                      ThreadDesiredAccess=refmon.THREAD_ALL_ACCESS, **parameters).check()

    def test_start(self):
        """A program is the process that was made for it, with its token and handles (W-51, W-52)."""
        with refmon.connect(ADDRESS) as kernel:
            th = kernel.thread
            event = th.NtCreateEvent(DesiredAccess=refmon.EVENT_ALL_ACCESS,
                                     ObjectAttributes={"Unnamed": True, "Attributes": 2}).check().EventHandle
            own = th.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess, DesiredAccess=refmon.TOKEN_ALL_ACCESS)
            less = th.NtFilterToken(ExistingTokenHandle=own.TokenHandle, Flags=1).check()
            made = self.make(th, Token=less.NewTokenHandle, ProcessFlags=4)
            self.looked_after()  # of tests before
            before = len(os.listdir("/proc/self/fd"))
            program = kernel.start(made.ProcessHandle, [sys.executable, "-c", self.PROGRAM, str(event)], text=True,
                                   stdout=subprocess.PIPE,
                                   env=dict(os.environ, PYTHONPATH=os.path.join(os.path.dirname(__file__), "..")))
            with program:
                self.assertEqual(program.stdout.read(), "%d [23] STATUS_SUCCESS\n" % made.ClientId.UniqueProcess)
            self.assertEqual(program.returncode, 0)
            self.assertEqual(th.NtWaitForSingleObject(Handle=event).status, refmon.STATUS_SUCCESS)
            self.assertEqual(self.ended(th, made), refmon.STATUS_SUCCESS)
            self.looked_after()
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def looked_after(self):
        """Waits for the threads that look after programs which have ended."""
        for thread in threading.enumerate():
            if thread.name.startswith("refmon-program"):
                thread.join(60)

    def ended(self, th, made):
        """Waits until a process has ended, and returns its exit status."""
        wait = th.call_when_ready("NtWaitForSingleObject", {"Handle": made.ProcessHandle}, made.ProcessHandle,
                                  refmon.STATUS_TIMEOUT, timeout=60)
        self.assertEqual(wait.status, refmon.STATUS_SUCCESS)
        told = th.NtQueryInformationProcess(ProcessHandle=made.ProcessHandle, ProcessInformationClass=0).check()
        return told.ProcessInformation.value.ExitStatus

    def test_exit_codes(self):
        """A process ends with its program's code, or 128 and the signal's number (W-77)."""
        with refmon.connect(ADDRESS) as kernel:
            for code, want in (("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)):
                made = self.make(kernel.thread)
                program = kernel.start(made.ProcessHandle, [sys.executable, "-c", code])
                self.assertEqual(self.ended(kernel.thread, made), want)
                self.assertIsNotNone(program.wait(60))
            for missing in (["/not/there"], pathlib.Path("/not/there")):
                made = self.make(kernel.thread)
                with self.assertRaises(FileNotFoundError):
                    kernel.start(made.ProcessHandle, missing)
                self.assertEqual(self.ended(kernel.thread, made), refmon.STATUS_UNSUCCESSFUL)

    def test_a_process_that_is_ended_takes_its_program_with_it(self):  # W-77
        with refmon.connect(ADDRESS) as kernel:
            made = self.make(kernel.thread)
            program = kernel.start(made.ProcessHandle, [sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            with program:
                kernel.thread.NtTerminateProcess(ProcessHandle=made.ProcessHandle, ExitStatus=7).check()
                self.assertEqual(program.wait(60), -9)
            self.assertEqual(self.ended(kernel.thread, made), 7)

            def refuse():
                raise refmon.NTError(refmon.STATUS_INSUFFICIENT_RESOURCES, "new thread")

            made = self.make(kernel.thread)
            program = kernel.start(made.ProcessHandle, [sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            kernel.new_thread = refuse  # the same where refmond has no room for another thread
            with program:
                kernel.thread.NtTerminateProcess(ProcessHandle=made.ProcessHandle, ExitStatus=7).check()
                self.assertEqual(program.wait(60), -9)

    def test_a_program_goes_on_without_its_connection(self):
        """Its process ends with it, and with its exit code (W-51, W-77)."""
        closes = """
import sys, threading, refmon
with refmon.connect() as kernel:
    pipes = kernel.thread.listen_pipe("python-closes")
    waits = threading.Thread(target=lambda: [pipe for pipe in pipes])
    waits.start()
    kernel.new_thread()
try:
    waits.join()
except refmon.Disconnected:
    pass
print("goes on", flush=True)
sys.exit(int(input()))
"""
        with refmon.connect(ADDRESS) as kernel:
            made = self.make(kernel.thread)
            program = kernel.start(made.ProcessHandle, [sys.executable, "-c", closes], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, PYTHONPATH=os.path.join(os.path.dirname(__file__), "..")))
            with program:
                self.assertEqual(program.stdout.readline(), "goes on\n")
                self.assertEqual(kernel.thread.NtWaitForSingleObject(Handle=made.ProcessHandle).status,
                                 refmon.STATUS_TIMEOUT)
                program.communicate("5\n", 60)
            self.assertEqual(self.ended(kernel.thread, made), 5)

    def test_a_program_outlives_what_its_maker_knows(self):
        """The maker has no connection any more when that of the program ends: it goes on (W-77)."""
        ends = """
import os, socket
input()
socket.socket(fileno=int(os.environ["REFMON_SOCKET"][3:])).shutdown(socket.SHUT_RDWR)
raise SystemExit(int(input()))
"""
        others = set(threading.enumerate())
        kernel = refmon.connect(ADDRESS)
        made = self.make(kernel.thread)
        program = kernel.start(made.ProcessHandle, [sys.executable, "-c", ends], stdin=subprocess.PIPE)
        kernel.close()
        program.stdin.write(b"\n")
        program.stdin.flush()
        for thread in set(threading.enumerate()) - others:
            if thread.name == "refmon-process":
                thread.join(60)
        program.communicate(b"3\n", 60)
        self.assertEqual(program.returncode, 3)

    def test_refused(self):
        with refmon.connect(ADDRESS) as kernel:
            suspended = self.make(kernel.thread, ThreadFlags=1)
            for handle, status in ((suspended.ProcessHandle, refmon.STATUS_INVALID_PARAMETER),
                                   (4000, refmon.STATUS_INVALID_HANDLE)):
                with self.assertRaises(refmon.NTError) as e:
                    kernel.attach(handle)
                self.assertEqual(e.exception.status, status)

    def test_program_that_could_not_be_looked_after_is_not_started(self):
        with refmon.connect(ADDRESS) as kernel:
            process = self.make(kernel.thread).ProcessHandle
            self.looked_after()
            before = len(os.listdir("/proc/self/fd"))

            def refuse():
                raise refmon.NTError(refmon.STATUS_INSUFFICIENT_RESOURCES, "new thread")

            kernel.new_thread = refuse
            with self.assertRaises(refmon.NTError):
                kernel.start(process, [sys.executable, "-c", ""])
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Files(unittest.TestCase):
    """The tree "share" of the server has the file "plan", which hands descriptors out, and "calls", which cannot."""

    def setUp(self):
        self.kernel = refmon.connect(ADDRESS)
        self.addCleanup(self.kernel.close)
        opened = self.kernel.thread.NtOpenFile(DesiredAccess=refmon.FILE_READ_ATTRIBUTES,
                                               ObjectAttributes={"ObjectName": "\\??\\share\\plan"})
        if not opened.status.ok:
            self.skipTest("the tree is empty: %s" % opened.status)
        self.kernel.thread.NtClose(Handle=opened.FileHandle).check()

    def test_descriptor(self):
        th = self.kernel.thread
        before = len(os.listdir("/proc/self/fd"))
        with th.open_file("\\??\\share\\plan") as f:
            self.assertEqual(os.fstat(f.fileno()).st_size, 9)
            self.assertEqual((f.read(3), f.seek(4), f.read(), f.seek(-5, os.SEEK_END)), (b"the", 4, b"plan\n", 4))
            with self.assertRaises(OSError):
                os.fchmod(f.fileno(), 0o666)
            with self.assertRaises(OSError):
                os.open("/proc/self/fd/%d" % f.fileno(), os.O_RDWR)
        opened = th.NtOpenFile(DesiredAccess=refmon.GENERIC_READ, ShareAccess=refmon.FILE_SHARE_READ,
                               ObjectAttributes={"ObjectName": "\\??\\share\\plan"}).check()
        fd = th.descriptor(opened.FileHandle)
        self.assertEqual((os.read(fd, 100), os.get_inheritable(fd)), (b"the plan\n", False))
        os.close(fd)
        with self.assertRaises(refmon.NTError) as e:
            th.descriptor(4000)
        self.assertEqual(e.exception.status, refmon.STATUS_INVALID_HANDLE)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_calls(self):
        """A file without a descriptor is read all the same."""
        with self.kernel.thread.open_file("\\??\\share\\calls") as f:
            with self.assertRaises(OSError):
                f.fileno()
            self.assertEqual((f.read(3), f.seek(4), f.read(), f.seek(-6, os.SEEK_END)), (b"the", 4, b"calls\n", 4))

    def test_refused(self):
        th = self.kernel.thread
        for name, want in (("\\nothing", refmon.STATUS_OBJECT_NAME_NOT_FOUND), ("", refmon.STATUS_FILE_IS_A_DIRECTORY)):
            with self.assertRaises(refmon.NTError) as e:
                th.open_file("\\??\\share" + name)
            self.assertEqual(e.exception.status, want)
        r = th.call_with("NtClose", {"Handle": 4000})
        self.assertEqual((r.status, r.descriptor), (refmon.STATUS_INVALID_PARAMETER, None))


if __name__ == "__main__":
    ADDRESS = sys.argv.pop()
    unittest.main()
