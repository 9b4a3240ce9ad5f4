"""Named pipes: servers that impersonate their clients, and clients."""
import contextlib
import threading
import time

from . import table
from .status import NTError, Status

_C = table.CONSTANTS
_DEVICE = "\\??\\pipe\\"
_SERVER_RIGHTS = _C["GENERIC_READ"] | _C["GENERIC_WRITE"]
# Without the right to serve the pipe, FILE_CREATE_PIPE_INSTANCE (I-164). On files it is FILE_APPEND_DATA.
_CLIENT_RIGHTS = _C["FILE_GENERIC_READ"] | _C["FILE_GENERIC_WRITE"] & ~_C["FILE_APPEND_DATA"]
_LEVELS = ("SecurityAnonymous", "SecurityIdentification", "SecurityImpersonation", "SecurityDelegation")
_LARGEST_READ = 1 << 20  # fits into a frame
_OVERFLOW = Status(0x80000005)
_BYTES = _C["STATUS_INVALID_PARAMETER"]
_CANCELLED = _C["STATUS_CANCELLED"]
_ALL_IN_USE = _C["STATUS_INSTANCE_NOT_AVAILABLE"]
_ENDED = (_C["STATUS_PIPE_BROKEN"], _C["STATUS_PIPE_DISCONNECTED"])


class Closed(OSError):
    """The pipe was closed at this end."""


def listen(thread, name, message=True, instances=0, sd=None):
    """Creates a named pipe with the thread's identity, and returns its PipeListener.

    message: a pipe of messages, else of bytes. instances: the most connections at a time, 0 for no limit. sd: SDDL or
    the bytes of a descriptor, None for the default. Whoever has FILE_CREATE_PIPE_INSTANCE in it can serve the clients
    too, and FILE_GENERIC_WRITE includes it: grant clients 0x12019b. NTError: the creation failed, STATUS_ACCESS_DENIED
    if the pipe exists. It exists while a server has an instance, or a client still has its end.
    """
    make = dict(
        DesiredAccess=_SERVER_RIGHTS, ObjectAttributes={"ObjectName": _DEVICE + name, "SecurityDescriptor": sd},
        MaximumInstances=instances, NamedPipeType=_C["FILE_PIPE_MESSAGE_TYPE"] if message else 0)
    # Without FILE_CREATE it could join a pipe of another user (I-164).
    first = thread.NtCreateNamedPipeFile(**make, CreateDisposition=_C["FILE_CREATE"]).check().FileHandle
    with _closed_on_failure(thread, first):
        return PipeListener(thread.connection.new_thread(), make, first)


def dial(thread, name, level, effective_only):
    if isinstance(level, str):
        if level not in _LEVELS:
            raise ValueError("level %r: want one of %s" % (level, ", ".join(_LEVELS)))
        level = _LEVELS.index(level)
    sqos = {"ImpersonationLevel": level, "EffectiveOnly": effective_only}
    attributes = {"ObjectName": _DEVICE + name, "SecurityQualityOfService": sqos}
    opened = thread.NtOpenFile(DesiredAccess=_CLIENT_RIGHTS, ObjectAttributes=attributes).check()
    # A client's end starts in byte mode. A pipe of bytes rejects message mode.
    by_messages = table.Any("PipeInformation", {"ReadMode": 1, "CompletionMode": 0})
    with _closed_on_failure(thread, opened.FileHandle):
        set_mode = thread.NtSetInformationFile(
            FileHandle=opened.FileHandle, FileInformationClass=23, FileInformation=by_messages)
        if set_mode.status not in (_BYTES, *_ENDED):
            set_mode.check()
        return PipeConnection(thread.connection.new_thread(), opened.FileHandle)


@contextlib.contextmanager
def _closed_on_failure(thread, handle):
    """Closes a handle if the with block fails, for example because refmond refuses another thread."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(NTError):  # a lost connection has closed all handles
            thread.NtClose(Handle=handle)
        raise


class _Closing:
    """Base class of objects that any Python thread may close. A second close has no effect."""

    def __init__(self, thread, handle):
        from .connection import Waiter

        self.handle = handle  # 0 for a listener without an instance for the next client
        self._thread, self._waiter, self._closed = thread, Waiter(), False
        self._mu, self._calls = threading.Condition(), 0  # guards _closed and _calls

    @contextlib.contextmanager
    def _in_use(self):
        """Keeps the handle open during a with block. Closed: it was closed, so its value may be that of another one."""
        with self._mu:
            if self._closed:
                raise Closed("the pipe is closed")
            self._calls += 1
        try:
            yield
        finally:
            with self._mu:
                self._calls -= 1
                self._mu.notify_all()

    def close(self):
        """Closes this end, after it has ended the calls that wait. The other end can still read what was sent, and the
        connections that a listener accepted stay open."""
        with self._mu:
            if self._closed:
                return
            self._closed = True
            self._mu.notify_all()
        with contextlib.suppress(NTError):  # a lost connection has closed all handles
            self._waiter.cancel()
            with self._mu:
                self._mu.wait_for(lambda: not self._calls)
            if self.handle:
                self._thread.NtClose(Handle=self.handle)
            self._thread.close()
        self._after()

    def _after(self):
        """Runs once, after this end was closed."""

    def _wait(self, name, parameters, not_yet, timeout):
        begun = time.monotonic()
        with self._in_use():
            r = self._thread.call_when_ready(name, parameters, self.handle, _C[not_yet], timeout, self._waiter)
        if self._closed and not r.status.ok:
            raise Closed("the pipe is closed")
        # refmond cancels the waiting calls too, when it stops (W-19).
        if r.status == _CANCELLED and timeout is not None and time.monotonic() >= begun + timeout:
            raise TimeoutError("%s: nothing for %s seconds" % (name, timeout))
        return r

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()


class PipeListener(_Closing):
    """Accepts the clients of a named pipe. Iteration yields the PipeConnection of each client until close."""

    def __init__(self, thread, make, first):
        super().__init__(thread, first)
        self._make = make
        self._open = 0  # accepted connections that are not closed; guarded by _mu

    def accept(self, timeout=None):
        """Waits for the next client and returns its PipeConnection.

        At the limit of instances it first waits until an accepted connection is closed; without one it raises NTError
        with STATUS_INSTANCE_NOT_AVAILABLE. timeout is in seconds, None for no limit. TimeoutError: no client came;
        Closed: the listener was closed.
        """
        with self._in_use():
            if not self.handle:
                begun = time.monotonic()
                self.handle = self._instance(timeout)
                timeout = timeout and max(timeout - (time.monotonic() - begun), 0)
            listening = {"FileHandle": self.handle, "FsControlCode": _C["FSCTL_PIPE_LISTEN"]}
            r = self._wait("NtFsControlFile", listening, "STATUS_PIPE_LISTENING", timeout)
            h, self.handle = self.handle, 0
            if r.status not in (_C["STATUS_PIPE_CONNECTED"], _C["STATUS_PIPE_CLOSING"]):
                self._thread.NtClose(Handle=h)
                r.check()
            with _closed_on_failure(self._thread, h):
                made = self._thread.NtCreateNamedPipeFile(**self._make)  # so that the next client can connect
                self.handle = made.FileHandle if made.status.ok else 0
                c = PipeConnection(self._thread.connection.new_thread(), h)
            c._after = self._left
            with self._mu:
                self._open += 1
            return c

    def _instance(self, timeout):
        """Creates an instance for the next client and returns its handle, see accept."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._mu:
                before = self._open
            made = self._thread.NtCreateNamedPipeFile(**self._make)
            if made.status != _ALL_IN_USE or not before:
                return made.check().FileHandle
            with self._mu:  # otherwise clients that stay could end the loop of a server
                left = None if end is None else max(end - time.monotonic(), 0)
                if not self._mu.wait_for(lambda: self._closed or self._open < before, left):
                    raise TimeoutError("accept: all instances of the pipe are in use")
                if self._closed:
                    raise Closed("the pipe is closed")

    def _left(self):
        """Counts an accepted connection that was closed."""
        with self._mu:
            self._open -= 1
            self._mu.notify_all()

    def __iter__(self):
        while True:
            try:
                c = self.accept()
            except Closed:
                return
            yield c


class PipeConnection(_Closing):
    """One end of a connection. Iteration yields what recv returns until the other end is closed."""

    def recv(self, timeout=None):
        """Returns the next message, or the next bytes of a pipe of bytes. None: the other end is closed.

        timeout is in seconds, None for no limit. TimeoutError: nothing came; Closed: this end was closed.
        """
        whole = b""
        while True:
            reading = {"FileHandle": self.handle, "Length": _LARGEST_READ}
            r = self._wait("NtReadFile", reading, "STATUS_PIPE_EMPTY", timeout)
            if r.status in _ENDED:
                return None
            if r.status != _OVERFLOW:
                return whole + (r.check().Buffer or b"")
            whole += r.Buffer  # a longer message arrives in parts

    def send(self, data, timeout=None):
        """Sends bytes, or a str as UTF-8. On a pipe of messages they are one message.

        It waits while the other end is full. NTError: it is closed; TimeoutError and Closed as in recv.
        """
        if isinstance(data, str):
            data = data.encode()
        writing = {"FileHandle": self.handle, "Buffer": data}
        self._wait("NtWriteFile", writing, "STATUS_PIPE_BUSY", timeout).check()

    @contextlib.contextmanager
    def impersonate(self, thread):
        """Makes a thread of the server impersonate the client whose message was read last.

        At the end the thread gets its previous identity back, also after an exception.
        """
        with thread.restored():
            with self._in_use():
                thread.NtFsControlFile(FileHandle=self.handle, FsControlCode=_C["FSCTL_PIPE_IMPERSONATE"]).check()
            yield

    def __iter__(self):
        while True:
            message = self.recv()
            if message is None:
                return
            yield message
