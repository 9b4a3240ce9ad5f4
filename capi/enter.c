/*
 * Entering Go. Each pthread gets a thread object at its first call. When it
 * ends, the destructor of a pthread key, which must not call into Go, puts the
 * number on a list that the next call of any thread empties.
 */
#ifdef REFMON_MS_ABI
#error "this file belongs to librefmon.so alone"
#endif

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "enter.h"
#include "_cgo_export.h"

struct ended {
	struct ended *next;
	uint64_t thread;
};

static _Thread_local struct rm_teb teb;
static pthread_key_t key;
static _Atomic(struct ended *) ended_threads;
static atomic_int forked;

struct rm_teb *rm_teb(void) { return &teb; }

static void thread_ended(void *node)
{
	struct ended *e = node;
	e->next = atomic_load(&ended_threads);
	while (!atomic_compare_exchange_weak(&ended_threads, &e->next, e))
		;
}

uint64_t rm_take_ended(uint64_t *ids, uint64_t room)
{
	struct ended *e = atomic_exchange(&ended_threads, NULL);
	uint64_t n = 0;
	while (e && n < room) {
		struct ended *next = e->next;
		ids[n++] = e->thread;
		free(e);
		e = next;
	}
	while (e) { /* no room: back on the list, for the next round */
		struct ended *next = e->next;
		thread_ended(e);
		e = next;
	}
	return n;
}

/* The Go runtime does not survive a fork: its threads are not copied. */
static void in_child(void) { atomic_store(&forked, 1); }

__attribute__((constructor)) static void prepare(void)
{
	pthread_key_create(&key, thread_ended);
	pthread_atfork(NULL, NULL, in_child);
}

static uint64_t refuse(void)
{
	static const char text[] = "refmon: this process was forked from one that had librefmon loaded; it cannot call it before exec\n";
	if (atomic_exchange(&forked, 2) == 1)
		(void)!write(2, text, sizeof text - 1);
	return RM_NOT_SUPPORTED;
}

static uint64_t attach(void)
{
	struct ended *e = malloc(sizeof *e);
	if (!e || !(e->thread = refmonAttach())) {
		free(e);
		return 0;
	}
	pthread_setspecific(key, e);
	return teb.thread = e->thread;
}

int rm_adopt(uint64_t thread)
{
	struct ended *e = malloc(sizeof *e);
	if (!e)
		return 0;
	e->thread = teb.thread = thread;
	pthread_setspecific(key, e);
	return 1;
}

uint64_t rm_enter(uint32_t call, uint64_t *args)
{
	if (__builtin_expect(atomic_load_explicit(&forked, memory_order_relaxed), 0))
		return refuse();
	if (__builtin_expect(atomic_load_explicit(&ended_threads, memory_order_relaxed) != NULL, 0))
		refmonDrain();
	if (__builtin_expect(!teb.thread, 0) && !attach())
		return RM_INSUFFICIENT_RESOURCES;
	return refmonCall(teb.thread, call, args);
}

void rm_run_as(uint64_t thread, uintptr_t call, uintptr_t routine, uintptr_t a, uintptr_t b)
{
	struct rm_teb own = teb;
	teb = (struct rm_teb){.thread = thread};
	((rm_routine)call)((void *)routine, (void *)a, (void *)b);
	teb = own;
}
