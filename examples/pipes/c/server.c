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

/* Creates an instance of the pipe, which waits for one client. Returns INVALID_HANDLE_VALUE after a message. */
static HANDLE new_instance(DWORD flags, SECURITY_ATTRIBUTES *security)
{
	HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\orders", PIPE_ACCESS_DUPLEX | flags,
		PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, security);
	if (pipe == INVALID_HANDLE_VALUE)
		fprintf(stderr, "the pipe: error %u\n", (unsigned)GetLastError());
	return pipe;
}

int main(void)
{
	/* Clients get no FILE_CREATE_PIPE_INSTANCE: with it they could serve the pipe's other clients. */
	SECURITY_ATTRIBUTES everyone = {sizeof everyone, NULL, FALSE};
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;0x12019b;;;WD)(A;;FA;;;OW)", SDDL_REVISION_1,
			&everyone.lpSecurityDescriptor, NULL))
		return 1;
	/* This fails if another server has the name. */
	HANDLE pipe = new_instance(FILE_FLAG_FIRST_PIPE_INSTANCE, &everyone);
	if (pipe == INVALID_HANDLE_VALUE)
		return 1;
	puts("listening on \\\\.\\pipe\\orders");
	fflush(stdout);
	for (;;) {
		DWORD error = ConnectNamedPipe(pipe, NULL) ? ERROR_PIPE_CONNECTED : GetLastError();
		if (error == ERROR_NO_DATA) { /* a client came and has left */
			DisconnectNamedPipe(pipe);
			continue;
		}
		if (error != ERROR_PIPE_CONNECTED) {
			fprintf(stderr, "a client: error %u\n", (unsigned)error);
			return 1;
		}
		/* The next instance exists before this one ends, so that no other server can take the name. */
		HANDLE next = new_instance(0, &everyone);
		if (next == INVALID_HANDLE_VALUE) { /* too many clients: this one must come again */
			DisconnectNamedPipe(pipe);
			continue;
		}
		pthread_t thread;
		if (pthread_create(&thread, NULL, answer, pipe) == 0)
			pthread_detach(thread);
		else
			CloseHandle(pipe);
		pipe = next;
	}
}
