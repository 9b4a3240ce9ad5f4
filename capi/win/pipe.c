/* Named pipes: their ends, and facts about them. */
#include "win.h"

static const WCHAR prefix[] = u"\\\\.\\pipe\\", device[] = u"\\??\\pipe\\";
#define PREFIX_UNITS (sizeof prefix / 2 - 1)
#define DEVICE_UNITS (sizeof device / 2 - 1)

/* The pipe's name in the kernel, or that of their device; its text belongs to the caller, who frees it. */
static PWSTR pipe_name(LPCWSTR name, PUNICODE_STRING s)
{
	size_t n = 0;
	for (; n < PREFIX_UNITS; n++)
		if ((name[n] | (n >= 4 && n < 8 ? 0x20 : 0)) != prefix[n])
			return NULL;
	while (name[n] && n < 0x1000)
		n++;
	if (name[n])
		return NULL;
	n -= PREFIX_UNITS;
	PWSTR w = malloc(2 * (DEVICE_UNITS + n + 1));
	if (!w)
		return NULL;
	memcpy(w, device, 2 * DEVICE_UNITS);
	memcpy(w + DEVICE_UNITS, name + PREFIX_UNITS, 2 * (n + 1));
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
	PWSTR w = name ? pipe_name(name, &s) : NULL;
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

HANDLE WINAPI CreateNamedPipeA(LPCSTR name, DWORD open, DWORD mode, DWORD instances, DWORD outSize, DWORD inSize,
	DWORD timeout, LPSECURITY_ATTRIBUTES sa)
{
	PWSTR w = widen(name);
	HANDLE h = CreateNamedPipeW(w, open, mode, instances, outSize, inSize, timeout, sa);
	free(w);
	return h;
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

BOOL WINAPI GetNamedPipeHandleStateA(HANDLE h, LPDWORD state, LPDWORD instances, LPDWORD count, LPDWORD wait,
	LPSTR user, DWORD size)
{
	return GetNamedPipeHandleStateW(h, state, instances, count, wait, (LPWSTR)user, size);
}

/* A message that is longer than the buffer is no failure here. */
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

HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES sa, DWORD disposition,
	DWORD flags, HANDLE template)
{
	PWSTR w = widen(name);
	HANDLE h = CreateFileW(w, access, share, sa, disposition, flags, template);
	free(w);
	return h;
}
