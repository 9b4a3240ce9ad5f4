/*
 * Serves the named pipe "orders". It opens each file as the client that requests it.
 *
 *     cc -o server server.c $(pkg-config --cflags --libs refmon) -lpthread
 *     REFMON_SOCKET=/run/refmon/refmond.sock ./server
 */
#include <pthread.h>
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>

/* Opens a file with the present rights of the calling thread. Returns its status. */
static NTSTATUS open_file(const char *name)
{
	WCHAR wide[256];
	UNICODE_STRING text = {0, sizeof wide, wide};
	for (; *name && text.Length < sizeof wide; text.Length += sizeof *wide)
		wide[text.Length / sizeof *wide] = (unsigned char)*name++;
	OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &text};
	IO_STATUS_BLOCK io;
	HANDLE file;
	NTSTATUS st = NtOpenFile(&file, FILE_READ_DATA, &attributes, &io, 0, 0);
	if (NT_SUCCESS(st))
		NtClose(file);
	return st;
}

/* Serves one client. Each has a pthread of its own, so identities never mix. */
static void *answer(void *pipe)
{
	char name[256], text[32];
	DWORD n;
	while (ReadFile(pipe, name, sizeof name - 1, &n, NULL)) {
		name[n] = 0;
		NTSTATUS st = STATUS_ACCESS_DENIED;
		if (ImpersonateNamedPipeClient(pipe)) {
			st = open_file(name);
			RevertToSelf();
		}
		snprintf(text, sizeof text, "0x%08X", (unsigned)st);
		printf("asked for \"%s\": %s\n", name, text);
		fflush(stdout);
		if (!WriteFile(pipe, text, strlen(text), &n, NULL))
			break;
	}
	CloseHandle(pipe);
	return NULL;
}

int main(void)
{
	SECURITY_ATTRIBUTES everyone = {sizeof everyone, NULL, FALSE};
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;FA;;;WD)(A;;FA;;;OW)", SDDL_REVISION_1,
			&everyone.lpSecurityDescriptor, NULL))
		return 1;
	for (int first = 1;; first = 0) {
		HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\orders", PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
			PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, &everyone);
		if (pipe == INVALID_HANDLE_VALUE) {
			fprintf(stderr, "the pipe: error %u\n", (unsigned)GetLastError());
			return 1;
		}
		if (first) {
			puts("listening on \\\\.\\pipe\\orders");
			fflush(stdout);
		}
		if (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED) {
			fprintf(stderr, "a client: error %u\n", (unsigned)GetLastError());
			return 1;
		}
		pthread_t thread;
		if (pthread_create(&thread, NULL, answer, pipe) == 0)
			pthread_detach(thread);
		else
			CloseHandle(pipe);
	}
}
