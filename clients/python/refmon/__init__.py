"""refmon: the services of a security kernel for Python programs. It needs the standard library only.

    import refmon

    with refmon.connect() as kernel:
        thread = kernel.thread
        h = thread.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess,
                                      DesiredAccess=refmon.TOKEN_QUERY).check().TokenHandle
        user = thread.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=refmon.TokenUser)
        print(user.TokenInformation.value.SID)

A connection is a process of refmond. Each service is a method of a thread, with
its documented name and parameters. Start with docs/refmond.md. docs/services.md
lists the services, docs/wire.md describes the protocol.
"""
from . import table
from .connection import Batch, Connection, Result, Thread, Waiter, connect
from .pipes import Closed, PipeConnection, PipeListener
from .status import Disconnected, NTError, Status
from .table import Any, Captured, Struct, Why

NtCurrentProcess, NtCurrentThread = -1, -2


def __getattr__(name):
    """Returns a documented constant: a Status, right, class or privilege (its LUID). AttributeError: it is unknown."""
    try:
        n = table.CONSTANTS[name]
    except KeyError:
        raise AttributeError("refmon has no %s" % name) from None
    return Status(n) if name.startswith("STATUS_") else n
