"""Named pipes: a server that acts for its clients, and its clients."""
import contextlib

from . import table
from .status import NTError, Status

_C = table.CONSTANTS
_DEVICE = "\\??\\pipe\\"
_RIGHTS = _C["GENERIC_READ"] | _C["GENERIC_WRITE"]
_LARGEST_READ = 1 << 20  # less than a frame holds
_OVERFLOW = Status(0x80000005)
_BYTES = _C["STATUS_INVALID_PARAMETER"]
_CANCELLED = _C["STATUS_CANCELLED"]
_ENDED = (_C["STATUS_PIPE_BROKEN"], _C["STATUS_PIPE_DISCONNECTED"])


class Closed(OSError):
    """The pipe was closed at this end."""


def listen(thread, name, message=True, instances=0, sd=None):
    """Makes the named pipe with the context of that thread. sd is SDDL, or the bytes of a descriptor."""
    make = dict(
        DesiredAccess=_RIGHTS, ObjectAttributes={"ObjectName": _DEVICE + name, "SecurityDescriptor": sd},
        MaximumInstances=instances, NamedPipeType=_C["FILE_PIPE_MESSAGE_TYPE"] if message else 0)
    first = thread.NtCreateNamedPipeFile(**make).check().FileHandle
    return PipeListener(thread.connection.new_thread(), make, first)


def dial(thread, name, level, effective_only):
    sqos = {"ImpersonationLevel": _C[level] if isinstance(level, str) else level, "EffectiveOnly": effective_only}
    attributes = {"ObjectName": _DEVICE + name, "SecurityQualityOfService": sqos}
    opened = thread.NtOpenFile(DesiredAccess=_RIGHTS, ObjectAttributes=attributes).check()
    # A client's end starts with bytes; a pipe of bytes refuses to be read by messages.
    by_messages = table.Any("PipeInformation", {"ReadMode": 1, "CompletionMode": 0})
    set_mode = thread.NtSetInformationFile(
        FileHandle=opened.FileHandle, FileInformationClass=23, FileInformation=by_messages)
    if set_mode.status not in (_BYTES, *_ENDED):
        set_mode.check()
    return PipeConnection(thread.connection.new_thread(), opened.FileHandle)


class _Closing:
    """What can be closed from any Python thread, once."""

    def __init__(self, thread):
        from .connection import Waiter

        self._thread, self._waiter, self._closed = thread, Waiter(), False

    def _end(self, handle):
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(NTError):  # a connection that is lost has closed everything
            self._waiter.cancel()
            if handle:
                self._thread.NtClose(Handle=handle)
            self._thread.close()

    def _wait(self, name, parameters, handle, not_yet, timeout):
        if self._closed:
            raise Closed("the pipe is closed")
        r = self._thread.call_when_ready(name, parameters, handle, _C[not_yet], timeout, self._waiter)
        if r.status == _CANCELLED or (self._closed and not r.status.ok):
            if self._closed:
                raise Closed("the pipe is closed")
            raise TimeoutError("%s: nothing for %s seconds" % (name, timeout))
        return r

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()


class PipeListener(_Closing):
    """Accepts the clients of a named pipe. Iterating it gives each client's PipeConnection until it is closed."""

    def __init__(self, thread, make, first):
        super().__init__(thread)
        self._make, self._next = make, first

    def accept(self, timeout=None):
        """Waits for the next client."""
        if not self._next:
            self._next = self._thread.NtCreateNamedPipeFile(**self._make).check().FileHandle
        h = self._next
        listening = {"FileHandle": h, "FsControlCode": _C["FSCTL_PIPE_LISTEN"]}
        r = self._wait("NtFsControlFile", listening, h, "STATUS_PIPE_LISTENING", timeout)
        self._next = 0
        if r.status not in (_C["STATUS_PIPE_CONNECTED"], _C["STATUS_PIPE_CLOSING"]):
            self._thread.NtClose(Handle=h)
            r.check()
        made = self._thread.NtCreateNamedPipeFile(**self._make)  # so that another client can connect at once
        self._next = made.FileHandle if made.status.ok else 0
        return PipeConnection(self._thread.connection.new_thread(), h)

    def __iter__(self):
        while True:
            try:
                c = self.accept()
            except Closed:
                return
            yield c

    def close(self):
        """Ends the listener; connections that were accepted go on."""
        self._end(self._next)


class PipeConnection(_Closing):
    """One end of a connection. Iterating it gives what comes until the other end is closed."""

    def __init__(self, thread, handle):
        super().__init__(thread)
        self.handle = handle

    def recv(self, timeout=None):
        """Returns the next message, or the next bytes of a pipe of bytes; None when the other end is closed."""
        whole = b""
        while True:
            reading = {"FileHandle": self.handle, "Length": _LARGEST_READ}
            r = self._wait("NtReadFile", reading, self.handle, "STATUS_PIPE_EMPTY", timeout)
            if r.status in _ENDED:
                return None
            if r.status != _OVERFLOW:
                return whole + (r.check().Buffer or b"")
            whole += r.Buffer  # a message that is longer comes in parts

    def send(self, data, timeout=None):
        """Sends bytes; on a pipe of messages they are one."""
        if isinstance(data, str):
            data = data.encode()
        writing = {"FileHandle": self.handle, "Buffer": data}
        self._wait("NtWriteFile", writing, self.handle, "STATUS_PIPE_BUSY", timeout).check()

    @contextlib.contextmanager
    def impersonate(self, thread):
        """Has a thread of the server act as the client of the last message that was read.

        At the end the thread is what it was before, whatever happened.
        """
        with thread.restored():
            thread.NtFsControlFile(FileHandle=self.handle, FsControlCode=_C["FSCTL_PIPE_IMPERSONATE"]).check()
            yield

    def __iter__(self):
        while True:
            message = self.recv()
            if message is None:
                return
            yield message

    def close(self):
        """Closes this end; what was sent can still be read at the other."""
        self._end(self.handle)
