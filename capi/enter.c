/*
 * Entering Go. Each pthread gets a thread object at its first call. When it
 * ends, the destructor of a pthread key, which must not call into Go, takes the
 * number from the pthread and puts it on a list that the next call of any thread
 * empties. Destructors of the program's own keys may still call after that: the
 * pthread is attached anew, and its key's destructor runs once more.
 */
#define _GNU_SOURCE /* pthread_getattr_np */
#ifdef REFMON_MS_ABI
#error "this file belongs to librefmon.so alone"
#endif

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "enter.h"
#include "_cgo_export.h"

/* A pthread that has ended, on the list of those whose thread objects Go gives back. */
struct ended {
	struct ended *next;
	uint64_t thread;
};

static _Thread_local struct rm_teb teb;
static pthread_key_t key;
static _Atomic(struct ended *) ended_threads;
static atomic_int forked;
static atomic_int watched = -1;

/* Returns the data of the calling pthread, never NULL. It is valid until the pthread ends. */
struct rm_teb *rm_teb(void) { return &teb; }

/* Puts e on the list. It takes no lock, so that a destructor of any pthread may call it. */
static void give_back(struct ended *e)
{
	e->next = atomic_load(&ended_threads);
	while (!atomic_compare_exchange_weak(&ended_threads, &e->next, e))
		;
}

/* The destructor of the key: puts the pthread on the list, and wakes the reader of the watched descriptor. */
static void thread_ended(void *node)
{
	teb.thread = 0;
	give_back(node);
	int fd = atomic_load(&watched);
	uint64_t one = 1;
	if (fd >= 0)
		(void)!write(fd, &one, sizeof one);
}

int rm_watch_ends(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_store(&watched, fd);
	return fd;
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
		give_back(e);
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

/* Returns the status of every call in a forked process, and writes the reason to stderr at the first one. */
static uint64_t refuse(void)
{
	static const char text[] =
		"refmon: this process was forked from one that had librefmon loaded; it cannot call it before exec\n";
	if (atomic_exchange(&forked, 2) == 1)
		(void)!write(2, text, sizeof text - 1);
	return RM_NOT_SUPPORTED;
}

/* Stores where the stack of the calling pthread is. After a failure the bounds stay 0. */
static void know_stack(void)
{
	pthread_attr_t a;
	void *low;
	size_t size;
	if (teb.stack_high || pthread_getattr_np(pthread_self(), &a))
		return;
	if (!pthread_attr_getstack(&a, &low, &size)) {
		teb.stack_low = (uintptr_t)low;
		teb.stack_high = (uintptr_t)low + size;
	}
	pthread_attr_destroy(&a);
}

int rm_adopt(uint64_t thread)
{
	struct ended *e = malloc(sizeof *e);
	if (!e)
		return 0;
	e->thread = thread;
	if (pthread_setspecific(key, e)) {
		free(e);
		return 0;
	}
	teb.thread = thread;
	know_stack();
	return 1;
}

/* Makes a thread object for the calling pthread. Returns 0, without one, if there is no memory or quota. */
static int attach(void)
{
	uint64_t thread = refmonAttach();
	if (!thread)
		return 0;
	if (rm_adopt(thread))
		return 1;
	refmonDetach(thread);
	return 0;
}

/* The end of the frames that lie between a call's arguments and the start of the pthread, 0 on a stack of
 * the program's own: they stay usable for as long as the call lasts. */
static uint64_t frames_end(const uint64_t *args)
{
	uintptr_t at = (uintptr_t)args;
	return at >= teb.stack_low && at < teb.stack_high ? teb.stack_high : 0;
}

uint64_t rm_enter(uint32_t call, uint64_t *args)
{
	if (__builtin_expect(atomic_load_explicit(&forked, memory_order_relaxed), 0))
		return refuse();
	if (__builtin_expect(atomic_load_explicit(&ended_threads, memory_order_relaxed) != NULL, 0))
		refmonDrain();
	if (__builtin_expect(!teb.thread, 0) && !attach())
		return RM_INSUFFICIENT_RESOURCES;
	return refmonCall(teb.thread, call, args, frames_end(args));
}

void rm_run_as(uint64_t thread, uintptr_t call, uintptr_t routine, uintptr_t a, uintptr_t b)
{
	know_stack();
	struct rm_teb own = teb;
	teb.thread = thread;
	teb.last_error = 0;
	((rm_routine)call)((void *)routine, (void *)a, (void *)b);
	teb = own;
}

#ifdef __x86_64__
/* A function of its own: gcc makes one call of two that differ in the calling convention alone. */
typedef void (__attribute__((ms_abi)) *ms_call)(uintptr_t, uintptr_t, uintptr_t);
static __attribute__((noinline)) void make_ms_call(ms_call routine, uintptr_t a, uintptr_t b, uintptr_t c)
{
	routine(a, b, c);
}
#endif

void rm_make_call(int ms, uintptr_t routine, uintptr_t a, uintptr_t b, uintptr_t c)
{
#ifdef __x86_64__
	if (ms) {
		make_ms_call((ms_call)routine, a, b, c);
		return;
	}
#endif
	((void (*)(uintptr_t, uintptr_t, uintptr_t))routine)(a, b, c);
}
