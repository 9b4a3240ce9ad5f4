"""A connection to refmond: a process, its threads and their calls (docs/wire.md)."""
import array
import contextlib
import errno
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time
import weakref

from . import table
from .files import open_file
from .pipes import PipeConnection, PipeListener, listen, dial
from .status import Disconnected, NTError, Status
from .table import Struct, Why, decode, encode

DEFAULT_SOCKET = "/run/refmon/refmond.sock"
TIMEOUT = 30  # seconds for refmond to read a frame or to send its greeting
MAX_FRAME = 4 << 20
MAX_DESCRIPTORS = 16  # of one response

HELLO, CALL, ANSWER, NEW_THREAD, END_THREAD, SAVE, RESTORE, WAIT, CANCEL, THEN = range(1, 11)
ATTACH, ANSWER_WITH = 12, 13
HAND_OUT, CALL_WITH = 15, 16
_HEAD = struct.Struct("<IBQIH")
_LENGTH, _REST = 4, 15  # bytes of the length field, and of the rest of the head

NOT_SUPPORTED, INVALID_CID = Status(0xC00000BB), Status(0xC000000B)


def connect(address=None, uid=None):
    """Connects to the refmond of this host and returns a Connection. The server must run as root or as uid (None: this
    program's effective uid).

    The default address is the environment variable REFMON_SOCKET, else DEFAULT_SOCKET. A set-user-ID or set-group-ID
    program ignores the variable. fd:3 is an inherited connection, whose server is not checked; it can be used once.
    OSError: no server listens, PermissionError: another user runs it, NTError: refmond refused the connection.
    """
    if address is None:
        own = os.getuid() == os.geteuid() and os.getgid() == os.getegid()
        address = (own and os.environ.get("REFMON_SOCKET")) or DEFAULT_SOCKET
    if address.startswith("fd:"):
        number = int(address[3:])
        if number in _dialled:  # it may be another file of this program now (W-51)
            raise OSError(errno.EBADF, "an inherited connection cannot be dialled again", address)
        _dialled.add(number)
        s = socket.socket(fileno=number)
        s.set_inheritable(False)
        return Connection(s, inherited=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            s.connect(address)
        except (FileNotFoundError, ConnectionRefusedError) as e:
            raise type(e)(e.errno, "refmond is not running: " + e.strerror, address) from None
        _, owner, _ = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        # The client trusts the server's answers, and the server sees its calls (W-24).
        if owner not in (0, os.geteuid() if uid is None else uid):
            raise PermissionError("the server of %s runs as uid %d" % (address, owner))
    except BaseException:
        s.close()
        raise
    return Connection(s)


_dialled = set()  # the numbers of the inherited descriptors that connect has used


class Result(Struct):
    """The result of a call: .status, the outputs by their names, and .why, None unless the thread's explain is set."""

    def check(self):
        """Returns the result. NTError: the call failed, see Status.ok."""
        if not self.status.ok:
            why = self.why and " ".join(filter(None, (self.why.Rule, self.why.Because)))
            raise NTError(self.status, self.name, why)
        return self


class Connection:
    """A process of refmond. Any number of Python threads may use it, but each Thread only one at a time.

    thread is its first Thread, process its number. profile is "documented" or "observed".
    In the child of os.fork() it is lost: calls raise Disconnected, and the child connects again.
    """

    def __init__(self, sock, inherited=False):
        self._sock, self._buffer, self._descriptors = sock, bytearray(), []
        self._make_locks()
        # The process of a started program must not end before the program. A full shutdown would end it, because the
        # parent shares the connection (W-51, W-77). A shutdown for reading wakes the readers of this program.
        self._over = socket.SHUT_RD if inherited else socket.SHUT_RDWR
        self._last, self._answers, self._waiting, self._reading, self._lost = 0, {}, set(), False, None
        self._left = set()  # requests whose caller an exception took away
        self._closing = None  # the thread of _closing_thread
        self._busy = set()  # identifiers of the Python threads that send a frame or wait for one
        self._polling = False  # the reading thread has nothing in its hands
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TIMEOUT, 0))
        _connections.add(self)
        try:
            self._greet()
        except BaseException as e:
            self._lose(e)
            sock.close()
            raise

    def _make_locks(self):
        self._write = threading.Lock()  # one frame at a time
        self._mu = threading.Condition()  # guards _last, _answers, _waiting, _reading, _lost and _left

    def _forked(self):
        """Makes the connection a lost one in the child of a fork (W-9). The parent keeps its process. Two programs on
        one connection would read each other's answers and share the impersonation of its threads."""
        self._make_locks()  # threads that the child does not have may hold the old ones
        self._lost = self._lost or "it was made before a fork: connect again"
        self._sock.close()

    def _greet(self):
        body = json.dumps({"Magic": "refmon", "Version": table.VERSION}).encode()
        refused = None
        try:
            self._sock.sendall(_frame(HELLO, 0, 0, 0, body))
        except OSError as e:  # a daemon that refuses sends the reason and hangs up without reading
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
        # Only rows that are equal on both sides can be called (W-5).
        self._services = {r["Name"]: i for i, r in enumerate(hello["Rows"])
                          if table.ROWS.get(r["Name"], {}).get("fingerprint") == r["Fingerprint"]}
        self.thread = Thread(self, 1, hello["Thread"])

    def new_thread(self):
        """Creates a further thread of the process, which impersonates nobody. NTError: refmond refuses it."""
        head = self._ask(NEW_THREAD)
        if not Status(head["Status"]).ok:
            raise NTError(head["Status"], "new thread")
        return Thread(self, head["Out"]["Thread"], head["Out"]["Name"])

    def _closing_thread(self):
        """Returns the thread on which the library closes handles. On a thread of the program, such a call would hide
        the failure of the call before it from a batch. If refmond refuses another thread, it is the program's first.
        """
        if self._closing is None:
            try:
                made = self.new_thread()
            except NTError:
                return self.thread
            with self._mu:
                first = self._closing is None
                if first:
                    self._closing = made
            if not first:
                made.close()
        return self._closing

    def start(self, process, args, **options):
        """Starts a program in a process from NtCreateUserProcess and returns its subprocess.Popen.

        The program inherits a connection to that process, with its token and handles; refmon.connect() finds it. When
        the program ends, so does the process. If the process grants PROCESS_TERMINATE to this program, it ends with the
        program's exit code, or with 128 plus the number of the signal that killed it. If the process is ended first,
        the program is killed with SIGKILL. If the program cannot be started, the process ends with
        STATUS_UNSUCCESSFUL. NTError: refmond refuses the connection; the process then stays as it was, because it may
        be that of another program. options are those of Popen.
        """
        program = os.path.basename(args if isinstance(args, (str, bytes, os.PathLike)) else args[0])
        fd, held = self.attach(process, os.fsdecode(program)), None
        try:
            held = self._terminable(process)
            env = dict(os.environ if options.get("env") is None else options.pop("env"), REFMON_SOCKET="fd:%d" % fd)
            options.pop("env", None)
            started = subprocess.Popen(args, env=env, pass_fds=(fd, *options.pop("pass_fds", ())), **options)
        except BaseException:
            with contextlib.suppress(OSError, NTError):  # the daemon may be gone
                self._terminate(held or self._terminable(process), table.CONSTANTS["STATUS_UNSUCCESSFUL"])
            os.close(fd)
            raise
        hung_up = threading.Thread(target=self._end_with, args=(started, fd), daemon=True, name="refmon-process")
        hung_up.start()
        threading.Thread(target=self._ends, args=(started, fd, held, hung_up), daemon=True,
                         name="refmon-program").start()
        return started

    def _terminable(self, process):
        """Returns a handle that can terminate a process, or None without the right to do so."""
        with self.new_thread() as aside:  # a new thread impersonates no client
            own = aside.NtDuplicateObject(SourceProcessHandle=-1, SourceHandle=process, TargetProcessHandle=-1,
                                          DesiredAccess=table.CONSTANTS["PROCESS_TERMINATE"])
        return own.TargetHandle if own.status.ok else None

    def _terminate(self, held, status):
        """Ends the process of a handle from _terminable, and closes the handle. None has no effect."""
        if held is not None:
            with self.new_thread() as aside:
                aside.NtTerminateProcess(ProcessHandle=held, ExitStatus=status)
                aside.NtClose(Handle=held)

    def _end_with(self, started, fd):
        """Kills a program when its process has ended (W-77). It does nothing if refmond or this program's connection is
        gone, because that says nothing about the process."""
        poll = select.poll()
        poll.register(fd, 0)  # wait for the hang-up only, because the data belongs to the program
        poll.poll()
        try:
            self.new_thread().close()
        except Disconnected:
            return
        except NTError:
            pass  # refmond refuses another thread: it is there
        with contextlib.suppress(OSError):
            started.kill()  # no effect if it has ended

    def _ends(self, started, fd, process, hung_up):
        """Waits for a program and ends its process with the exit code. process is None without the right to do so."""
        code = started.wait()
        with contextlib.suppress(OSError, NTError):  # the daemon may be gone
            self._terminate(process, code if code >= 0 else 128 - code)
        with socket.socket(fileno=fd) as connection:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # also for other programs that hold it
            hung_up.join()

    def attach(self, process, program=""):
        """Returns a connection to a process as a file descriptor, like the one that start passes to a program.
        Whoever holds the descriptor acts as the process, which ends when the last copy is closed. The caller closes it.
        program is a name for display. NTError: refmond refuses the request.
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
        """Ends the process with its threads, handles and impersonations. An inherited process ends with its program
        instead."""
        self._lose("it was closed")
        self._sock.close()

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()

    def _lose(self, why):
        """Marks the connection as lost, wakes all waiting calls, and returns a Disconnected with the first reason."""
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
        self._busy.add(threading.get_ident())
        try:
            return self._write_frame(kind, thread, service, text)
        finally:
            self._busy.discard(threading.get_ident())

    def _in_call(self):
        """Returns whether the Python thread is sending a frame or waiting for one."""
        return threading.get_ident() in self._busy

    def _write_frame(self, kind, thread, service, text):
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
            # After an incomplete frame the connection is unusable (W-3).
            raise self._lose(e) from e
        except BaseException as e:  # such as KeyboardInterrupt: the frame may be incomplete, too
            self._lose(repr(e))
            raise
        return request

    def _ask(self, kind, thread=0, service=0, body=None):
        return self._answer(self._send(kind, thread, service, body))

    def _answer(self, request, until=None):
        """Waits for a response without descriptors and returns its head. until is a time.monotonic() value, None for no
        limit. TimeoutError: it has passed; Disconnected: the connection is lost."""
        head, fds = self._answer_with(request, until)
        if fds:
            _close(fds)
            raise self._lose("%d descriptors came with an answer that has none" % len(fds))
        return head

    def _answer_with(self, request, until=None):
        """Waits for a response and returns its head and descriptors. One waiting thread reads for all of them. It has
        the errors of _answer. After another exception, such as KeyboardInterrupt, the response is dropped when it
        comes."""
        self._busy.add(threading.get_ident())
        try:
            return self._wait_for(request, until)
        except OSError:
            raise
        except BaseException:
            self._leave(request)
            raise
        finally:
            self._busy.discard(threading.get_ident())

    def _leave(self, request):
        """Drops the response to a request, which has come or will come."""
        with self._mu:
            _, descriptors = self._answers.pop(request, (None, ()))
            if request in self._waiting:
                self._left.add(request)
        _close(descriptors)

    def _wait_for(self, request, until):
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
            except BaseException as e:
                if not self._polling:  # bytes may be lost
                    self._lose(repr(e))
                raise
            finally:
                self._polling = False
                with self._mu:
                    self._reading = False
                    self._mu.notify_all()
            if frame is None:
                raise TimeoutError

    def _received(self, kind, request, body, descriptors):
        with self._mu:
            asked, left = request in self._waiting, request in self._left
            self._waiting.discard(request)
            self._left.discard(request)
            if kind in (ANSWER, ANSWER_WITH) and asked and not left:
                self._answers[request] = json.loads(body), descriptors
                return
        _close(descriptors)
        if left:
            return
        raise ConnectionError("a frame of kind %d to request %d, which nothing waits for" % (kind, request))

    def _frame(self, until):
        """Reads a frame. None: until has passed. Only one thread at a time may call it."""
        while True:
            if len(self._buffer) >= _LENGTH:
                length, = struct.unpack_from("<I", self._buffer)
                if not _REST <= length <= MAX_FRAME:
                    raise ConnectionError("a frame of %d bytes" % length)
                if len(self._buffer) >= _LENGTH + length:
                    return self._take(length)
            self._polling = True
            if not _readable(self._sock, until):
                return None
            self._polling = False
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
        """Reads the data that has arrived. The connection ends if the program's descriptor table is full: the host's
        kernel drops some descriptors, so the others cannot be matched to their responses."""
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


_connections = weakref.WeakSet()  # all open ones, for _after_fork


def _after_fork():
    for c in _connections:
        c._forked()


os.register_at_fork(after_in_child=_after_fork)


def _close(descriptors):
    for fd in descriptors:
        os.close(fd)


def _frame(kind, request, thread, service, body):
    return _HEAD.pack(_REST + len(body), kind, request, thread, service) + body


def _readable(sock, until):
    """Waits until data or the end of the connection can be read. False: until has passed; None: no limit."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if until is None else max(until - time.monotonic(), 0) * 1000))


class Thread:
    """A thread of the process. Each service is a method with its documented name:

        result = thread.NtClose(Handle=h)
        print(result.status)

    If explain is set, .why of a result gives the reason of a failed call.
    """

    def __init__(self, connection, number, name):
        self.connection, self.number, self.name, self.explain = connection, number, name, False

    def __getattr__(self, name):
        if name not in table.ROWS:
            raise AttributeError("no service %s: refmon.table.ROWS has all" % name)
        return lambda **parameters: self.call(name, parameters)

    def call(self, name, parameters):
        """Calls a service by its name with a dict of parameters and returns a Result.

        A failed call raises nothing: see Result.check. AttributeError: no such service; ValueError or TypeError: a
        parameter does not fit; Disconnected: the connection is lost. A service that the daemon does not have gives
        STATUS_NOT_SUPPORTED.
        """
        return self._result(name, *self._body(CALL, name, parameters))

    def call_with(self, name, parameters):
        """Calls NtCreateFile or NtOpenFile. .descriptor of the result is a host descriptor of the file, None if refmond
        passes none. The caller closes both the descriptor and the handle."""
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
        """Returns a host descriptor of an open file, which the caller closes. NTError: refmond passes none."""
        return self.connection._descriptor(HAND_OUT, self.number, handle, "descriptor of a file")

    def open_file(self, name, **parameters):
        """Opens a file of a tree for reading with this thread's identity, see refmon.files.open_file."""
        return open_file(self, name, **parameters)

    def call_when_ready(self, name, parameters, handle, not_yet, timeout=None, waiter=None):
        """Repeats a call after each change of a pipe or port while it returns the status not_yet.

        After timeout seconds (None: no limit) and after waiter.cancel() the status is STATUS_CANCELLED, unless the call
        has completed.
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
        except BaseException:  # such as KeyboardInterrupt: the call would take the next message for nobody
            with contextlib.suppress(Disconnected):
                c._ask(CANCEL, body={"Request": str(request)})
            raise
        finally:
            if waiter is not None:
                waiter._end(request)
        return self._answered(name, body, head)

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
        return self._answered(name, body, head)

    def _answered(self, name, body, head):
        """Returns the Result of a response. If the call was to end the thread's impersonation and failed, it ends the
        connection (W-8)."""
        if name == "NtSetInformationThread" and {**_REVERT_DEFAULTS, **body["In"]} == _REVERT:
            self._ended(Status(head["Status"]))
        return _result(name, head)

    @contextlib.contextmanager
    def batch(self, stop=False):
        """Sends calls without waiting for each response. At the end of the with block, results has their results.

            with thread.batch(stop=True) as calls:
                calls.NtClose(Handle=a)
                calls.NtClose(Handle=b)
            print(calls.results)

        If stop is set, the calls after the first failure are skipped and have STATUS_CANCELLED.
        """
        b = Batch(self, stop)
        try:
            yield b
            b._finish()
        finally:
            b._leave()

    @contextlib.contextmanager
    def restored(self):
        """Restores the thread's impersonation at the end of the with block, also after an exception. NTError: it cannot
        be saved."""
        head = self.connection._ask(SAVE, self.number)
        if not Status(head["Status"]).ok:
            raise NTError(head["Status"], "save the impersonation")
        try:
            yield
        finally:
            self._end(RESTORE, {"Ticket": head["Out"]["Ticket"]})

    def listen_pipe(self, name, **config):
        """Creates a named pipe and returns its PipeListener, see refmon.pipes.listen."""
        return listen(self, name, **config)

    def dial_pipe(self, name, level="SecurityIdentification", effective_only=False):
        """Connects to a named pipe with this thread's identity and returns a PipeConnection. level limits what the
        server may do with that identity. NTError: there is no such pipe, access is denied, or the server is busy
        (STATUS_PIPE_NOT_AVAILABLE): then try again later. ValueError: an unknown level."""
        return dial(self, name, level, effective_only)

    def close(self):
        """Ends the thread and its impersonation. Its handles stay open, because they belong to the process."""
        self._end(END_THREAD)

    def _end(self, kind, body=None):
        """Ends the thread or its impersonation. If that fails, the connection ends, so that no later call runs as the
        client (W-8). A lost connection, or a thread that has ended, cannot impersonate."""
        c = self.connection
        try:
            self._ended(Status(c._ask(kind, self.number, body=body)["Status"]))
        except Disconnected:
            pass
        except BaseException as e:  # such as KeyboardInterrupt, before the request was sent
            c._lose(repr(e))
            raise

    def _ended(self, status):
        """Handles the status of a request that ends the thread or its impersonation, see _end."""
        if not status.ok and status != INVALID_CID:
            self.connection._lose("%s: the end of a thread or of its impersonation" % status)

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()


# The parameters with which NtSetInformationThread ends the impersonation of its thread, and those a caller may omit.
_REVERT_DEFAULTS = {"ThreadInformation": {"V": "0"}, "ThreadInformationLength": 8}
_REVERT = {"ThreadHandle": "-2", "ThreadInformationClass": 5, **_REVERT_DEFAULTS}


def _result(name, head):
    why = head.get("Why")
    result = Result(status=Status(head["Status"]), name=name, why=why and Why(**why))
    if "Out" in head:
        result.__dict__.update(decode(table.ROWS[name]["out"], head["Out"]).__dict__)
    return result


class Batch:
    """Calls that were sent together, see Thread.batch. results has those that are complete, in order."""

    _AT_ONCE = 64  # below refmond's limit of pending calls

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
        if service is None:  # the daemon does not have the row; no daemon has a row 65535
            service = 0xFFFF
        self._sent.append((name, body, t.connection._send(kind, t.number, service, body)))
        if len(self._sent) >= self._AT_ONCE:
            self._collect()

    def _collect(self):
        name, body, request = self._sent.pop(0)
        head = self._thread.connection._answer(request)
        skipped = self._stop and head["Status"] == table.CONSTANTS["STATUS_CANCELLED"]  # as the caller wants it
        self.results.append(_result(name, head) if skipped else self._thread._answered(name, body, head))

    def _finish(self):
        while self._sent:
            self._collect()

    def _leave(self):
        """Drops the responses that an exception left."""
        for *_, request in self._sent:
            self._thread.connection._leave(request)


class Waiter:
    """Cancels waiting calls from another Python thread."""

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
        """Cancels the waiting calls, and every later call with this Waiter."""
        with self._mu:
            self._over, under_way = True, list(self._under_way.items())
        for request, connection in under_way:
            with contextlib.suppress(Disconnected):
                connection._ask(CANCEL, body={"Request": str(request)})
