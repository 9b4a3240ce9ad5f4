"""Statuses with their documented names."""
from .table import STATUSES


class Status(int):
    """An NTSTATUS: a number that prints as its documented name."""

    @property
    def name(self):
        return STATUSES.get(int(self), "0x%08X" % int(self))

    @property
    def ok(self):
        """Whether the call succeeded. It is true for success and information, false for warnings and errors
        (NT_SUCCESS)."""
        return self < 0x80000000

    __str__ = lambda self: self.name
    __repr__ = lambda self: self.name
    __format__ = lambda self, spec: format(self.name, spec)


class NTError(OSError):
    """A failed call. status is its Status, why the reason or None."""

    def __init__(self, status, what, why=None):
        self.status, self.why = Status(status), why
        super().__init__("%s: %s%s" % (what, self.status.name, ", because " + why if why else ""))


class Disconnected(NTError):
    """The connection is lost, and with it the process and its handles. Connect again (W-9)."""

    def __init__(self, why):
        super().__init__(0xC0000037, "connection to refmond", why)
