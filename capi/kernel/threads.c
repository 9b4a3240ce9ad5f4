/* Threads that run kernel code only: each is a pthread of its own. */
#include <pthread.h>
#include <stdlib.h>
#include "internal.h"

/* What run needs: the number of the thread object, and the routine with its context. run frees it. */
struct start { uint64_t number; PKSTART_ROUTINE routine; PVOID context; };

/* 1 while a routine of PsCreateSystemThread runs on this pthread. */
static _Thread_local int made_here;

/* Runs the routine as its thread object. */
static void *run(void *p)
{
	struct start s = *(struct start *)p;
	free(p);
	if (!rm_adopt(s.number))
		abort(); /* no memory for 16 bytes */
	made_here = 1;
	s.routine(s.context);
	made_here = 0; /* what the pthread's destructors call is made by another thread object */
	return NULL;
}

/* Makes a thread object and a pthread that runs the routine. If there is no pthread, it closes the handle, ends the
 * thread object and returns STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS NTAPI PsCreateSystemThread(PHANDLE handle, ULONG access, POBJECT_ATTRIBUTES attributes, HANDLE process,
	PCLIENT_ID id, PKSTART_ROUTINE routine, PVOID context)
{
	struct start *s = malloc(sizeof *s);
	pthread_attr_t detached;
	pthread_t t;
	if (!s)
		return STATUS_INSUFFICIENT_RESOURCES;
	*s = (struct start){0, routine, context};
	NTSTATUS st = rm_create_system_thread(handle, access, attributes, process, id, &s->number);
	if (!NT_SUCCESS(st)) {
		free(s);
		return st;
	}
	uint64_t number = s->number;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int failed = pthread_create(&t, &detached, run, s);
	pthread_attr_destroy(&detached);
	if (!failed)
		return STATUS_SUCCESS;
	ZwClose(*handle);
	rm_end_system_thread(&number);
	free(s);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/* Ends the calling pthread and does not return. On a pthread that PsCreateSystemThread did not make, it returns
 * STATUS_INVALID_PARAMETER. */
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS status)
{
	(void)status;
	if (!made_here)
		return STATUS_INVALID_PARAMETER;
	made_here = 0;
	pthread_exit(NULL);
}
