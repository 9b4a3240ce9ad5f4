/* Named pipes: their ends, and facts about them. */
#include "win.h"

static const WCHAR prefix[] = u"\\\\.\\pipe\\", device[] = u"\\??\\pipe\\";
#define PREFIX_UNITS (sizeof prefix / 2 - 1)
#define DEVICE_UNITS (sizeof device / 2 - 1)

LPCWSTR rm_below_pipes(LPCWSTR name, size_t *units)
{
	size_t n = 0;
	for (; name && n < PREFIX_UNITS; n++)
		if ((name[n] | (n >= 4 && n < 8 ? 0x20 : 0)) != prefix[n])
			return NULL;
	while (name && name[n] && n < 0x1000)
		n++;
	if (!name || name[n])
		return NULL;
	*units = n - PREFIX_UNITS;
	return name + PREFIX_UNITS;
}

/* The pipe's name in the kernel; its text belongs to the caller, who frees it. NULL as from rm_below_pipes, and without
 * memory. */
static PWSTR pipe_name(LPCWSTR name, PUNICODE_STRING s)
{
	size_t n;
	LPCWSTR below = rm_below_pipes(name, &n);
	PWSTR w = below ? malloc(2 * (DEVICE_UNITS + n + 1)) : NULL;
	if (!w)
		return NULL;
	memcpy(w, device, 2 * DEVICE_UNITS);
	memcpy(w + DEVICE_UNITS, below, 2 * (n + 1));
	RtlInitUnicodeString(s, w);
	return w;
}

static HANDLE none(DWORD code)
{
	SetLastError(code);
	return INVALID_HANDLE_VALUE;
}

HANDLE WINAPI CreateNamedPipeW(LPCWSTR name, DWORD open, DWORD mode, DWORD instances, DWORD outSize, DWORD inSize,
	DWORD timeout, LPSECURITY_ATTRIBUTES sa)
{
	if (!(open & PIPE_ACCESS_DUPLEX) || !instances || instances > PIPE_UNLIMITED_INSTANCES)
		return none(ERROR_INVALID_PARAMETER);
	UNICODE_STRING s;
	PWSTR w = pipe_name(name, &s);
	if (!w)
		return none(ERROR_INVALID_NAME);
	HANDLE h = INVALID_HANDLE_VALUE;
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, &s, OBJ_CASE_INSENSITIVE | (sa && sa->bInheritHandle ? OBJ_INHERIT : 0), NULL,
		sa ? sa->lpSecurityDescriptor : NULL);
	ACCESS_MASK access = (open & (WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY)) | SYNCHRONIZE;
	access |= (open & PIPE_ACCESS_INBOUND ? FILE_GENERIC_READ : 0) | (open & PIPE_ACCESS_OUTBOUND ? FILE_GENERIC_WRITE
		: 0);
	IO_STATUS_BLOCK io;
	LARGE_INTEGER wait = {.QuadPart = timeout * -10000ll};
	/* what a client may do tells the pipe's directions (T-132) */
	ULONG share = (open & PIPE_ACCESS_INBOUND ? FILE_SHARE_WRITE : 0) |
		(open & PIPE_ACCESS_OUTBOUND ? FILE_SHARE_READ : 0);
	NTSTATUS st = NtCreateNamedPipeFile(&h, access, &oa, &io, share,
		open & FILE_FLAG_FIRST_PIPE_INSTANCE ? FILE_CREATE : FILE_OPEN_IF,
		open & FILE_FLAG_OVERLAPPED ? 0 : FILE_SYNCHRONOUS_IO_NONALERT,
		mode & PIPE_TYPE_MESSAGE ? FILE_PIPE_MESSAGE_TYPE : 0, mode & PIPE_READMODE_MESSAGE ? FILE_PIPE_MESSAGE_MODE : 0,
		mode & PIPE_NOWAIT ? FILE_PIPE_COMPLETE_OPERATION : FILE_PIPE_QUEUE_OPERATION,
		instances == PIPE_UNLIMITED_INSTANCES ? FILE_PIPE_UNLIMITED_INSTANCES : instances, inSize, outSize, &wait);
	free(w);
	return done(st) ? h : INVALID_HANDLE_VALUE;
}

static void tell(LPDWORD p, DWORD n)
{
	if (p)
		*p = n;
}

BOOL WINAPI GetNamedPipeInfo(HANDLE h, LPDWORD flags, LPDWORD out, LPDWORD in, LPDWORD max)
{
	IO_STATUS_BLOCK io;
	FILE_PIPE_LOCAL_INFORMATION i;
	NTSTATUS st = NtQueryInformationFile(h, &io, &i, sizeof i, FilePipeLocalInformation);
	if (!NT_SUCCESS(st))
		return done(st);
	tell(flags, (i.NamedPipeEnd == FILE_PIPE_SERVER_END ? PIPE_SERVER_END : PIPE_CLIENT_END)
		| (i.NamedPipeType & FILE_PIPE_MESSAGE_TYPE ? PIPE_TYPE_MESSAGE : PIPE_TYPE_BYTE));
	tell(out, i.OutboundQuota);
	tell(in, i.InboundQuota);
	tell(max, i.MaximumInstances < PIPE_UNLIMITED_INSTANCES ? i.MaximumInstances : PIPE_UNLIMITED_INSTANCES);
	return TRUE;
}

/* How this end is read, and how many instances there are (I-133). Bytes are not collected: a handle has
 * no such facts where both ends are on one computer. */
BOOL WINAPI GetNamedPipeHandleStateW(HANDLE h, LPDWORD state, LPDWORD instances, LPDWORD count, LPDWORD wait,
	LPWSTR user, DWORD size)
{
	IO_STATUS_BLOCK io;
	FILE_PIPE_INFORMATION modes;
	FILE_PIPE_LOCAL_INFORMATION l;
	(void)size;
	if (count || wait)
		return fail(ERROR_INVALID_PARAMETER);
	if (user)
		return fail(ERROR_NOT_SUPPORTED);
	NTSTATUS st = NtQueryInformationFile(h, &io, &modes, sizeof modes, FilePipeInformation);
	if (NT_SUCCESS(st))
		st = NtQueryInformationFile(h, &io, &l, sizeof l, FilePipeLocalInformation);
	if (!NT_SUCCESS(st))
		return done(st);
	tell(state, (modes.CompletionMode & FILE_PIPE_COMPLETE_OPERATION ? PIPE_NOWAIT : 0)
		| (modes.ReadMode & FILE_PIPE_MESSAGE_MODE ? PIPE_READMODE_MESSAGE : 0));
	tell(instances, l.CurrentInstances < PIPE_UNLIMITED_INSTANCES ? l.CurrentInstances : PIPE_UNLIMITED_INSTANCES);
	return TRUE;
}

/* Bytes are not collected, as the document says of both ends on one computer. */
BOOL WINAPI SetNamedPipeHandleState(HANDLE h, LPDWORD mode, LPDWORD count, LPDWORD wait)
{
	IO_STATUS_BLOCK io;
	if (count || wait || (mode && *mode & ~(DWORD)(PIPE_READMODE_MESSAGE | PIPE_NOWAIT)))
		return fail(ERROR_INVALID_PARAMETER);
	if (!mode)
		return TRUE;
	FILE_PIPE_INFORMATION modes = {*mode & PIPE_READMODE_MESSAGE ? FILE_PIPE_MESSAGE_MODE : 0,
		*mode & PIPE_NOWAIT ? FILE_PIPE_COMPLETE_OPERATION : FILE_PIPE_QUEUE_OPERATION};
	return done(NtSetInformationFile(h, &io, &modes, sizeof modes, FilePipeInformation));
}

NTSTATUS rm_open_pipes(PHANDLE h)
{
	IO_STATUS_BLOCK io;
	UNICODE_STRING s;
	OBJECT_ATTRIBUTES oa;
	RtlInitUnicodeString(&s, device);
	InitializeObjectAttributes(&oa, &s, OBJ_CASE_INSENSITIVE, NULL, NULL);
	return NtOpenFile(h, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &oa, &io, FILE_SHARE_READ | FILE_SHARE_WRITE,
		FILE_SYNCHRONOUS_IO_NONALERT);
}

/* The server's end reads, the client's writes; neither has a name (I-161). */
BOOL WINAPI CreatePipe(PHANDLE r, PHANDLE w, LPSECURITY_ATTRIBUTES sa, DWORD size)
{
	IO_STATUS_BLOCK io;
	HANDLE root, reads, writes;
	UNICODE_STRING s;
	OBJECT_ATTRIBUTES oa;
	LARGE_INTEGER wait = {.QuadPart = -1200000000ll};
	NTSTATUS st = rm_open_pipes(&root);
	if (!NT_SUCCESS(st))
		return done(st);
	RtlInitUnicodeString(&s, NULL);
	InitializeObjectAttributes(&oa, &s, OBJ_CASE_INSENSITIVE | (sa && sa->bInheritHandle ? OBJ_INHERIT : 0), root,
		sa ? sa->lpSecurityDescriptor : NULL);
	st = NtCreateNamedPipeFile(&reads, GENERIC_READ | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, &oa, &io, FILE_SHARE_WRITE,
		FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, FILE_PIPE_QUEUE_OPERATION, 1, size, size, &wait);
	NtClose(root);
	if (!NT_SUCCESS(st))
		return done(st);
	oa.RootDirectory = reads;
	oa.SecurityDescriptor = NULL;
	st = NtOpenFile(&writes, GENERIC_WRITE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, &oa, &io, FILE_SHARE_READ,
		FILE_SYNCHRONOUS_IO_NONALERT);
	if (!NT_SUCCESS(st)) {
		NtClose(reads);
		return done(st);
	}
	*r = reads;
	*w = writes;
	return TRUE;
}

/* A message that is longer than the buffer is not a failure here. */
BOOL WINAPI PeekNamedPipe(HANDLE h, LPVOID buffer, DWORD size, LPDWORD n, LPDWORD available, LPDWORD left)
{
	enum { header = offsetof(FILE_PIPE_PEEK_BUFFER, Data) };
	IO_STATUS_BLOCK io;
	FILE_PIPE_PEEK_BUFFER alone, *b = &alone;
	if (!buffer)
		size = 0;
	if (size && (size > 0x7fffffff || !(b = malloc(header + size))))
		return fail(ERROR_NOT_ENOUGH_MEMORY);
	NTSTATUS st = NtFsControlFile(h, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, b, header + size);
	if (NT_SUCCESS(st) || st == STATUS_BUFFER_OVERFLOW) {
		DWORD got = (DWORD)io.Information - header;
		if (got)
			memcpy(buffer, b->Data, got);
		tell(n, got);
		tell(available, b->ReadDataAvailable);
		tell(left, b->MessageLength > got ? b->MessageLength - got : 0);
		st = STATUS_SUCCESS;
	}
	if (b != &alone)
		free(b);
	return done(st);
}

/* The SQOS flags say what the server may do with the caller's identity; without
 * SECURITY_SQOS_PRESENT the kernel's default applies. */
HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES sa, DWORD disposition,
	DWORD flags, HANDLE template)
{
	(void)template;
	if (disposition != OPEN_EXISTING)
		return none(ERROR_INVALID_PARAMETER);
	UNICODE_STRING s;
	PWSTR w = name ? rm_device_name(name, &s) : NULL;
	if (!w)
		return none(ERROR_NOT_SUPPORTED);
	HANDLE h = INVALID_HANDLE_VALUE;
	IO_STATUS_BLOCK io;
	OBJECT_ATTRIBUTES oa;
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, (flags >> 16) & 3,
		flags & SECURITY_CONTEXT_TRACKING ? SECURITY_DYNAMIC_TRACKING : SECURITY_STATIC_TRACKING,
		(flags & SECURITY_EFFECTIVE_ONLY) != 0};
	InitializeObjectAttributes(&oa, &s, OBJ_CASE_INSENSITIVE | (sa && sa->bInheritHandle ? OBJ_INHERIT : 0), NULL, NULL);
	if (flags & SECURITY_SQOS_PRESENT)
		oa.SecurityQualityOfService = &qos;
	NTSTATUS st = NtOpenFile(&h, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &oa, &io, share,
		flags & FILE_FLAG_OVERLAPPED ? 0 : FILE_SYNCHRONOUS_IO_NONALERT);
	free(w);
	return done(st) ? h : INVALID_HANDLE_VALUE;
}
