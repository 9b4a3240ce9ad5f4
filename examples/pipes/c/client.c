/*
 * Requests files from the server of the named pipe "orders". The server may act for it. With -identify the server may
 * only identify it.
 *
 *     cc -o client client.c $(pkg-config --cflags --libs refmon)
 *     REFMON_SOCKET=/run/refmon/refmond.sock ./client report payroll
 */
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	DWORD level = SECURITY_IMPERSONATION, n;
	if (argc > 1 && !strcmp(argv[1], "-identify")) {
		level = SECURITY_IDENTIFICATION;
		argv++;
	}
	const char *orders = "\\\\.\\pipe\\orders";
	HANDLE pipe;
	do { /* If other clients have all instances of the pipe, wait until one is free. */
		/* GENERIC_WRITE would ask for the right to serve the pipe, which the server does not grant. */
		pipe = CreateFileA(orders, (FILE_GENERIC_READ | FILE_GENERIC_WRITE) & ~FILE_CREATE_PIPE_INSTANCE, 0, NULL,
			OPEN_EXISTING, SECURITY_SQOS_PRESENT | level, NULL);
	} while (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY &&
		WaitNamedPipeA(orders, NMPWAIT_USE_DEFAULT_WAIT));
	if (pipe == INVALID_HANDLE_VALUE) {
		fprintf(stderr, "the server is not there: error %u\n", (unsigned)GetLastError());
		return 1;
	}
	while (*++argv) {
		char answer[256];
		if (!WriteFile(pipe, *argv, strlen(*argv), &n, NULL) || !ReadFile(pipe, answer, sizeof answer - 1, &n, NULL)) {
			fprintf(stderr, "the server is gone: error %u\n", (unsigned)GetLastError());
			return 1;
		}
		answer[n] = 0;
		for (char *c = answer; *c; c++)
			if (*c < ' ' || *c > '~') /* another server could send what controls the terminal */
				*c = '?';
		printf("%s: %s\n", *argv, answer);
	}
	CloseHandle(pipe);
	return 0;
}
