"""refmon: the services of a security kernel for Python programs, with nothing but the standard library.

    import refmon

    with refmon.connect() as kernel:
        thread = kernel.thread
        h = thread.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess,
                                      DesiredAccess=refmon.TOKEN_QUERY).check().TokenHandle
        user = thread.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=refmon.TokenUser)
        print(user.TokenInformation.value.SID)

A connection is a process of refmond; a call is a method of a thread, with its
documented name and parameters. docs/refmond.md is the tour, docs/services.md
has the services, docs/wire.md the bytes.
"""
from . import table
from .connection import Batch, Connection, Result, Thread, Waiter, connect
from .pipes import Closed, PipeConnection, PipeListener
from .status import Disconnected, NTError, Status
from .table import Any, Captured, Struct, Why

NtCurrentProcess, NtCurrentThread = -1, -2


def __getattr__(name):
    """The documented constants: statuses, rights, classes, privileges (by their LUIDs)."""
    try:
        n = table.CONSTANTS[name]
    except KeyError:
        raise AttributeError("refmon has no %s" % name) from None
    return Status(n) if name.startswith("STATUS_") else n
