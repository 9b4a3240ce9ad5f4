/* Reading and writing, at once or overlapped, and what came of it. */
#include "win.h"

/* The status block of a call without OVERLAPPED, for awaited. */
#define UNENDED {.Status = STATUS_PENDING}

/* awaited returns the status of a call without OVERLAPPED. If the operation ends later, it waits: the end writes to the
 * block, which is on the caller's stack. So it waits again if another operation signalled the file. It cancels the
 * operation if the handle does not grant SYNCHRONIZE. */
static NTSTATUS awaited(HANDLE h, NTSTATUS st, IO_STATUS_BLOCK *io)
{
	volatile IO_STATUS_BLOCK *now = io;
	IO_STATUS_BLOCK cancelled;
	if (st != STATUS_PENDING)
		return st;
	for (;;) {
		st = NtWaitForSingleObject(h, FALSE, NULL);
		if (now->Status != STATUS_PENDING)
			return now->Status;
		if (NT_ERROR(st))
			NtCancelIoFileEx(h, io, &cancelled);
		Sleep(1);
	}
}

/* What arrived counts also where a message is longer than the buffer (ERROR_MORE_DATA). */
static BOOL moved(NTSTATUS st, IO_STATUS_BLOCK *io, LPDWORD n)
{
	if (n)
		*n = NT_ERROR(st) ? 0 : (DWORD)io->Information;
	return done(st);
}

/* An OVERLAPPED as the services take it: its beginning is the status block, its own address the context of a completion
 * port, unless the lowest bit of the event is set. A file is read and written at its offset, which a pipe ignores. */
struct over {
	HANDLE event;
	PVOID context;
	IO_STATUS_BLOCK *io;
	LARGE_INTEGER at;
};
static struct over begun(LPOVERLAPPED o)
{
	ULONG_PTR e = (ULONG_PTR)o->hEvent;
	o->Internal = (ULONG)STATUS_PENDING;
	struct over b = {.event = (HANDLE)(e & ~(ULONG_PTR)1), .context = e & 1 ? NULL : o, .io = (IO_STATUS_BLOCK *)o};
	b.at.QuadPart = (LONGLONG)((ULONGLONG)o->OffsetHigh << 32 | o->Offset);
	return b;
}

static BOOL ended(NTSTATUS st) { return st == STATUS_PENDING ? fail(ERROR_IO_PENDING) : done(st); }

/* What arrived, with an OVERLAPPED: counted outside it where the call succeeded at once. */
static BOOL moved_over(NTSTATUS st, LPOVERLAPPED o, LPDWORD n)
{
	if (n)
		*n = NT_SUCCESS(st) && st != STATUS_PENDING ? (DWORD)o->InternalHigh : 0;
	return ended(st);
}

BOOL WINAPI ReadFile(HANDLE h, LPVOID buffer, DWORD n, LPDWORD read, LPOVERLAPPED overlapped)
{
	if (overlapped) {
		struct over o = begun(overlapped);
		return moved_over(NtReadFile(h, o.event, NULL, o.context, o.io, buffer, n, &o.at, NULL), overlapped, read);
	}
	IO_STATUS_BLOCK io = UNENDED;
	NTSTATUS st = awaited(h, NtReadFile(h, NULL, NULL, NULL, &io, buffer, n, NULL, NULL), &io);
	if (st != STATUS_END_OF_FILE)
		return moved(st, &io, read);
	if (read) /* the end of a file is an error only with an OVERLAPPED */
		*read = 0;
	return TRUE;
}

BOOL WINAPI WriteFile(HANDLE h, LPCVOID buffer, DWORD n, LPDWORD written, LPOVERLAPPED overlapped)
{
	if (overlapped) {
		struct over o = begun(overlapped);
		return moved_over(NtWriteFile(h, o.event, NULL, o.context, o.io, buffer, n, &o.at, NULL), overlapped, written);
	}
	IO_STATUS_BLOCK io = UNENDED;
	return moved(awaited(h, NtWriteFile(h, NULL, NULL, NULL, &io, buffer, n, NULL, NULL), &io), &io, written);
}

/* The call that ends ReadFileEx and WriteFileEx; their routine is its context. */
static void NTAPI tell_routine(PVOID routine, PIO_STATUS_BLOCK io, ULONG reserved)
{
	(void)reserved;
	((LPOVERLAPPED_COMPLETION_ROUTINE)routine)(RtlNtStatusToDosError(io->Status), (DWORD)io->Information,
		(LPOVERLAPPED)io);
}

/* The BOOL of ReadFileEx and WriteFileEx. A warning, such as ERROR_MORE_DATA, is a success that calls the routine: only
 * the last error names it. */
static BOOL started(NTSTATUS st)
{
	if (NT_ERROR(st))
		return done(st);
	SetLastError(st == STATUS_PENDING ? ERROR_SUCCESS : RtlNtStatusToDosError(st));
	return TRUE;
}

BOOL WINAPI ReadFileEx(HANDLE h, LPVOID buffer, DWORD n, LPOVERLAPPED o, LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct over b = begun(o);
	return started(NtReadFile(h, NULL, tell_routine, (PVOID)routine, b.io, buffer, n, &b.at, NULL));
}

BOOL WINAPI WriteFileEx(HANDLE h, LPCVOID buffer, DWORD n, LPOVERLAPPED o, LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct over b = begun(o);
	return started(NtWriteFile(h, NULL, tell_routine, (PVOID)routine, b.io, buffer, n, &b.at, NULL));
}

BOOL WINAPI FlushFileBuffers(HANDLE h)
{
	IO_STATUS_BLOCK io;
	return done(NtFlushBuffersFile(h, &io));
}

static BOOL control(HANDLE h, ULONG code)
{
	IO_STATUS_BLOCK io = UNENDED;
	return done(awaited(h, NtFsControlFile(h, NULL, NULL, NULL, &io, code, NULL, 0, NULL, 0), &io));
}

BOOL WINAPI ConnectNamedPipe(HANDLE h, LPOVERLAPPED overlapped)
{
	if (!overlapped)
		return control(h, FSCTL_PIPE_LISTEN);
	struct over o = begun(overlapped);
	return ended(NtFsControlFile(h, o.event, NULL, o.context, o.io, FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0));
}

BOOL WINAPI DisconnectNamedPipe(HANDLE h) { return control(h, FSCTL_PIPE_DISCONNECT); }

BOOL WINAPI ImpersonateNamedPipeClient(HANDLE h) { return control(h, FSCTL_PIPE_IMPERSONATE); }

BOOL WINAPI TransactNamedPipe(HANDLE h, LPVOID in, DWORD inSize, LPVOID out, DWORD outSize, LPDWORD read,
	LPOVERLAPPED overlapped)
{
	if (overlapped) {
		struct over o = begun(overlapped);
		return moved_over(NtFsControlFile(h, o.event, NULL, o.context, o.io, FSCTL_PIPE_TRANSCEIVE, in, inSize, out,
			outSize), overlapped, read);
	}
	IO_STATUS_BLOCK io = UNENDED;
	return moved(awaited(h, NtFsControlFile(h, NULL, NULL, NULL, &io, FSCTL_PIPE_TRANSCEIVE, in, inSize, out, outSize),
		&io), &io, read);
}

BOOL WINAPI GetOverlappedResultEx(HANDLE h, LPOVERLAPPED o, LPDWORD n, DWORD ms, BOOL alertable)
{
	volatile OVERLAPPED *now = o;
	if ((NTSTATUS)now->Internal == STATUS_PENDING) {
		if (!ms)
			return fail(ERROR_IO_INCOMPLETE);
		DWORD r = WaitForSingleObjectEx(o->hEvent ? (HANDLE)((ULONG_PTR)o->hEvent & ~(ULONG_PTR)1) : h, ms, alertable);
		if (r == WAIT_FAILED)
			return FALSE;
		if (r != WAIT_OBJECT_0)
			return fail(r);
	}
	*n = (DWORD)now->InternalHigh;
	NTSTATUS st = (NTSTATUS)now->Internal;
	return st == STATUS_PENDING ? fail(ERROR_IO_INCOMPLETE) : done(st);
}

BOOL WINAPI GetOverlappedResult(HANDLE h, LPOVERLAPPED o, LPDWORD n, BOOL wait)
{
	return GetOverlappedResultEx(h, o, n, wait ? INFINITE : 0, FALSE);
}

BOOL WINAPI CancelIo(HANDLE h)
{
	IO_STATUS_BLOCK io;
	return done(NtCancelIoFile(h, &io));
}

BOOL WINAPI CancelIoEx(HANDLE h, LPOVERLAPPED o)
{
	IO_STATUS_BLOCK io;
	return done(NtCancelIoFileEx(h, (IO_STATUS_BLOCK *)o, &io));
}

BOOL WINAPI CancelSynchronousIo(HANDLE thread)
{
	IO_STATUS_BLOCK io;
	return done(NtCancelSynchronousIoFile(thread, NULL, &io));
}
