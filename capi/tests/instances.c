/* Instances of one pipe, an OVERLAPPED on a handle that waits, and a pipe's descriptor by its name. */
#include "check.h"

static const char path[] = "\\\\.\\pipe\\validated";

static HANDLE instance(DWORD open)
{
	return CreateNamedPipeA(path, open, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 3, 512, 512, 0, NULL);
}

/* A file of the daemon, by its name. */
static void named_file(PSECURITY_DESCRIPTOR d)
{
	char room[200];
	DWORD n;
	CHECK(SetFileSecurityA("report", DACL_SECURITY_INFORMATION, d));
	CHECK(GetFileSecurityA("report", DACL_SECURITY_INFORMATION, room, sizeof room, &n));
	CHECK(n == GetSecurityDescriptorLength(d) && !memcmp(room, d, n));
}

/* PIPE_NOWAIT (T-135): what cannot be done yet says so at once, and a write without room writes nothing. */
static void nobody_waits(void)
{
	char b[4] = "abc";
	DWORD n = 9;
	HANDLE server = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_NOWAIT, 1, 4, 4, 0, NULL);
	CHECK(server != INVALID_HANDLE_VALUE);
	FAILS(ConnectNamedPipe(server, NULL), 536); /* ERROR_PIPE_LISTENING */
	HANDLE client = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(client != INVALID_HANDLE_VALUE);
	FAILS(ConnectNamedPipe(server, NULL), ERROR_PIPE_CONNECTED);
	FAILS(ReadFile(server, b, 4, &n, NULL), 232); /* ERROR_NO_DATA */
	CHECK(WriteFile(server, b, 4, &n, NULL) && n == 4);
	CHECK(WriteFile(server, b, 4, &n, NULL) && n == 0);
	CHECK(ReadFile(client, b, 4, &n, NULL) && n == 4);
	CHECK(CloseHandle(server) && CloseHandle(client));
}

/* Directions of instances (T-132), an OVERLAPPED on a handle that waits, and a pipe's descriptor by its name. */
void test_instances(void)
{
	nobody_waits();
	char b[8] = "abcdefg", room[400];
	DWORD n = 7;
	OVERLAPPED o = {0, 0xbeef, {{0, 0}}, NULL};
	HANDLE server = instance(PIPE_ACCESS_DUPLEX);
	CHECK(server != INVALID_HANDLE_VALUE);
	CHECK(instance(PIPE_ACCESS_INBOUND) == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED);
	CHECK(instance(PIPE_ACCESS_OUTBOUND) == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED);
	HANDLE client = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(client != INVALID_HANDLE_VALUE);
	CHECK(WriteFile(client, b, 7, &n, &o) && n == 7 && o.Internal == 0 && o.InternalHigh == 7);
	FAILS(ReadFile(server, b, 1, &n, &o), ERROR_MORE_DATA);
	SAME(n, 0); /* a part of a message is counted in the structure alone */
	SAME(o.Internal, (ULONG)STATUS_BUFFER_OVERFLOW);
	SAME(o.InternalHigh, 1);
	CHECK(ReadFile(server, b, 8, &n, &o) && n == 6);
	CHECK(DisconnectNamedPipe(server));
	o.InternalHigh = 0xbeef;
	FAILS(ReadFile(server, b, 1, &n, &o), ERROR_PIPE_NOT_CONNECTED);
	SAME(o.Internal, STATUS_PENDING);
	SAME(o.InternalHigh, 0xbeef);
	o.hEvent = server;
	FAILS(WriteFile(server, b, 1, &n, &o), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(client));
	/* by name: an instance is connected for each call */
	PSECURITY_DESCRIPTOR d = sddl("D:(A;;FA;;;BA)");
	FAILS(SetFileSecurityA(path, DACL_SECURITY_INFORMATION, d), ERROR_PIPE_BUSY);
	FAILS(ConnectNamedPipe(server, &o), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(server));
	server = instance(PIPE_ACCESS_DUPLEX);
	HANDLE another = instance(PIPE_ACCESS_DUPLEX), third = instance(PIPE_ACCESS_DUPLEX);
	CHECK(SetFileSecurityA(path, DACL_SECURITY_INFORMATION, d));
	FAILS(GetFileSecurityA(path, DACL_SECURITY_INFORMATION, NULL, 0, &n), ERROR_INSUFFICIENT_BUFFER);
	CHECK(n > 20 && n < sizeof room);
	CHECK(GetFileSecurityW(u"\\\\.\\pipe\\validated", DACL_SECURITY_INFORMATION, room, n, &n));
	CHECK(n == GetSecurityDescriptorLength(d) && !memcmp(room, d, n));
	FAILS(GetFileSecurityA("\\\\.\\pipe\\nothing", DACL_SECURITY_INFORMATION, room, sizeof room, &n),
		ERROR_FILE_NOT_FOUND);
	CHECK(CloseHandle(server) && CloseHandle(another) && CloseHandle(third));
	if (OVER_SOCKET)
		named_file(d);
	/* the device of pipes (T-139) */
	HANDLE device = CreateFileA("\\\\.\\pipe\\", FILE_ALL_ACCESS, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(device != INVALID_HANDLE_VALUE && CloseHandle(device));
	CHECK(CreateNamedPipeA("\\\\.\\pipe\\", PIPE_ACCESS_DUPLEX, 0, 1, 9, 9, 0, NULL) == INVALID_HANDLE_VALUE);
	SAME(GetLastError(), ERROR_INVALID_NAME);
	/* a pipe without a direction, or with one that there is not */
	UNICODE_STRING name;
	OBJECT_ATTRIBUTES oa;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER wait = {.QuadPart = -10000};
	RtlInitUnicodeString(&name, u"\\??\\pipe\\validated");
	InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
	for (ULONG share = 0; share <= 4; share += 4)
		STATUS(NtCreateNamedPipeFile(&server, GENERIC_READ | SYNCHRONIZE, &oa, &io, share, FILE_CREATE,
			FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 9, 9, &wait), STATUS_INVALID_PARAMETER);
}
