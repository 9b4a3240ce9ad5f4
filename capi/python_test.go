package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// The Python module makes the calls of the guide. The server of a client at SecurityIdentification cannot open a file
// as the client, but may query its token. A failed call raises its status.
func TestPythonModuleMakesCallsOfGuide(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 for the ctypes module")
	}
	folder := library(t)
	clients := check.Must(filepath.Abs("../clients/python"))
	got := run(t, "REFMON_LIBRARY="+filepath.Join(folder, "lib", "librefmon.so.0"), python, "-B", "-c",
		"import sys; sys.path.insert(0, "+"'"+clients+"')"+nativeCalls)
	want := "STATUS_BAD_IMPERSONATION_LEVEL\nSTATUS_SUCCESS\nlevel 1\nSTATUS_INVALID_HANDLE\nerror 6\ndenied 5\n" +
		"S-1-5-32-544\nno NtNosuch\n"
	check.That(t, strings.ReplaceAll(got, "\r", "") == want,
		"output of the Python module: got\n%s\nwant\n%s", got, want)
}

const nativeCalls = `
import ctypes
from ctypes import c_int32, c_uint32
from refmon import native as n

token = n.HANDLE()
n.check(n.ImpersonateSelf(n.SecurityIdentification))
print(n.NtOpenThreadToken(n.NtCurrentThread, n.TOKEN_QUERY, False, token))
print(n.NtOpenThreadToken(n.NtCurrentThread, n.TOKEN_QUERY, True, token))
level, size = c_uint32(), c_uint32()
n.NtQueryInformationToken(token, n.TokenImpersonationLevel, ctypes.byref(level), 4, size)
print("level", level.value)
n.check(n.RevertToSelf())
n.NtClose(token)
print(n.NtClose(token))
try:
    n.check(n.CloseHandle(token))
except OSError as e:
    print("error", e.errno)

process, client, descriptor = n.HANDLE(), n.HANDLE(), n.HANDLE()
n.check(n.OpenProcessToken(n.NtCurrentProcess, n.TOKEN_DUPLICATE, process))
n.check(n.DuplicateToken(process, n.SecurityIdentification, client))
n.check(n.ConvertStringSecurityDescriptorToSecurityDescriptorA(b"O:BAG:SYD:(D;;FR;;;BA)", 1, descriptor, None))
mapping, used = (c_uint32 * 4)(0x120089, 0x120116, 0x1200A0, 0x1F01FF), (c_uint32 * 5)()
length, granted, status = c_uint32(20), c_uint32(), c_int32()
n.check(n.AccessCheck(descriptor, client, 1, mapping, used, length, granted, status))
print("granted" if status else "denied", n.GetLastError())
owner, defaulted, text = n.PSID(), c_int32(), ctypes.c_void_p()
n.check(n.GetSecurityDescriptorOwner(descriptor, owner, defaulted))
n.check(n.ConvertSidToStringSidA(owner, text))
print(ctypes.string_at(text.value).decode())
n.LocalFree(text)
n.LocalFree(descriptor)
try:
    n.NtNosuch
except AttributeError:
    print("no NtNosuch")
`
