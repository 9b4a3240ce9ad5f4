/* WaitNamedPipe. Its statuses are those of its documentation. */
#include "check.h"
#include <pthread.h>

static const char name[] = "\\\\.\\pipe\\capi-wait";
static const WCHAR wide[] = u"\\\\.\\PIPE\\CAPI-WAIT";

static HANDLE server(DWORD timeout)
{
	HANDLE s = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 64, 64, timeout, NULL);
	CHECK(s != INVALID_HANDLE_VALUE);
	return s;
}

static HANDLE connected(void)
{
	HANDLE c = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(c != INVALID_HANDLE_VALUE);
	return c;
}

/* I-162: a pipe without an instance fails at once, whatever the time limit is. */
static void missing(void)
{
	FAILS(WaitNamedPipeA(name, NMPWAIT_WAIT_FOREVER), ERROR_FILE_NOT_FOUND);
	FAILS(WaitNamedPipeW(wide, NMPWAIT_USE_DEFAULT_WAIT), ERROR_FILE_NOT_FOUND);
}

/* I-162: an instance that listens ends the wait, and a connected one lets the time pass. */
static void time_limit(void)
{
	HANDLE s = server(1), c;
	CHECK(WaitNamedPipeA(name, NMPWAIT_WAIT_FOREVER));
	CHECK(WaitNamedPipeW(wide, NMPWAIT_USE_DEFAULT_WAIT)); /* names have no case */
	c = connected();
	FAILS(WaitNamedPipeA(name, 1), ERROR_SEM_TIMEOUT);
	FAILS(WaitNamedPipeW(wide, NMPWAIT_USE_DEFAULT_WAIT), ERROR_SEM_TIMEOUT);
	CHECK(CloseHandle(c));
	CHECK(CloseHandle(s));
}

static void *wait_and_connect(void *arg)
{
	(void)arg;
	CHECK(WaitNamedPipeA(name, NMPWAIT_WAIT_FOREVER));
	CHECK(CloseHandle(connected()));
	return NULL;
}

/* I-162: the wait ends when the only instance listens again, so that the caller can connect. */
static void listens_again(void)
{
	pthread_t t;
	HANDLE s = server(0), c = connected();
	CHECK(pthread_create(&t, NULL, wait_and_connect, NULL) == 0);
	CHECK(DisconnectNamedPipe(s));
	CHECK(ConnectNamedPipe(s, NULL));
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(CloseHandle(c));
	CHECK(CloseHandle(s));
}

static void *wait_for_end(void *arg)
{
	(void)arg;
	FAILS(WaitNamedPipeA(name, NMPWAIT_WAIT_FOREVER), ERROR_FILE_NOT_FOUND);
	return NULL;
}

/* I-162: the wait fails when the last instance goes. */
static void pipe_goes(void)
{
	pthread_t t;
	HANDLE s = server(0), c = connected();
	CHECK(pthread_create(&t, NULL, wait_for_end, NULL) == 0);
	CHECK(CloseHandle(s));
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(CloseHandle(c));
}

/* A name that is not a pipe's is refused before the kernel is called. */
static void names(void)
{
	WCHAR large[0x1100];
	FAILS(WaitNamedPipeA(NULL, 1), ERROR_INVALID_NAME);
	FAILS(WaitNamedPipeW(NULL, 1), ERROR_INVALID_NAME);
	FAILS(WaitNamedPipeA("capi-wait", 1), ERROR_INVALID_NAME);
	FAILS(WaitNamedPipeA("\\\\other\\pipe\\capi-wait", 1), ERROR_INVALID_NAME);
	FAILS(WaitNamedPipeA("\\\\.\\pipe", 1), ERROR_INVALID_NAME);
	FAILS(WaitNamedPipeA("\\\\.\\pipe\\", 1), ERROR_INVALID_PARAMETER);
	memcpy(large, wide, sizeof wide);
	for (size_t i = sizeof wide / 2 - 1; i < sizeof large / 2; i++)
		large[i] = i + 1 < sizeof large / 2 ? 'x' : 0;
	FAILS(WaitNamedPipeW(large, 1), ERROR_INVALID_NAME);
}

void test_pipewait(void)
{
	missing();
	time_limit();
	listens_again();
	pipe_goes();
	names();
}
