"""Files of a tree as file objects. They read a host file descriptor if refmond passes one, else they make calls."""
import io
import os
import threading

from . import table
from .status import NTError

_C = table.CONSTANTS
_LARGEST_READ = 1 << 20  # fits into a frame
_END = _C["STATUS_END_OF_FILE"]
_STANDARD = 5  # FileStandardInformation
_NON_DIRECTORY_FILE = 0x40


def open_file(thread, name, **parameters):
    """Opens a file for reading with the thread's present identity, and returns a BufferedReader that the caller closes.

    parameters add to those of NtCreateFile, or replace them. NTError: the open failed, STATUS_FILE_IS_A_DIRECTORY for a
    directory.
    """
    call = dict(DesiredAccess=_C["GENERIC_READ"], CreateDisposition=_C["FILE_OPEN"], CreateOptions=_NON_DIRECTORY_FILE,
                ShareAccess=_C["FILE_SHARE_READ"] | _C["FILE_SHARE_WRITE"], ObjectAttributes={"ObjectName": name})
    call.update(parameters)
    opened = thread.call_with("NtCreateFile", call)
    if not opened.status.ok:
        opened.check()
    if opened.descriptor is None:
        return io.BufferedReader(_Called(thread, opened.FileHandle))
    return io.BufferedReader(_Handed(opened.descriptor, thread, opened.FileHandle))


class _Handed(io.FileIO):
    """Reads a file through a host descriptor. Its handle stays open, so that ShareAccess applies to others."""

    def __init__(self, descriptor, thread, handle):
        super().__init__(descriptor, "r")
        self._close = _closer(thread, handle)

    def close(self):
        if not self.closed:
            super().close()
            self._close()


class _Called(io.RawIOBase):
    """Reads a file by calls, on a thread of its own. A read error is an NTError."""

    def __init__(self, thread, handle):
        self._connection, self._handle, self._at = thread.connection, handle, 0
        self._close = _closer(thread, handle)
        self._thread = self._connection.new_thread()
        self._close = _closer(thread, handle, self._thread)

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=os.SEEK_SET):
        if whence == os.SEEK_END:
            facts = self._thread.NtQueryInformationFile(FileHandle=self._handle, Length=24,
                                                        FileInformationClass=_STANDARD).check()
            offset += facts.FileInformation.value.EndOfFile
        elif whence == os.SEEK_CUR:
            offset += self._at
        if offset < 0:
            raise ValueError("a negative offset: %d" % offset)
        self._at = offset
        return offset

    def readinto(self, buffer):
        r = self._thread.NtReadFile(FileHandle=self._handle, Length=min(len(buffer), _LARGEST_READ),
                                    ByteOffset=self._at)
        if r.status == _END:
            return 0
        data = r.check().Buffer
        buffer[:len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self):
        if not self.closed:
            super().close()
            self._close()


def _closer(thread, handle, own=None):
    """Returns a function that closes a handle, and then the file's own thread. It needs no particular thread, because
    handles belong to the process."""
    connection = thread.connection

    def close_now():
        try:
            connection._closing_thread().NtClose(Handle=handle)
        except NTError:
            pass  # a lost connection has closed all handles
        if own is not None:
            own.close()

    def close():
        if connection._in_call():  # the garbage collector closes the file: a call within the call would wait for ever
            threading.Thread(target=close_now, name="refmon-close", daemon=True).start()
        else:
            close_now()

    return close
