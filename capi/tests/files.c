/* The native services on pipes: what they take, what they refuse, and where the
 * result goes. Names, dispositions and states are those of the documentation of
 * CreateNamedPipe, ConnectNamedPipe and ImpersonateNamedPipeClient. */
#include "check.h"
#include <pthread.h>
#include <unistd.h>

static UNICODE_STRING name;
static OBJECT_ATTRIBUTES oa;
static LARGE_INTEGER timeout = {.QuadPart = -500000};

static void path(PCWSTR text)
{
	RtlInitUnicodeString(&name, text);
	InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
}

static NTSTATUS create(PHANDLE h, ULONG disposition, ULONG options, ULONG type, ULONG read, ULONG completion,
	ULONG instances)
{
	IO_STATUS_BLOCK io = {{-1}, 77};
	NTSTATUS st = NtCreateNamedPipeFile(h, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io,
		FILE_SHARE_READ | FILE_SHARE_WRITE, disposition, options, type, read, completion, instances, 4096, 4096, &timeout);
	if (NT_SUCCESS(st)) {
		STATUS(io.Status, STATUS_SUCCESS);
		SAME(io.Information, FILE_CREATED);
	} else {
		STATUS(io.Status, -1);
		SAME(io.Information, 77);
	}
	return st;
}

static NTSTATUS server(PHANDLE h, ULONG disposition, ULONG type, ULONG instances)
{
	return create(h, disposition, FILE_SYNCHRONOUS_IO_NONALERT, type, type, FILE_PIPE_QUEUE_OPERATION, instances);
}

static NTSTATUS control(HANDLE h, ULONG code)
{
	static IO_STATUS_BLOCK all[64], *io; /* a call that is pending writes its own later */
	io = io && io < all + 63 ? io + 1 : all;
	*io = (IO_STATUS_BLOCK){{-1}, 77};
	NTSTATUS st = NtFsControlFile(h, NULL, NULL, NULL, io, code, NULL, 0, NULL, 0);
	STATUS(io->Status, NT_ERROR(st) || st == STATUS_PENDING ? -1 : st);
	return st;
}

/* Parameters that no pipe can have, and handles that do not wait. */
static void parameters(void)
{
	HANDLE h = (HANDLE)0x55;
	const ULONG sync = FILE_SYNCHRONOUS_IO_NONALERT;
	path(u"\\??\\pipe\\native-parameters");
	STATUS(create(&h, FILE_SUPERSEDE, sync, 0, 0, 0, 1), STATUS_INVALID_PARAMETER);
	SAME((uintptr_t)h, 0); /* O-5 */
	STATUS(create(&h, FILE_OVERWRITE, sync, 0, 0, 0, 1), STATUS_INVALID_PARAMETER);
	STATUS(create(&h, FILE_CREATE, sync, 4, 0, 0, 1), STATUS_INVALID_PARAMETER);
	STATUS(create(&h, FILE_CREATE, sync, 0, 2, 0, 1), STATUS_INVALID_PARAMETER);
	STATUS(create(&h, FILE_CREATE, sync, 0, 0, 2, 1), STATUS_INVALID_PARAMETER);
	/* bytes have no messages */
	STATUS(create(&h, FILE_CREATE, sync, FILE_PIPE_BYTE_STREAM_TYPE, FILE_PIPE_MESSAGE_MODE, 0, 1),
		STATUS_INVALID_PARAMETER);
	STATUS(create(&h, FILE_CREATE, sync, 0, 0, 0, 0), STATUS_INVALID_PARAMETER);
	STATUS(create(&h, FILE_CREATE, sync, 0, 0, 0, 300), STATUS_INVALID_PARAMETER);
	/* a handle that does not wait: its operation is pending, or its end says so at once (T-135, I-135) */
	for (int i = 0; i < 2; i++) {
		STATUS(create(&h, FILE_CREATE, i ? sync : 0, 0, 0, i ? FILE_PIPE_COMPLETE_OPERATION : 0, 1), STATUS_SUCCESS);
		STATUS(control(h, FSCTL_PIPE_LISTEN), i ? STATUS_PIPE_LISTENING : STATUS_PENDING);
		STATUS(NtClose(h), STATUS_SUCCESS);
	}
	STATUS(create(&h, FILE_OPEN, sync, 0, 0, 0, 1), STATUS_OBJECT_NAME_NOT_FOUND);
	STATUS(create(&h, FILE_CREATE, sync, FILE_PIPE_REJECT_REMOTE_CLIENTS, 0, 0, FILE_PIPE_UNLIMITED_INSTANCES),
		STATUS_SUCCESS);
	STATUS(NtClose(h), STATUS_SUCCESS);
	path(u"\\BaseNamedObjects\\native");
	STATUS(create(&h, FILE_OPEN_IF, sync, 0, 0, 0, 1), STATUS_OBJECT_NAME_INVALID);
}

/* FILE_CREATE is FILE_FLAG_FIRST_PIPE_INSTANCE: the second creation of the name is
 * refused with access denied, which keeps a squatter out. */
static void instances(void)
{
	HANDLE a, b, c;
	path(u"\\??\\pipe\\native-instances");
	STATUS(server(&a, FILE_CREATE, 0, 2), STATUS_SUCCESS);
	STATUS(server(&b, FILE_CREATE, 0, 2), STATUS_ACCESS_DENIED);
	STATUS(server(&b, FILE_OPEN, 0, 2), STATUS_SUCCESS);
	STATUS(server(&c, FILE_OPEN_IF, 0, 2), STATUS_INSTANCE_NOT_AVAILABLE);
	STATUS(NtClose(b), STATUS_SUCCESS);
	STATUS(server(&b, FILE_OPEN_IF, 0, 2), STATUS_SUCCESS);
	STATUS(NtClose(b), STATUS_SUCCESS);
	STATUS(NtClose(a), STATUS_SUCCESS);
	STATUS(server(&a, FILE_CREATE, 0, 1), STATUS_SUCCESS); /* the name went with its last instance */
	STATUS(NtClose(a), STATUS_SUCCESS);

	const char *n = "\\\\.\\pipe\\first";
	const DWORD open = PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE;
	a = CreateNamedPipeA(n, open, 0, 2, 0, 0, 0, NULL);
	CHECK(a != INVALID_HANDLE_VALUE);
	SetLastError(0);
	SAME((uintptr_t)CreateNamedPipeA(n, open, 0, 2, 0, 0, 0, NULL), (uintptr_t)INVALID_HANDLE_VALUE);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	b = CreateNamedPipeA(n, PIPE_ACCESS_DUPLEX, 0, 2, 0, 0, 0, NULL);
	CHECK(b != INVALID_HANDLE_VALUE);
	SAME((uintptr_t)CreateNamedPipeA(n, PIPE_ACCESS_DUPLEX, 0, 2, 0, 0, 0, NULL), (uintptr_t)INVALID_HANDLE_VALUE);
	SAME(GetLastError(), ERROR_PIPE_BUSY);
	CHECK(CloseHandle(b) && CloseHandle(a));
}

static NTSTATUS open_end(PHANDLE h, ULONG disposition)
{
	IO_STATUS_BLOCK io = {{-1}, 77};
	NTSTATUS st = NtCreateFile(h, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io, NULL, 0, 0, disposition,
		FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
	SAME(io.Information, NT_SUCCESS(st) ? FILE_OPENED : 77);
	return st;
}

static void no_such_file(HANDLE s, HANDLE c)
{
	IO_STATUS_BLOCK io;
	char b[16];
	/* events and handles of no object, or of another */
	STATUS(NtReadFile(s, (HANDLE)0xdeadbee0, 0, 0, &io, b, 1, 0, 0), STATUS_INVALID_HANDLE);
	STATUS(NtWriteFile(c, c, 0, 0, &io, b, 1, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(NtReadFile(NULL, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_INVALID_HANDLE);
	STATUS(NtWriteFile(NULL, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_INVALID_HANDLE);
	STATUS(NtFsControlFile(NULL, NULL, NULL, NULL, &io, FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0), STATUS_INVALID_HANDLE);
	STATUS(NtReadFile(NtCurrentProcess(), NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_OBJECT_TYPE_MISMATCH);
	HANDLE weak;
	STATUS(NtDuplicateObject(NtCurrentProcess(), s, NtCurrentProcess(), &weak, SYNCHRONIZE, 0, 0), STATUS_SUCCESS);
	STATUS(NtReadFile(weak, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_ACCESS_DENIED);
	STATUS(NtWriteFile(weak, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_ACCESS_DENIED);
	STATUS(NtClose(weak), STATUS_SUCCESS);
}

/* The ends part. */
static void parting(HANDLE s, HANDLE c)
{
	IO_STATUS_BLOCK io;
	char b[16];
	STATUS(NtWriteFile(c, NULL, NULL, NULL, &io, "last", 4, NULL, NULL), STATUS_SUCCESS);
	STATUS(NtClose(c), STATUS_SUCCESS);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, sizeof b, NULL, NULL), STATUS_SUCCESS);
	SAME(io.Information, 4);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, sizeof b, NULL, NULL), STATUS_PIPE_BROKEN);
	STATUS(NtWriteFile(s, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_PIPE_CLOSING);
	STATUS(control(s, FSCTL_PIPE_IMPERSONATE), STATUS_SUCCESS); /* I-86: until it is disconnected */
	CHECK(RevertToSelf());
	STATUS(control(s, FSCTL_PIPE_DISCONNECT), STATUS_SUCCESS);
	STATUS(control(s, FSCTL_PIPE_DISCONNECT), STATUS_PIPE_DISCONNECTED);
	STATUS(control(s, FSCTL_PIPE_IMPERSONATE), STATUS_INVALID_PIPE_STATE);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, 1, NULL, NULL), STATUS_PIPE_DISCONNECTED);
	STATUS(NtClose(s), STATUS_SUCCESS);
}

static void messages(void)
{
	HANDLE s, c = (HANDLE)0x55;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER offset = {.QuadPart = 0};
	ULONG key = 0;
	char b[16] = "";
	path(u"\\??\\pipe\\native-messages");
	STATUS(open_end(&c, FILE_OPEN), STATUS_OBJECT_NAME_NOT_FOUND);
	SAME((uintptr_t)c, 0);
	STATUS(open_end(&c, FILE_OPEN_IF), STATUS_OBJECT_NAME_NOT_FOUND);
	STATUS(server(&s, FILE_CREATE, FILE_PIPE_MESSAGE_TYPE, 1), STATUS_SUCCESS);
	STATUS(open_end(&c, 6), STATUS_INVALID_PARAMETER);
	STATUS(open_end(&c, FILE_CREATE), STATUS_NOT_SUPPORTED);
	STATUS(control(s, FSCTL_PIPE_IMPERSONATE), STATUS_CANNOT_IMPERSONATE); /* T-133 */
	STATUS(open_end(&c, FILE_OPEN), STATUS_SUCCESS);
	STATUS(control(s, FSCTL_PIPE_LISTEN), STATUS_PIPE_CONNECTED);
	STATUS(control(c, FSCTL_PIPE_LISTEN), STATUS_ILLEGAL_FUNCTION);
	STATUS(control(c, FSCTL_PIPE_IMPERSONATE), STATUS_ILLEGAL_FUNCTION); /* I-85 */
	STATUS(control(s, FSCTL_PIPE_IMPERSONATE), STATUS_CANNOT_IMPERSONATE);
	STATUS(control(s, 0x00110010), STATUS_NOT_SUPPORTED); /* another code */

	STATUS(NtWriteFile(c, NULL, NULL, NULL, &io, "hello", 5, NULL, NULL), STATUS_SUCCESS);
	SAME(io.Information, 5);
	STATUS(NtWriteFile(c, NULL, NULL, NULL, &io, "xy", 2, &offset, &key), STATUS_SUCCESS);
	SAME(io.Information, 2);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, 3, NULL, NULL), STATUS_BUFFER_OVERFLOW); /* the message is longer */
	STATUS(io.Status, STATUS_BUFFER_OVERFLOW);
	SAME(io.Information, 3);
	CHECK(memcmp(b, "hel", 4) == 0);
	STATUS(control(s, FSCTL_PIPE_IMPERSONATE), STATUS_SUCCESS);
	CHECK(RevertToSelf());
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, sizeof b, &offset, &key), STATUS_SUCCESS);
	SAME(io.Information, 2);
	CHECK(memcmp(b, "lo", 2) == 0);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, sizeof b, NULL, NULL), STATUS_SUCCESS);
	SAME(io.Information, 2);
	CHECK(memcmp(b, "xy", 2) == 0);
	/* ReadFile tells how much there was, and the code for more */
	DWORD n = 0;
	CHECK(WriteFile(c, "abcdef", 6, &n, NULL));
	FAILS(ReadFile(s, b, 4, &n, NULL), ERROR_MORE_DATA);
	SAME(n, 4);
	CHECK(ReadFile(s, b, 4, &n, NULL));
	SAME(n, 2);

	no_such_file(s, c);
	parting(s, c);
}

static void *late_client(void *arg)
{
	IO_STATUS_BLOCK io;
	HANDLE c;
	usleep(20000);
	STATUS(open_end(&c, FILE_OPEN), STATUS_SUCCESS);
	usleep(20000);
	STATUS(NtWriteFile(c, NULL, NULL, NULL, &io, arg, 3, NULL, NULL), STATUS_SUCCESS);
	STATUS(NtClose(c), STATUS_SUCCESS);
	return NULL;
}

/* Listening and reading wait. */
static void waiting(void)
{
	HANDLE s;
	pthread_t t;
	IO_STATUS_BLOCK io;
	char b[8];
	path(u"\\Device\\NamedPipe\\native-wait");
	STATUS(server(&s, FILE_CREATE, FILE_PIPE_MESSAGE_TYPE, 1), STATUS_SUCCESS);
	pthread_create(&t, NULL, late_client, "abc");
	STATUS(control(s, FSCTL_PIPE_LISTEN), STATUS_SUCCESS);
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, b, sizeof b, NULL, NULL), STATUS_SUCCESS);
	SAME(io.Information, 3);
	pthread_join(t, NULL);
	STATUS(NtClose(s), STATUS_SUCCESS);
}

/* An instance may be added by those whom the pipe's descriptor lets. */
static void guarded(void)
{
	HANDLE s, c;
	path(u"\\??\\pipe\\native-guarded");
	oa.SecurityDescriptor = sddl("O:BAG:SYD:(A;;0x120089;;;WD)"); /* to read, not to add (0x4) or write */
	STATUS(server(&s, FILE_CREATE, 0, 3), STATUS_SUCCESS);
	HANDLE imp = client(SecurityImpersonation);
	CHECK(SetThreadToken(NULL, imp));
	STATUS(server(&c, FILE_OPEN_IF, 0, 3), STATUS_ACCESS_DENIED);
	STATUS(open_end(&c, FILE_OPEN), STATUS_ACCESS_DENIED);
	CHECK(RevertToSelf());
	IO_STATUS_BLOCK io;
	STATUS(NtCreateFile(&c, GENERIC_READ | SYNCHRONIZE, &oa, &io, NULL, 0, 0, FILE_OPEN, 0, NULL, 0), STATUS_SUCCESS);
	STATUS(NtWriteFile(c, NULL, NULL, NULL, &io, "x", 1, NULL, NULL), STATUS_ACCESS_DENIED);
	STATUS(NtClose(c), STATUS_SUCCESS);
	STATUS(NtClose(s), STATUS_SUCCESS);
	CHECK(CloseHandle(imp));
}

/* Bad pointers, before any handle is looked at. */
static void faults(void)
{
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	IO_STATUS_BLOCK io;
	HANDLE h;
	char b[8];
	path(u"\\??\\pipe\\native-faults");
	for (int i = 0; i < 6; i++) {
		void *p = bad[i];
		STATUS(NtCreateNamedPipeFile(p, GENERIC_READ, &oa, &io, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 0,
			0, &timeout), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateNamedPipeFile(&h, GENERIC_READ, &oa, p, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 0, 0,
			&timeout), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateFile(p, GENERIC_READ, &oa, &io, NULL, 0, 0, FILE_OPEN, 0, NULL, 0), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateFile(&h, GENERIC_READ, &oa, p, NULL, 0, 0, FILE_OPEN, 0, NULL, 0), STATUS_ACCESS_VIOLATION);
		STATUS(NtReadFile(NULL, NULL, NULL, NULL, p, b, 1, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtReadFile(NULL, NULL, NULL, NULL, &io, p, 1, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtWriteFile(NULL, NULL, NULL, NULL, p, b, 1, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtFsControlFile(NULL, NULL, NULL, NULL, p, FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0), STATUS_ACCESS_VIOLATION);
		STATUS(NtFsControlFile(NULL, NULL, NULL, NULL, &io, FSCTL_PIPE_LISTEN, NULL, 0, p, 8), STATUS_ACCESS_VIOLATION);
		if (p && p != readonly) {
			STATUS(NtCreateNamedPipeFile(&h, GENERIC_READ, p, &io, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 0,
				0, &timeout), STATUS_ACCESS_VIOLATION);
			STATUS(NtCreateNamedPipeFile(&h, GENERIC_READ, &oa, &io, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 0,
				0, p), STATUS_ACCESS_VIOLATION);
			STATUS(NtCreateFile(&h, GENERIC_READ, p, &io, NULL, 0, 0, FILE_OPEN, 0, NULL, 0), STATUS_ACCESS_VIOLATION);
			STATUS(NtWriteFile(NULL, NULL, NULL, NULL, &io, p, 1, NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtReadFile(NULL, NULL, NULL, NULL, &io, b, 1, p, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtReadFile(NULL, NULL, NULL, NULL, &io, b, 1, NULL, p), STATUS_ACCESS_VIOLATION);
		}
	}
}

void test_files(void)
{
	parameters();
	instances();
	messages();
	waiting();
	guarded();
	faults();
}
