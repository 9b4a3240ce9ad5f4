"""A connection to refmond: a process, its threads and their calls (docs/wire.md)."""
import array
import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time

from . import table
from .files import open_file
from .pipes import PipeConnection, PipeListener, listen, dial
from .status import Disconnected, NTError, Status
from .table import Struct, Why, decode, encode

DEFAULT_SOCKET = "/run/refmon/refmond.sock"
TIMEOUT = 30  # seconds that refmond may take to read a frame, or to say hello
MAX_FRAME = 4 << 20
MAX_DESCRIPTORS = 16  # that one answer brings

HELLO, CALL, ANSWER, NEW_THREAD, END_THREAD, SAVE, RESTORE, WAIT, CANCEL, THEN = range(1, 11)
ATTACH, ANSWER_WITH = 12, 13
HAND_OUT, CALL_WITH = 15, 16
_HEAD = struct.Struct("<IBQIH")
_LENGTH, _REST = 4, 15  # bytes of the length, and of the head after it

SUCCESS, CANCELLED, NOT_SUPPORTED = Status(0), Status(0xC0000120), Status(0xC00000BB)


def connect(address=None, uid=None):
    """Connects to the refmond of this host, whose server must run as root or as uid (None: this program's own).

    The address is REFMON_SOCKET of the environment, unless the program runs with more rights than its caller has, or
    the usual place. fd:3 is a connection that the program inherited.
    """
    if address is None:
        own = os.getuid() == os.geteuid() and os.getgid() == os.getegid()
        address = (own and os.environ.get("REFMON_SOCKET")) or DEFAULT_SOCKET
    if address.startswith("fd:"):
        s = socket.socket(fileno=int(address[3:]))
        s.set_inheritable(False)
        return Connection(s, inherited=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        s.connect(address)
        _, owner, _ = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        # The server learns what is called, and its answers are believed (W-24).
        if owner not in (0, os.geteuid() if uid is None else uid):
            raise PermissionError("the server of %s runs as uid %d" % (address, owner))
    except BaseException:
        s.close()
        raise
    return Connection(s)


class Result(Struct):
    """What a call gave back: .status, the outputs by their names, and .why if the thread explains."""

    def check(self):
        """Returns the result; raises NTError unless the call did what it was asked."""
        if not self.status.ok:
            why = self.why and " ".join(filter(None, (self.why.Rule, self.why.Because)))
            raise NTError(self.status, self.name, why)
        return self


class Connection:
    """A process of refmond. Any number of Python threads may use it; a Thread is used by one at a time."""

    def __init__(self, sock, inherited=False):
        self._sock, self._buffer, self._descriptors = sock, bytearray(), []
        # The process of a program that was started ends with the program, not before: its parent holds the connection
        # too, and would end it (W-51, W-77). Those of this program who read are woken all the same.
        self._over = socket.SHUT_RD if inherited else socket.SHUT_RDWR
        self._write = threading.Lock()  # one frame at a time
        self._mu = threading.Condition()  # guards what follows
        self._last, self._answers, self._waiting, self._reading, self._lost = 0, {}, set(), False, None
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TIMEOUT, 0))
        try:
            self._greet()
        except BaseException as e:
            self._lose(e)
            sock.close()
            raise

    def _greet(self):
        body = json.dumps({"Magic": "refmon", "Version": table.VERSION}).encode()
        refused = None
        try:
            self._sock.sendall(_frame(HELLO, 0, 0, 0, body))
        except OSError as e:  # a daemon that refuses hangs up before it reads, and says why
            refused = e
        frame = self._frame(time.monotonic() + TIMEOUT)
        if frame is None:
            raise refused or TimeoutError("refmond says no hello")
        kind, _, body, _ = frame
        if kind == ANSWER:
            raise NTError(struct.unpack_from("<I", body)[0], "refmond refused the connection")
        hello = json.loads(body)
        if kind != HELLO or hello["Magic"] != "refmon" or hello["Version"] != table.VERSION:
            raise ConnectionError("the other side does not speak version %d of this protocol" % table.VERSION)
        self.process, self.profile = int(hello["Process"]), ("documented", "observed")[hello["Profile"]]
        # Rows that both sides know alike can be called, whatever else differs (W-5).
        self._services = {r["Name"]: i for i, r in enumerate(hello["Rows"])
                          if table.ROWS.get(r["Name"], {}).get("fingerprint") == r["Fingerprint"]}
        self.thread = Thread(self, 1, hello["Thread"])

    def new_thread(self):
        """Makes a further thread of the process."""
        head = self._ask(NEW_THREAD)
        if not Status(head["Status"]).ok:
            raise NTError(head["Status"], "new thread")
        return Thread(self, head["Out"]["Thread"], head["Out"]["Name"])

    def start(self, process, args, **options):
        """Starts a program in a process that NtCreateUserProcess made, and returns its subprocess.Popen.

        The program inherits a connection that is that process, with its token and handles; refmon.connect() finds it.
        The process ends with the program and with its exit code, 128 and the number of the signal that killed it, where
        it grants PROCESS_TERMINATE to this program; one that is ended takes its program with it, by SIGKILL. options
        are those of Popen.
        """
        program = os.path.basename(args if isinstance(args, (str, bytes)) else args[0])
        fd = self.attach(process, os.fsdecode(program))
        try:
            env = dict(os.environ if options.get("env") is None else options.pop("env"), REFMON_SOCKET="fd:%d" % fd)
            options.pop("env", None)
            started = subprocess.Popen(args, env=env, pass_fds=(fd, *options.pop("pass_fds", ())), **options)
        except BaseException:
            os.close(fd)
            raise
        with self.new_thread() as aside:  # it impersonates no client, whatever the threads of the program do
            own = aside.NtDuplicateObject(SourceProcessHandle=-1, SourceHandle=process, TargetProcessHandle=-1,
                                          DesiredAccess=table.CONSTANTS["PROCESS_TERMINATE"])
        held = own.TargetHandle if own.status.ok else None
        hung_up = threading.Thread(target=self._end_with, args=(started, fd), daemon=True, name="refmon-process")
        hung_up.start()
        threading.Thread(target=self._ends, args=(started, fd, held, hung_up), daemon=True,
                         name="refmon-program").start()
        return started

    def _end_with(self, started, fd):
        """Ends a program when its process has been ended (W-77). It lasts where refmond is gone, or this program's
        connection: that says nothing about the process."""
        poll = select.poll()
        poll.register(fd, 0)  # what comes is the program's; only the end is looked for
        poll.poll()
        with contextlib.suppress(OSError, NTError):
            self.new_thread().close()
            started.kill()  # nothing where it has ended

    def _ends(self, started, fd, process, hung_up):
        """Ends the process of a program with its exit code, once it has ended."""
        code = started.wait()
        with contextlib.suppress(OSError, NTError):  # the daemon may be gone
            if process is not None:
                with self.new_thread() as aside:
                    aside.NtTerminateProcess(ProcessHandle=process, ExitStatus=code if code >= 0 else 128 - code)
                    aside.NtClose(Handle=process)
        with socket.socket(fileno=fd) as connection:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # however many programs hold it
            hung_up.join()

    def attach(self, process, program=""):
        """Returns the descriptor that start gives a program, for those who start programs otherwise.

        Who holds it is the process, which ends with the last of them. program is a name that is shown.
        """
        return self._descriptor(ATTACH, 1, process, "connection of a process", Program=program)

    def _descriptor(self, kind, thread, handle, what, **more):
        head, fds = self._answer_with(self._send(kind, thread, body={"Handle": str(handle), **more}))
        if len(fds) != Status(head["Status"]).ok:
            _close(fds)
            raise self._lose("%d descriptors where a %s belongs" % (len(fds), what))
        if not fds:
            raise NTError(head["Status"], what)
        return fds[0]

    def close(self):
        """Ends the process: its threads, handles and impersonations. That of a program that was started in it ends with
        the program."""
        self._lose("it was closed")
        self._sock.close()

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()

    def _lose(self, why):
        """Notes the first reason, wakes all who wait, and returns the exception."""
        with self._mu:
            if self._lost is None:
                self._lost = str(why)
            self._mu.notify_all()
        with contextlib.suppress(OSError):
            self._sock.shutdown(self._over)
        _close(self._descriptors)
        self._descriptors = []
        return Disconnected(self._lost)

    def _send(self, kind, thread=0, service=0, body=None):
        """Sends a frame and returns its request."""
        text = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        if len(text) > MAX_FRAME - _REST:
            raise ValueError("a frame of %d bytes, the bound is %d" % (len(text), MAX_FRAME))
        with self._mu:
            if self._lost is not None:
                raise Disconnected(self._lost)
            self._last += 1
            request = self._last
            self._waiting.add(request)
        try:
            with self._write:
                self._sock.sendall(_frame(kind, request, thread, service, text))
        except OSError as e:
            # A frame that was not written whole ends the connection (W-3).
            raise self._lose(e) from e
        return request

    def _ask(self, kind, thread=0, service=0, body=None):
        return self._answer(self._send(kind, thread, service, body))

    def _answer(self, request, until=None):
        """Waits for an answer without descriptors and returns its head. TimeoutError comes when until has passed."""
        head, fds = self._answer_with(request, until)
        if fds:
            _close(fds)
            raise self._lose("%d descriptors came with an answer that has none" % len(fds))
        return head

    def _answer_with(self, request, until=None):
        """Waits for an answer: its head and its descriptors. One of those who wait reads for all."""
        while True:
            with self._mu:
                while request not in self._answers and self._lost is None and self._reading:
                    if not self._mu.wait(None if until is None else max(until - time.monotonic(), 0)):
                        raise TimeoutError
                if request in self._answers:
                    return self._answers.pop(request)
                if self._lost is not None:
                    raise Disconnected(self._lost)
                self._reading = True
            try:
                frame = self._frame(until)
                if frame is not None:
                    self._received(*frame)
            except (OSError, ValueError, LookupError, TypeError) as e:
                raise self._lose(e) from e
            finally:
                with self._mu:
                    self._reading = False
                    self._mu.notify_all()
            if frame is None:
                raise TimeoutError

    def _received(self, kind, request, body, descriptors):
        with self._mu:
            asked = request in self._waiting
            self._waiting.discard(request)
            if kind in (ANSWER, ANSWER_WITH) and asked:
                self._answers[request] = json.loads(body), descriptors
                return
        _close(descriptors)
        raise ConnectionError("a frame of kind %d to request %d, which nothing waits for" % (kind, request))

    def _frame(self, until):
        """Reads a frame; None when until has passed. It is called by one at a time."""
        while True:
            if len(self._buffer) >= _LENGTH:
                length, = struct.unpack_from("<I", self._buffer)
                if not _REST <= length <= MAX_FRAME:
                    raise ConnectionError("a frame of %d bytes" % length)
                if len(self._buffer) >= _LENGTH + length:
                    return self._take(length)
            if until is not None and not _readable(self._sock, until):
                return None
            self._fill()

    def _take(self, length):
        _, kind, request, _, _ = _HEAD.unpack_from(self._buffer)
        body = bytes(self._buffer[_LENGTH + _REST:_LENGTH + length])
        del self._buffer[:_LENGTH + length]
        n = json.loads(body)["Descriptors"] if kind == ANSWER_WITH else 0
        if n > len(self._descriptors) or (n < len(self._descriptors) and not self._buffer):
            raise ConnectionError("%d descriptors came with an answer that has %d" % (len(self._descriptors), n))
        mine, self._descriptors = self._descriptors[:n], self._descriptors[n:]
        return kind, request, body, mine

    def _fill(self):
        """Reads what is there. Descriptors that do not fit into the program's table end the connection: the host's
        kernel then drops them, and the rest is not told from those of another answer."""
        size = array.array("i").itemsize
        data, ancillary, flags, _ = self._sock.recvmsg(1 << 16, socket.CMSG_SPACE(MAX_DESCRIPTORS * size),
                                                       socket.MSG_CMSG_CLOEXEC)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(content[:len(content) - len(content) % size])
                self._descriptors.extend(fds)
        if flags & socket.MSG_CTRUNC:
            raise ConnectionError("descriptors were lost: is the program's table of descriptors full?")
        if not data:
            raise ConnectionError("refmond closed the connection")
        self._buffer += data


def _close(descriptors):
    for fd in descriptors:
        os.close(fd)


def _frame(kind, request, thread, service, body):
    return _HEAD.pack(_REST + len(body), kind, request, thread, service) + body


def _readable(sock, until):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(max(until - time.monotonic(), 0) * 1000))


class Thread:
    """A thread of the process. Each service is a method with its documented name:

        result = thread.NtClose(Handle=h)
        print(result.status)

    With explain set, .why of a result says why a call failed.
    """

    def __init__(self, connection, number, name):
        self.connection, self.number, self.name, self.explain = connection, number, name, False

    def __getattr__(self, name):
        if name not in table.ROWS:
            raise AttributeError("no service %s: refmon.table.ROWS has all" % name)
        return lambda **parameters: self.call(name, parameters)

    def call(self, name, parameters):
        """Makes a call of a service by its name, its parameters as a dict."""
        return self._result(name, *self._body(CALL, name, parameters))

    def call_with(self, name, parameters):
        """Makes a call of NtCreateFile or NtOpenFile; .descriptor of the result is one of the file, None where refmond
        hands none out. It is the caller's to close, as the handle is."""
        body, service = self._body(CALL, name, parameters)
        c, fds = self.connection, []
        if service is None:
            result = self._result(name, body, service)
        else:
            head, fds = c._answer_with(c._send(CALL_WITH, self.number, service, body))
            if len(fds) > Status(head["Status"]).ok:
                _close(fds)
                raise c._lose("%d descriptors of a file" % len(fds))
            result = _result(name, head)
        result.descriptor = fds[0] if fds else None
        return result

    def descriptor(self, handle):
        """Returns a descriptor of a file that is open; NTError says why refmond hands none out."""
        return self.connection._descriptor(HAND_OUT, self.number, handle, "descriptor of a file")

    def open_file(self, name, **parameters):
        """Opens a file of a tree to read it, as this thread, and returns a binary file object: see refmon.files."""
        return open_file(self, name, **parameters)

    def call_when_ready(self, name, parameters, handle, not_yet, timeout=None, waiter=None):
        """Makes a call again after each change of a pipe or port, as long as it returns the status not_yet.

        After timeout seconds, and after waiter.cancel(), the status is STATUS_CANCELLED, unless the call was made.
        """
        body, service = self._body(WAIT, name, parameters)
        if service is None:
            return self._result(name, body, service)
        body.update(Handle=str(handle), NotYet=int(not_yet))
        c = self.connection
        request = c._send(WAIT, self.number, service, body)
        if waiter is not None:
            waiter._begin(c, request)
        try:
            head = c._answer(request, None if timeout is None else time.monotonic() + timeout)
        except TimeoutError:
            c._ask(CANCEL, body={"Request": str(request)})
            head = c._answer(request)
        finally:
            if waiter is not None:
                waiter._end(request)
        return _result(name, head)

    def _body(self, kind, name, parameters):
        if name not in table.ROWS:
            raise AttributeError("no service %s" % name)
        service = self.connection._services.get(name)
        return {"In": encode(table.ROWS[name]["in"], parameters, name), "Why": self.explain}, service

    def _result(self, name, body, service):
        if service is None:
            why = Why(Rule="W-5", Because="refmond does not have this row", Object="", Explanation=None)
            return Result(status=NOT_SUPPORTED, name=name, why=why)
        head = self.connection._ask(CALL, self.number, service, body)
        return _result(name, head)

    @contextlib.contextmanager
    def batch(self, stop=False):
        """Sends calls without waiting for each answer; the list that it gives has the results at its end.

            with thread.batch(stop=True) as calls:
                calls.NtClose(Handle=a)
                calls.NtClose(Handle=b)
            print(calls.results)

        With stop the calls after the first failure are not made: STATUS_CANCELLED.
        """
        b = Batch(self, stop)
        yield b
        b._finish()

    @contextlib.contextmanager
    def restored(self):
        """Puts the impersonation of the thread back at the end, whatever was done to it."""
        head = self.connection._ask(SAVE, self.number)
        if not Status(head["Status"]).ok:
            raise NTError(head["Status"], "save the impersonation")
        try:
            yield
        finally:
            # A connection that is lost has no thread left that could still impersonate.
            with contextlib.suppress(Disconnected):
                self.connection._ask(RESTORE, self.number, body={"Ticket": head["Out"]["Ticket"]})

    def listen_pipe(self, name, **config):
        """Makes the named pipe and returns its PipeListener: see refmon.pipes.listen."""
        return listen(self, name, **config)

    def dial_pipe(self, name, level="SecurityIdentification", effective_only=False):
        """Connects to a named pipe as this thread; level is the most that the server may do with its identity."""
        return dial(self, name, level, effective_only)

    def close(self):
        """Ends the thread: its impersonation is dropped; handles belong to the process and stay."""
        with contextlib.suppress(Disconnected):
            self.connection._ask(END_THREAD, self.number)

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()


def _result(name, head):
    why = head.get("Why")
    result = Result(status=Status(head["Status"]), name=name, why=why and Why(**why))
    if "Out" in head:
        result.__dict__.update(decode(table.ROWS[name]["out"], head["Out"]).__dict__)
    return result


class Batch:
    """Calls that are under way; see Thread.batch."""

    _AT_ONCE = 64  # less than refmond lets pend

    def __init__(self, thread, stop):
        self._thread, self._stop, self._sent, self.results = thread, stop, [], []

    def __getattr__(self, name):
        if name not in table.ROWS:
            raise AttributeError("no service %s" % name)
        return lambda **parameters: self._call(name, parameters)

    def _call(self, name, parameters):
        t = self._thread
        body, service = t._body(CALL, name, parameters)
        kind = THEN if self._stop and (self._sent or self.results) else CALL
        if service is None:  # no daemon that lacks the row is asked; 65535 is no row of any
            service = 0xFFFF
        self._sent.append((name, t.connection._send(kind, t.number, service, body)))
        if len(self._sent) >= self._AT_ONCE:
            self._collect()

    def _collect(self):
        name, request = self._sent.pop(0)
        head = self._thread.connection._answer(request)
        self.results.append(_result(name, head))

    def _finish(self):
        while self._sent:
            self._collect()


class Waiter:
    """Ends the waiting of calls from another Python thread."""

    def __init__(self):
        self._mu, self._under_way, self._over = threading.Lock(), {}, False

    def _begin(self, connection, request):
        with self._mu:
            self._under_way[request] = connection
            over = self._over
        if over:
            connection._ask(CANCEL, body={"Request": str(request)})

    def _end(self, request):
        with self._mu:
            self._under_way.pop(request, None)

    def cancel(self):
        """Ends the waiting of the calls that are under way, and of every later one."""
        with self._mu:
            self._over, under_way = True, list(self._under_way.items())
        for request, connection in under_way:
            with contextlib.suppress(Disconnected):
                connection._ask(CANCEL, body={"Request": str(request)})
