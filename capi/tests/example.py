"""May this user read what only administrators may? With REFMON_USER=standard the answer is no. (ctypes)"""
import ctypes, sys
from ctypes import byref, c_int32, c_uint32, c_void_p

nt = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "librefmon.so.0")

def check(ok):
    if not ok:
        raise OSError(f"last error {nt.GetLastError()}")

process, client, sd = c_void_p(), c_void_p(), c_void_p()
check(nt.OpenProcessToken(c_void_p(-1), 0x2, byref(process)))     # TOKEN_DUPLICATE
check(nt.DuplicateToken(process, 1, byref(client)))               # SecurityIdentification
check(nt.ConvertStringSecurityDescriptorToSecurityDescriptorA(b"O:BAG:SYD:(A;;FR;;;BA)", 1, byref(sd), None))
mapping = (c_uint32 * 4)(0x120089, 0x120116, 0x1200A0, 0x1F01FF)
used, length = (c_uint32 * 5)(), c_uint32(20)
granted, status = c_uint32(), c_int32()
check(nt.AccessCheck(sd, client, 0x1, mapping, used, byref(length), byref(granted), byref(status)))
print(f"granted {granted.value:#x}" if status.value else f"denied, error {nt.GetLastError()}")
nt.LocalFree(sd)
nt.CloseHandle(client)
nt.CloseHandle(process)
