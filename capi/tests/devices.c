/* Devices and what is told of files: names, statuses and lengths are those of the documentation of the structures
 * and of tests that run on Windows. */
#include "check.h"

#ifndef SYMBOLIC_LINK_QUERY /* rights of the kernel's headers, not of everyone's */
#define SYMBOLIC_LINK_QUERY 1
#endif
#ifndef DIRECTORY_QUERY
#define DIRECTORY_QUERY 1
#endif

static UNICODE_STRING name;
static OBJECT_ATTRIBUTES oa;

static void path(PCWSTR text, HANDLE root)
{
	RtlInitUnicodeString(&name, text);
	InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE, root, NULL);
}

/* The name of a handle's object, compared with the one expected. */
static void named(HANDLE h, PCWSTR want)
{
	union { UNICODE_STRING s; char room[256]; } b;
	ULONG n;
	UNICODE_STRING w;
	RtlInitUnicodeString(&w, want);
	STATUS(NtQueryObject(h, ObjectNameInformation, &b, sizeof b, &n), STATUS_SUCCESS);
	SAME(b.s.Length, w.Length);
	CHECK(b.s.Length == w.Length && memcmp(b.s.Buffer, w.Buffer, w.Length) == 0);
}

/* T-140: NUL by its names; each open is a file of its own. */
static void null(void)
{
	HANDLE a = CreateFileA("nul", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	HANDLE b = CreateFileA("\\\\.\\NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL), h;
	char room[8] = "1234567";
	DWORD n = 77;
	IO_STATUS_BLOCK io;
	CHECK(a != INVALID_HANDLE_VALUE && b != INVALID_HANDLE_VALUE);
	STATUS(NtCompareObjects(a, b), STATUS_NOT_SAME_OBJECT);
	named(a, u"\\Device\\Null");
	CHECK(WriteFile(a, room, 5, &n, NULL));
	SAME(n, 5);
	STATUS(NtReadFile(a, NULL, NULL, NULL, &io, room, sizeof room, NULL, NULL), STATUS_END_OF_FILE);
	FAILS(CreateFileA("\\\\.\\Null", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
		ERROR_FILE_NOT_FOUND);
	FAILS(CreateFileA("\\\\.\\Device\\Null", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
		ERROR_PATH_NOT_FOUND);
	FAILS(CreateFileA("nulls", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
		ERROR_NOT_SUPPORTED);
	path(u"\\Device\\Null", NULL);
	STATUS(NtOpenSymbolicLinkObject(&h, SYMBOLIC_LINK_QUERY, &oa), STATUS_OBJECT_TYPE_MISMATCH);
	path(u"\\??\\PIPE\\m", NULL);
	STATUS(NtCreateMutant(&h, MUTANT_ALL_ACCESS, &oa, FALSE), STATUS_OBJECT_PATH_NOT_FOUND);
	CHECK(CloseHandle(a) && CloseHandle(b));
}

/* T-141: the device of pipes answers for itself. */
static void pipes(void)
{
	static const char *const names[] = {"\\\\.\\pipe", "\\\\.\\pipe\\"};
	static const WCHAR *const found[] = {u"\\Device\\NamedPipe", u"\\Device\\NamedPipe\\"};
	for (int i = 0; i < 2; i++) {
		HANDLE h = CreateFileA(names[i], GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
		char room[64];
		IO_STATUS_BLOCK io;
		CHECK(h != INVALID_HANDLE_VALUE);
		named(h, found[i]);
		STATUS(NtReadFile(h, NULL, NULL, NULL, &io, room, sizeof room, NULL, NULL), STATUS_INVALID_PARAMETER);
		STATUS(NtWriteFile(h, NULL, NULL, NULL, &io, room, sizeof room, NULL, NULL), STATUS_INVALID_PARAMETER);
		STATUS(NtQueryInformationFile(h, &io, room, 0, FileNameInformation), STATUS_INFO_LENGTH_MISMATCH);
		STATUS(NtQueryInformationFile(h, &io, room, sizeof room, FileNameInformation), STATUS_INVALID_PARAMETER);
		STATUS(NtFsControlFile(h, NULL, NULL, NULL, &io, FSCTL_PIPE_DISCONNECT, NULL, 0, NULL, 0),
			STATUS_PIPE_DISCONNECTED);
		STATUS(NtFsControlFile(h, NULL, NULL, NULL, &io, FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0), STATUS_ILLEGAL_FUNCTION);
		CHECK(CloseHandle(h));
	}
}

/* I-151: what a handle grants, and the name, cut where it has no room. */
static void facts(void)
{
	static const WCHAR text[] = u"\\capi-device";
	enum { units = sizeof text / 2 - 1 };
	HANDLE s = CreateNamedPipeA("\\\\.\\pipe\\capi-device", PIPE_ACCESS_INBOUND, 0, 1, 64, 64, 0, NULL), c, e;
	union { FILE_NAME_INFORMATION n; FILE_ACCESS_INFORMATION a; char room[128]; } b;
	IO_STATUS_BLOCK io;
	CHECK(s != INVALID_HANDLE_VALUE);
	/* T-142: the client writes, and reads nothing */
	FAILS(CreateFileA("\\\\.\\pipe\\capi-device", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
		ERROR_ACCESS_DENIED);
	path(u"\\??\\pipe\\capi-device", NULL);
	STATUS(NtOpenFile(&c, SYNCHRONIZE, &oa, &io, 0, 0), STATUS_SUCCESS);
	SAME(io.Information, FILE_OPENED);
	STATUS(NtQueryInformationFile(c, &io, &b, sizeof b, FileAccessInformation), STATUS_SUCCESS);
	SAME(b.a.AccessFlags, SYNCHRONIZE);
	SAME(io.Information, sizeof b.a);
	STATUS(NtQueryInformationFile(c, &io, &b, sizeof b, FileNameInformation), STATUS_SUCCESS);
	SAME(io.Information, 4 + 2 * units);
	SAME(b.n.FileNameLength, 2 * units);
	CHECK(memcmp(b.n.FileName, text, 2 * units) == 0);
	memset(&b, 0x55, sizeof b);
	STATUS(NtQueryInformationFile(c, &io, &b, 11, FileNameInformation), STATUS_BUFFER_OVERFLOW);
	SAME(io.Information, 10);
	SAME(b.n.FileNameLength, 2 * units);
	CHECK(memcmp(b.n.FileName, text, 6) == 0);
	SAME(b.room[10], 0x55);
	STATUS(NtQueryInformationFile(c, &io, &b, 7, FileNameInformation), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryInformationFile(c, &io, &b, sizeof b, FileAlignmentInformation), STATUS_SUCCESS);
	STATUS(NtQueryInformationFile(c, &io, &b, sizeof b, FileIoCompletionNotificationInformation), STATUS_SUCCESS);
	SAME(io.Information, 4);
	e = CreateEventA(NULL, FALSE, FALSE, NULL);
	STATUS(NtQueryInformationFile(e, &io, &b, sizeof b, FileAccessInformation), STATUS_OBJECT_TYPE_MISMATCH);
	CHECK(CloseHandle(e) && CloseHandle(c) && CloseHandle(s));
}

/* O-162: below a root directory no name is not an empty one. */
static void roots(void)
{
	HANDLE root, h;
	path(u"\\BaseNamedObjects", NULL);
	STATUS(NtOpenDirectoryObject(&root, DIRECTORY_QUERY, &oa), STATUS_SUCCESS);
	InitializeObjectAttributes(&oa, NULL, 0, root, NULL);
	STATUS(NtOpenDirectoryObject(&h, DIRECTORY_QUERY, &oa), STATUS_OBJECT_NAME_INVALID);
	path(u"", root);
	STATUS(NtOpenDirectoryObject(&h, DIRECTORY_QUERY, &oa), STATUS_SUCCESS);
	STATUS(NtCompareObjects(root, h), STATUS_SUCCESS);
	CHECK(CloseHandle(h));
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	STATUS(NtOpenDirectoryObject(&h, DIRECTORY_QUERY, &oa), STATUS_OBJECT_PATH_SYNTAX_BAD);
	CHECK(CloseHandle(root));
}

/* O-164: entries, an empty one, and their texts behind it. */
static void listing(void)
{
	HANDLE dir, a, b;
	union { UNICODE_STRING s[8]; char room[256]; } l;
	ULONG context = 77, n = 77, whole;
	path(u"\\BaseNamedObjects\\capi-listing", NULL);
	STATUS(NtCreateDirectoryObject(&dir, DIRECTORY_QUERY, &oa), STATUS_SUCCESS);
	memset(&l, 0xcc, sizeof l);
	STATUS(NtQueryDirectoryObject(dir, &l, sizeof l, FALSE, TRUE, &context, &n), STATUS_NO_MORE_ENTRIES);
	SAME(context, 77);
	SAME(n, 32);
	SAME(l.s[0].Length, 0);
	CHECK(!l.s[0].Buffer && !l.s[1].Buffer);
	path(u"\\BaseNamedObjects\\capi-listing\\one", NULL);
	STATUS(NtCreateMutant(&a, MUTANT_ALL_ACCESS, &oa, FALSE), STATUS_SUCCESS);
	path(u"\\BaseNamedObjects\\capi-listing\\two", NULL);
	STATUS(NtCreateMutant(&b, MUTANT_ALL_ACCESS, &oa, FALSE), STATUS_SUCCESS);
	n = 77;
	STATUS(NtQueryDirectoryObject(NULL, &l, sizeof l, TRUE, TRUE, &context, &n), STATUS_INVALID_HANDLE);
	STATUS(NtQueryDirectoryObject(dir, &l, sizeof l, TRUE, TRUE, NULL, &n), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryDirectoryObject(NULL, &l, sizeof l, TRUE, TRUE, readonly, &n), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryDirectoryObject(dir, none, sizeof l, TRUE, TRUE, &context, &n), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryDirectoryObject(NULL, &l, sizeof l, TRUE, TRUE, &context, none), STATUS_ACCESS_VIOLATION);
	SAME(n, 77);
	SAME(context, 77);
	STATUS(NtQueryDirectoryObject(dir, &l, sizeof l, FALSE, TRUE, &context, &n), STATUS_SUCCESS);
	SAME(context, 2);
	SAME(n, 32 * 3 + 2 * (8 + 14));
	whole = n;
	SAME(l.s[0].Length, 6);
	SAME(l.s[3].Length, 12);
	CHECK(memcmp(l.s[0].Buffer, u"one", 8) == 0 && memcmp(l.s[1].Buffer, u"Mutant", 14) == 0);
	CHECK(memcmp(l.s[2].Buffer, u"two", 8) == 0 && memcmp(l.s[3].Buffer, u"Mutant", 14) == 0);
	CHECK(!l.s[4].Buffer && !l.s[5].Buffer);
	STATUS(NtQueryDirectoryObject(dir, &l, whole - 1, FALSE, TRUE, &context, NULL), STATUS_MORE_ENTRIES);
	SAME(context, 1);
	CHECK(memcmp(l.s[0].Buffer, u"one", 8) == 0 && !l.s[2].Buffer);
	STATUS(NtQueryDirectoryObject(dir, &l, sizeof l, TRUE, FALSE, &context, &n), STATUS_SUCCESS);
	SAME(context, 2);
	CHECK(memcmp(l.s[0].Buffer, u"two", 8) == 0 && !l.s[2].Buffer);
	STATUS(NtQueryDirectoryObject(dir, &l, 0, TRUE, TRUE, &context, &n), STATUS_BUFFER_TOO_SMALL);
	SAME(n, 32 * 2 + 8 + 14);
	SAME(context, 2);
	CHECK(CloseHandle(a) && CloseHandle(b) && CloseHandle(dir));
}

void test_devices(void)
{
	listing();
	null();
	pipes();
	facts();
	roots();
}
