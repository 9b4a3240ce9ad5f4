/* Operations of pipes that end later than their call: events, routines, cancelling, and synchronous handles. */
#include "check.h"
#include <pthread.h>
#include <unistd.h>

static const char name[] = "\\\\.\\pipe\\overlapped";
static HANDLE server, end, event;

static void connect_ends(DWORD flags)
{
	server = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | flags, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 8, 8, 0,
		NULL);
	CHECK(server != INVALID_HANDLE_VALUE);
	OVERLAPPED o = {.hEvent = event};
	if (flags) {
		FAILS(ConnectNamedPipe(server, &o), ERROR_IO_PENDING);
		CHECK(!HasOverlappedIoCompleted(&o));
	}
	end = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, flags, NULL);
	CHECK(end != INVALID_HANDLE_VALUE);
	CHECK(!flags || (!WaitForSingleObject(event, INFINITE) && HasOverlappedIoCompleted(&o)));
}

static int routines;
static void WINAPI routine(DWORD error, DWORD n, LPOVERLAPPED o)
{
	SAME(error, o->Offset);
	SAME(n, o->InternalHigh);
	routines++;
}

static void *cancel(void *arg)
{
	CancelIo(server);
	return arg;
}

static void test_overlapped_handles(void)
{
	char b[8];
	DWORD n;
	pthread_t t;
	OVERLAPPED o = {.hEvent = event}, r = {.Offset = 0};
	connect_ends(FILE_FLAG_OVERLAPPED);
	FAILS(ReadFile(server, b, sizeof b, NULL, &o), ERROR_IO_PENDING);
	SAME(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	FAILS(GetOverlappedResult(server, &o, &n, FALSE), ERROR_IO_INCOMPLETE);
	FAILS(GetOverlappedResultEx(server, &o, &n, 1, FALSE), WAIT_TIMEOUT);
	CHECK(WriteFile(end, "hello", 5, &n, NULL));
	CHECK(GetOverlappedResult(server, &o, &n, TRUE) && n == 5 && !memcmp(b, "hello", 5));
	CHECK(ReadFileEx(server, b, sizeof b, &r, routine));
	CHECK(WriteFile(end, "you", 3, &n, NULL));
	SAME(routines, 0);
	SAME(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	SAME(routines, 1);
	/* a message that is longer than the buffer is a success with a code, and calls the routine (ReadFileEx, Remarks) */
	for (r.Offset = ERROR_MORE_DATA; routines < 3; r.Offset = 0) {
		CHECK(r.Offset == 0 || WriteFile(end, "them", 4, &n, NULL));
		CHECK(ReadFileEx(server, b, 2, &r, routine));
		SAME(GetLastError(), r.Offset);
		SAME(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	}

	/* cancelled by its name, by the thread, and by closing */
	FAILS(ReadFile(server, b, sizeof b, NULL, &o), ERROR_IO_PENDING);
	FAILS(CancelIoEx(server, &r), ERROR_NOT_FOUND);
	CHECK(CancelIoEx(server, &o));
	FAILS(GetOverlappedResult(server, &o, &n, TRUE), ERROR_OPERATION_ABORTED);
	r.Offset = ERROR_OPERATION_ABORTED;
	CHECK(ReadFileEx(server, b, sizeof b, &r, routine));
	CHECK(!pthread_create(&t, NULL, cancel, NULL) && !pthread_join(t, NULL));
	SAME(SleepEx(0, TRUE), 0); /* CancelIo on another thread left the read pending */
	CHECK(CancelIo(server));
	SAME(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	SAME(routines, 4);
	FAILS(ReadFile(end, b, sizeof b, NULL, &o), ERROR_IO_PENDING);
	CHECK(CloseHandle(end));
	FAILS(GetOverlappedResult(server, &o, &n, TRUE), ERROR_OPERATION_ABORTED);
	FAILS(ReadFile(server, b, sizeof b, NULL, &o), ERROR_BROKEN_PIPE);
	CHECK(CloseHandle(server));
}

/* Without an OVERLAPPED a call on such a handle waits; a write waits for room, and a flush for the reader. */
static void *reader(void *arg)
{
	char b[16];
	DWORD n;
	(void)arg;
	for (int i = 0; i < 2; i++)
		CHECK(ReadFile(server, b, sizeof b, &n, NULL) && n == 8);
	return NULL;
}

static void test_waiting(void)
{
	pthread_t t;
	DWORD n;
	for (int i = 0; i < 2; i++) {
		connect_ends(i ? FILE_FLAG_OVERLAPPED : 0);
		CHECK(!pthread_create(&t, NULL, reader, NULL));
		CHECK(WriteFile(end, "12345678", 8, &n, NULL) && n == 8);
		CHECK(WriteFile(end, "87654321", 8, &n, NULL) && n == 8);
		CHECK(FlushFileBuffers(end));
		CHECK(!pthread_join(t, NULL));
		CHECK(CloseHandle(end) && CloseHandle(server));
	}
}

/* What ends such a call tells how it ended: a message that is longer than the buffer, and an end that is closed. */
static void *refused(void *arg)
{
	char b[4];
	DWORD n = 9;
	IO_STATUS_BLOCK io;
	if (!arg) { /* a synchronous handle */
		STATUS(NtReadFile(server, NULL, NULL, NULL, &io, b, sizeof b, NULL, NULL), STATUS_BUFFER_OVERFLOW);
		SAME(io.Information, 4);
		STATUS(io.Status, STATUS_BUFFER_OVERFLOW);
	} else {
		FAILS(ReadFile(server, b, sizeof b, &n, NULL), ERROR_MORE_DATA);
		SAME(n, 4);
	}
	CHECK(ReadFile(server, b, sizeof b, &n, NULL) && n == 4);
	FAILS(ReadFile(server, b, sizeof b, &n, NULL), ERROR_BROKEN_PIPE);
	SAME(n, 0);
	return NULL;
}

static void test_endings(void)
{
	pthread_t t;
	DWORD n;
	for (int i = 0; i < 2; i++) {
		connect_ends(i ? FILE_FLAG_OVERLAPPED : 0);
		CHECK(!pthread_create(&t, NULL, refused, i ? &t : NULL));
		usleep(2000); /* most often the call is under way then; it ends alike where it is not */
		CHECK(WriteFile(end, "12345678", 8, &n, NULL) && n == 8);
		CHECK(FlushFileBuffers(end));
		usleep(2000);
		CHECK(CloseHandle(end));
		CHECK(!pthread_join(t, NULL));
		CHECK(CloseHandle(server));
	}
}

/* Without the right to wait for the handle, such a call is cancelled: its end must not write to a freed stack. */
static void test_unwaitable(void)
{
	char b[8] = "-";
	DWORD n = 9;
	HANDLE h;
	connect_ends(FILE_FLAG_OVERLAPPED);
	CHECK(DuplicateHandle(GetCurrentProcess(), server, GetCurrentProcess(), &h, FILE_READ_DATA, FALSE, 0));
	FAILS(ReadFile(h, b, sizeof b, &n, NULL), ERROR_OPERATION_ABORTED);
	SAME(n, 0);
	CHECK(WriteFile(end, "you", 3, &n, NULL) && n == 3 && b[0] == '-');
	FAILS(ReadFile(server, (char *)readonly - 1, 2, &n, NULL), ERROR_NOACCESS); /* and nothing is read */
	CHECK(PeekNamedPipe(server, NULL, 0, NULL, &n, NULL) && n == 3);
	CHECK(ReadFile(server, b, sizeof b, &n, NULL) && n == 3 && !memcmp(b, "you", 3));
	CHECK(CloseHandle(h) && CloseHandle(end) && CloseHandle(server));
}

static HANDLE waiter;
static void *blocked(void *arg)
{
	char b[8];
	DWORD n;
	(void)arg;
	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &waiter, 0, FALSE,
		DUPLICATE_SAME_ACCESS));
	CHECK(SetEvent(event));
	FAILS(ReadFile(server, b, sizeof b, &n, NULL), ERROR_OPERATION_ABORTED);
	return NULL;
}

static void test_synchronous_cancel(void)
{
	pthread_t t;
	IO_STATUS_BLOCK other, done;
	connect_ends(0);
	CHECK(ResetEvent(event));
	CHECK(!pthread_create(&t, NULL, blocked, NULL));
	SAME(WaitForSingleObject(event, INFINITE), WAIT_OBJECT_0);
	usleep(2000); /* most often it reads then, but not by that name */
	STATUS(NtCancelSynchronousIoFile(waiter, &other, &done), STATUS_NOT_FOUND);
	STATUS(done.Status, STATUS_NOT_FOUND);
	while (!CancelSynchronousIo(waiter)) /* until it reads */
		SAME(GetLastError(), ERROR_NOT_FOUND);
	CHECK(!pthread_join(t, NULL));
	CHECK(CloseHandle(waiter) && CloseHandle(end) && CloseHandle(server));
}

/* A request and its reply in one call, which refuses to take an earlier message for the reply. */
static void test_transaction(void)
{
	char ask[8], b[8];
	DWORD n = 9, mode = PIPE_READMODE_MESSAGE;
	OVERLAPPED o = {.hEvent = event};
	connect_ends(FILE_FLAG_OVERLAPPED);
	CHECK(SetNamedPipeHandleState(end, &mode, NULL, NULL));
	FAILS(TransactNamedPipe(end, "ask", 3, b, sizeof b, NULL, &o), ERROR_IO_PENDING);
	CHECK(ReadFile(server, ask, sizeof ask, &n, NULL) && n == 3 && !memcmp(ask, "ask", 3));
	CHECK(WriteFile(server, "reply", 5, &n, NULL));
	CHECK(GetOverlappedResult(end, &o, &n, TRUE) && n == 5 && !memcmp(b, "reply", 5));
	CHECK(WriteFile(server, "early", 5, &n, NULL));
	FAILS(TransactNamedPipe(end, "ask", 3, b, sizeof b, &n, NULL), ERROR_PIPE_BUSY);
	SAME(n, 0);
	CHECK(CloseHandle(end) && CloseHandle(server));
}

void test_overlapped(void)
{
	event = CreateEventW(NULL, TRUE, FALSE, NULL);
	test_overlapped_handles();
	test_waiting();
	test_transaction();
	test_endings();
	test_unwaitable();
	test_synchronous_cancel();
	CHECK(CloseHandle(event));
}
