"""The functions of the C library librefmon through ctypes: the documented names with a kernel in this process.

    from refmon import native

    token = native.HANDLE()
    native.ImpersonateSelf(native.SecurityIdentification)
    status = native.NtOpenThreadToken(native.NtCurrentThread, native.TOKEN_QUERY, True, token)
    print(status)  # STATUS_BAD_IMPERSONATION_LEVEL or another documented name

The module loads the library when it first uses a function. A function takes the arguments of its prototype: numbers,
ctypes structures, bytes, None, and ctypes variables for pointers. NTSTATUS results have class Status. After a false
BOOL, GetLastError() returns the reason. Each Python thread is a thread of the kernel, with its own impersonation and
last error.

REFMON_LIBRARY names another library file than librefmon.so.0. docs/c-abi.md describes the library. functions.txt is
generated from the headers: go test ./clients -args -write.
"""
import ctypes
import os

from . import table
from .status import Status

HANDLE = ctypes.c_void_p
PSID = ctypes.c_void_p

# Pseudo-handles of the caller. They need not be closed.
NtCurrentProcess, NtCurrentThread = HANDLE(-1), HANDLE(-2)
NtCurrentProcessToken, NtCurrentThreadToken, NtCurrentThreadEffectiveToken = HANDLE(-4), HANDLE(-5), HANDLE(-6)


_simple = ctypes.c_void_p.__mro__[1]  # the base class of the ctypes numbers


class _Value(ctypes.c_void_p):
    """A parameter for a handle or an address. A structure is passed by its address."""

    @classmethod
    def from_param(cls, value):
        return ctypes.byref(value) if isinstance(value, (ctypes.Structure, ctypes.Union)) else ctypes.c_void_p.from_param(value)


class _Pointer(ctypes.c_void_p):
    """A pointer parameter. Structures and ctypes variables, a HANDLE too, are passed by their addresses. Give another
    address as an int or a cast."""

    @classmethod
    def from_param(cls, value):
        if isinstance(value, (ctypes.Structure, ctypes.Union, _simple)) and not isinstance(value, ctypes.c_char_p):
            return ctypes.byref(value)
        return ctypes.c_void_p.from_param(value)


def _status(value):
    return Status(value & 0xFFFFFFFF)


_KINDS = {
    "p": _Pointer, "h": _Value, "i8": ctypes.c_int8, "u8": ctypes.c_uint8, "i16": ctypes.c_int16, "u16": ctypes.c_uint16,
    "i32": ctypes.c_int32, "u32": ctypes.c_uint32, "i64": ctypes.c_int64, "u64": ctypes.c_uint64, "void": None,
}


def _read():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "functions.txt")
    with open(path, encoding="ascii") as f:
        return {words[0]: words[1:] for words in map(str.split, f) if words}


_functions, _library = _read(), None


def __getattr__(name):
    """Returns a function of the library or a documented constant. AttributeError: it is unknown; OSError: the library
    cannot be loaded."""
    global _library
    kinds = _functions.get(name)
    if kinds is None:
        if name in table.CONSTANTS:
            return table.CONSTANTS[name]
        raise AttributeError("librefmon has no %s" % name)
    if _library is None:
        _library = ctypes.CDLL(os.environ.get("REFMON_LIBRARY", "librefmon.so.0"))
    function = getattr(_library, name)
    function.restype = _status if kinds[0] == "status" else ctypes.c_void_p if kinds[0] in "ph" else _KINDS[kinds[0]]
    function.argtypes = [_KINDS[k] for k in kinds[1:]]
    globals()[name] = function
    return function


def __dir__():
    return sorted(list(globals()) + list(_functions))


def check(ok):
    """Raises OSError with the thread's last error if a function returned FALSE, else returns ok."""
    if not ok:
        code = __getattr__("GetLastError")()
        raise OSError(code, "error %d of librefmon" % code)
    return ok
