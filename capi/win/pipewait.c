/* Waiting until a named pipe can be opened. */
#include "win.h"

/* The time limit in 100-ns units below 0; the least number has no end. */
static LONGLONG limit(DWORD milliseconds)
{
	return milliseconds == NMPWAIT_WAIT_FOREVER ? INT64_MIN : milliseconds * -10000ll;
}

/* A success reserves no instance: another client can open it first, and CreateFile then fails with ERROR_PIPE_BUSY. */
BOOL WINAPI WaitNamedPipeW(LPCWSTR name, DWORD milliseconds)
{
	enum { header = offsetof(FILE_PIPE_WAIT_FOR_BUFFER, Name) };
	HANDLE device;
	IO_STATUS_BLOCK io;
	size_t n;
	LPCWSTR below = rm_below_pipes(name, &n);
	if (!below)
		return fail(ERROR_INVALID_NAME);
	FILE_PIPE_WAIT_FOR_BUFFER *b = calloc(1, sizeof *b + 2 * n);
	if (!b)
		return fail(ERROR_NOT_ENOUGH_MEMORY);
	/* Without a time limit of its own the wait takes that of the pipe. */
	b->TimeoutSpecified = milliseconds != NMPWAIT_USE_DEFAULT_WAIT;
	b->Timeout.QuadPart = limit(milliseconds);
	b->NameLength = (ULONG)(2 * n);
	memcpy(b->Name, below, 2 * n);
	NTSTATUS st = rm_open_pipes(&device);
	if (NT_SUCCESS(st)) {
		st = NtFsControlFile(device, NULL, NULL, NULL, &io, FSCTL_PIPE_WAIT, b, header + (ULONG)(2 * n), NULL, 0);
		NtClose(device);
	}
	free(b);
	return done(st);
}
