/* Work that a thread of the System process does. */
#include <stdlib.h>
#include "internal.h"

struct _IO_WORKITEM { PDEVICE_OBJECT object; PVOID routine; };

/* Queues a call for a thread of the System process. It cannot fail, except in a forked process, which it ends. */
static void queue(rm_routine call, PVOID routine, PVOID a, PVOID b)
{
	if (rm_queue_work(call, routine, a, b) != STATUS_SUCCESS)
		abort(); /* only in a child of fork */
}

/* Calls the routine of a WORK_QUEUE_ITEM. */
static void plain(PVOID routine, PVOID parameter, PVOID unused)
{
	(void)unused;
	((PWORKER_THREAD_ROUTINE)routine)(parameter);
}

/* Items may be freed by their routines: nothing is read after the call. */
static void of_device(PVOID item, PVOID context, PVOID unused)
{
	(void)unused;
	((PIO_WORKITEM_ROUTINE)((PIO_WORKITEM)item)->routine)(((PIO_WORKITEM)item)->object, context);
}

/* Calls the routine of IoQueueWorkItemEx, which also gets the item. */
static void extended(PVOID item, PVOID context, PVOID unused)
{
	(void)unused;
	((PIO_WORKITEM_ROUTINE_EX)((PIO_WORKITEM)item)->routine)(((PIO_WORKITEM)item)->object, context, item);
}

void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type)
{
	(void)type;
	queue(plain, (PVOID)item->WorkerRoutine, item->Parameter, NULL);
}

/* Returns a work item that IoFreeWorkItem frees, NULL if there is no memory. */
PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT object)
{
	PIO_WORKITEM item = malloc(sizeof *item);
	if (item)
		*item = (struct _IO_WORKITEM){object, NULL};
	return item;
}

void NTAPI IoFreeWorkItem(PIO_WORKITEM item) { free(item); }

void NTAPI IoQueueWorkItem(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine, WORK_QUEUE_TYPE type, PVOID context)
{
	(void)type;
	item->routine = (PVOID)routine;
	queue(of_device, item, context, NULL);
}

void NTAPI IoQueueWorkItemEx(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE_EX routine, WORK_QUEUE_TYPE type, PVOID context)
{
	(void)type;
	item->routine = (PVOID)routine;
	queue(extended, item, context, NULL);
}
