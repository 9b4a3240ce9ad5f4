/* Peeking at pipes, and what is told of them. */
#include "check.h"

static const char name[] = "\\\\.\\pipe\\capi-info";

/* I-133: sizes and limits are those asked for, the end is the handle's. */
static void info(void)
{
	HANDLE s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE, 3, 512, 1024, 0, NULL), c;
	DWORD flags = 7, out = 7, in = 7, max = 7;
	IO_STATUS_BLOCK io = {.Information = 7};
	FILE_PIPE_LOCAL_INFORMATION l;
	FILE_PIPE_INFORMATION modes;
	FILE_FS_DEVICE_INFORMATION device;
	CHECK(s != INVALID_HANDLE_VALUE);
	CHECK(GetNamedPipeInfo(s, &flags, &out, &in, &max));
	SAME(flags, PIPE_SERVER_END | PIPE_TYPE_MESSAGE);
	SAME(out, 512);
	SAME(in, 1024);
	SAME(max, 3);
	CHECK(GetNamedPipeInfo(s, NULL, NULL, NULL, NULL));
	c = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(c != INVALID_HANDLE_VALUE);
	CHECK(GetNamedPipeInfo(c, &flags, NULL, NULL, NULL));
	SAME(flags, PIPE_CLIENT_END | PIPE_TYPE_MESSAGE);
	STATUS(NtQueryInformationFile(s, &io, &l, sizeof l, FilePipeLocalInformation), STATUS_SUCCESS);
	SAME(io.Information, 40);
	SAME(l.NamedPipeState, FILE_PIPE_CONNECTED_STATE);
	SAME(l.NamedPipeConfiguration, FILE_PIPE_FULL_DUPLEX);
	SAME(l.CurrentInstances, 1);
	SAME(l.WriteQuotaAvailable, 512);
	STATUS(NtQueryInformationFile(c, &io, &modes, sizeof modes, FilePipeInformation), STATUS_SUCCESS);
	SAME(modes.CompletionMode, 0);
	STATUS(NtQueryInformationFile(s, &io, &l, 39, FilePipeLocalInformation), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryInformationFile(NULL, none, &l, sizeof l, FilePipeLocalInformation), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationFile(NULL, &io, none, sizeof l, FilePipeLocalInformation), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryVolumeInformationFile(c, &io, &device, sizeof device, FileFsDeviceInformation), STATUS_SUCCESS);
	SAME(io.Information, 8);
	SAME(device.DeviceType, FILE_DEVICE_NAMED_PIPE);
	SAME(device.Characteristics, 0);
	STATUS(NtQueryVolumeInformationFile(c, &io, none, sizeof device, FileFsDeviceInformation), STATUS_ACCESS_VIOLATION);
	FAILS(GetNamedPipeInfo(NULL, &flags, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(c));
	CHECK(CloseHandle(s));
	s = CreateNamedPipeA(name, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, 0, 0, 0, NULL);
	CHECK(GetNamedPipeInfo(s, &flags, &out, &in, &max));
	SAME(flags, PIPE_SERVER_END);
	SAME(out, 0);
	SAME(in, 0);
	SAME(max, PIPE_UNLIMITED_INSTANCES);
	CHECK(CloseHandle(s));
}

/* I-132: nothing is taken, and what has no room is told. */
static void peek(void)
{
	HANDLE s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 64, 64, 0, NULL),
		c;
	DWORD n = 7, all = 7, left = 7;
	char room[64] = "";
	struct { FILE_PIPE_PEEK_BUFFER b; char more[8]; } b;
	IO_STATUS_BLOCK io;
	FAILS(PeekNamedPipe(s, NULL, 0, &n, &all, &left), ERROR_BAD_PIPE); /* no client is there */
	c = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(PeekNamedPipe(s, NULL, 0, NULL, &all, &left));
	SAME(all, 0);
	SAME(left, 0);
	CHECK(WriteFile(c, "hello", 5, &n, NULL));
	CHECK(WriteFile(c, "you", 3, &n, NULL));
	CHECK(PeekNamedPipe(s, room, 3, &n, &all, &left));
	SAME(n, 3);
	SAME(all, 8);
	SAME(left, 2);
	CHECK(memcmp(room, "hel", 3) == 0);
	CHECK(PeekNamedPipe(s, room, sizeof room, &n, &all, &left));
	SAME(n, 5);
	SAME(left, 0);
	STATUS(NtFsControlFile(s, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, &b, 20), STATUS_BUFFER_OVERFLOW);
	SAME(io.Information, 20);
	SAME(b.b.NamedPipeState, FILE_PIPE_CONNECTED_STATE);
	SAME(b.b.NumberOfMessages, 2);
	SAME(b.b.MessageLength, 5);
	CHECK(memcmp(b.b.Data, "hell", 4) == 0);
	STATUS(NtFsControlFile(s, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, &b, 15), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtFsControlFile(s, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, none, 20), STATUS_ACCESS_VIOLATION);
	CHECK(ReadFile(s, room, sizeof room, &n, NULL));
	SAME(n, 5);
	CHECK(CloseHandle(c));
	CHECK(PeekNamedPipe(s, room, sizeof room, &n, &all, &left)); /* what was written can still be seen */
	SAME(n, 3);
	CHECK(ReadFile(s, room, sizeof room, &n, NULL));
	FAILS(PeekNamedPipe(s, room, sizeof room, &n, &all, &left), ERROR_BROKEN_PIPE);
	CHECK(CloseHandle(s));
}

/* I-157, I-158: a client's end starts with bytes and without PIPE_NOWAIT; SetNamedPipeHandleState
 * changes both, where the pipe has such a mode and the handle lets it. */
static void set_state(void)
{
	HANDLE s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 64, 64, 0, NULL),
		c = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	DWORD modes = 7, n = 7;
	char room[200] = "";
	CHECK(GetNamedPipeHandleStateA(c, &modes, NULL, NULL, NULL, NULL, 0));
	SAME(modes, PIPE_READMODE_BYTE | PIPE_WAIT);
	CHECK(WriteFile(s, "ab", 2, &n, NULL));
	CHECK(WriteFile(s, "cd", 2, &n, NULL));
	CHECK(ReadFile(c, room, 3, &n, NULL));
	SAME(n, 3);
	modes = PIPE_READMODE_MESSAGE | PIPE_NOWAIT;
	CHECK(SetNamedPipeHandleState(c, &modes, NULL, NULL));
	CHECK(SetNamedPipeHandleState(c, NULL, NULL, NULL));
	CHECK(GetNamedPipeHandleStateA(c, &modes, NULL, NULL, NULL, NULL, 0));
	SAME(modes, PIPE_READMODE_MESSAGE | PIPE_NOWAIT);
	CHECK(WriteFile(s, "ef", 2, &n, NULL));
	CHECK(ReadFile(c, room, 3, &n, NULL));
	SAME(n, 1);
	CHECK(WriteFile(c, room, sizeof room, &n, NULL)); /* I-153: more than the quota, and no wait */
	SAME(n, 0);
	modes = 4;
	FAILS(SetNamedPipeHandleState(c, &modes, NULL, NULL), ERROR_INVALID_PARAMETER);
	FAILS(SetNamedPipeHandleState(c, NULL, &n, NULL), ERROR_INVALID_PARAMETER);
	modes = 0;
	FAILS(SetNamedPipeHandleState(NULL, &modes, NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(c));
	CHECK(CloseHandle(s));
	s = CreateNamedPipeA(name, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE, 1, 64, 64, 0, NULL);
	FAILS(SetNamedPipeHandleState(s, &modes, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(s));
	s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 64, 64, 0, NULL);
	modes = PIPE_READMODE_MESSAGE;
	FAILS(SetNamedPipeHandleState(s, &modes, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(s));
}

/* I-161, I-159: a pipe without a name has an end to read and one to write. */
static void unnamed(void)
{
	HANDLE r, w, r2, w2;
	SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, TRUE};
	DWORD n = 7, flags = 7;
	char room[8] = "";
	IO_STATUS_BLOCK io;
	FILE_STANDARD_INFORMATION i;
	CHECK(CreatePipe(&r, &w, &sa, 100));
	CHECK(CreatePipe(&r2, &w2, NULL, 0));
	CHECK(GetHandleInformation(w, &flags));
	SAME(flags, HANDLE_FLAG_INHERIT);
	CHECK(GetHandleInformation(r2, &flags));
	SAME(flags, 0);
	CHECK(WriteFile(w, "hello", 5, &n, NULL));
	SAME(n, 5);
	STATUS(NtQueryInformationFile(r, &io, &i, sizeof i, FileStandardInformation), STATUS_SUCCESS);
	SAME(i.AllocationSize.QuadPart, 200);
	SAME(i.EndOfFile.QuadPart, 5);
	SAME(i.NumberOfLinks, 1);
	SAME(i.Directory, 0);
	CHECK(ReadFile(r, room, sizeof room, &n, NULL));
	SAME(n, 5);
	CHECK(memcmp(room, "hello", 5) == 0);
	FAILS(ReadFile(w, room, 1, &n, NULL), ERROR_ACCESS_DENIED);
	FAILS(WriteFile(r, room, 1, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(w));
	FAILS(ReadFile(r, room, 1, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK(CloseHandle(r));
	CHECK(CloseHandle(r2));
	FAILS(WriteFile(w2, room, 1, &n, NULL), ERROR_NO_DATA);
	CHECK(CloseHandle(w2));
}

/* I-133: the state is that of the handle's end. */
static void state(void)
{
	HANDLE s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_NOWAIT, 3, 64,
		64, 0, NULL), other;
	DWORD modes = 7, n = 7;
	WCHAR user[8];
	CHECK(GetNamedPipeHandleStateW(s, &modes, &n, NULL, NULL, NULL, 0));
	SAME(modes, PIPE_READMODE_MESSAGE | PIPE_NOWAIT);
	SAME(n, 1);
	other = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE, 3, 64, 64, 0, NULL);
	CHECK(GetNamedPipeHandleStateA(other, &modes, &n, NULL, NULL, NULL, 0));
	SAME(modes, 0);
	SAME(n, 2);
	CHECK(GetNamedPipeHandleStateA(s, NULL, NULL, NULL, NULL, NULL, 0));
	n = 7;
	FAILS(GetNamedPipeHandleStateA(s, &modes, &n, &n, NULL, NULL, 0), ERROR_INVALID_PARAMETER);
	FAILS(GetNamedPipeHandleStateA(s, &modes, &n, NULL, &n, NULL, 0), ERROR_INVALID_PARAMETER);
	FAILS(GetNamedPipeHandleStateW(s, &modes, &n, NULL, NULL, user, 8), ERROR_NOT_SUPPORTED);
	FAILS(GetNamedPipeHandleStateW(NULL, &modes, &n, NULL, NULL, NULL, 0), ERROR_INVALID_HANDLE);
	SAME(n, 7);
	CHECK(CloseHandle(other));
	CHECK(CloseHandle(s));
}

void test_pipeinfo(void)
{
	info();
	set_state();
	unnamed();
	state();
	peek();
}
