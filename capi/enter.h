/* The way from C into Go, and what each pthread keeps. Not public. */
#ifndef REFMON_ENTER_H
#define REFMON_ENTER_H

#include <stdint.h>
#include "calls_gen.h"

/* Added to a call's number: as kernel mode makes it (librefmonk.so). */
#define RM_KERNEL 0x80000000u

/* Added by callers whose routines have the calling convention of 64-bit Windows. */
#ifdef REFMON_MS_ABI
#define RM_FACE 0x40000000u
#else
#define RM_FACE 0u
#endif

/* What a pthread keeps. thread is the number of its thread object, 0 before
 * its first call and after librefmon's destructor; its stack is [low, high),
 * 0 while that is not known. */
struct rm_teb {
	uint64_t thread;
	uint32_t last_error;
	uintptr_t stack_low, stack_high;
};

/* Exported for librefmon-ms.so and librefmonk.so, not for programs. rm_enter makes a call with its arguments and
 * returns its result. It returns RM_NOT_SUPPORTED in a forked process, and RM_INSUFFICIENT_RESOURCES if the pthread
 * gets no thread object. */
__attribute__((visibility("default"))) struct rm_teb *rm_teb(void);
__attribute__((visibility("default"))) uint64_t rm_enter(uint32_t call, uint64_t *args);

/* What a function without a status returns if rm_enter refuses the call: 0, FALSE or NULL. */
#define RM_NOT_SUPPORTED 0xC00000BBu
#define RM_INSUFFICIENT_RESOURCES 0xC000009Au
static inline uint64_t rm_answer(uint64_t r) { return r == RM_NOT_SUPPORTED || r == RM_INSUFFICIENT_RESOURCES ? 0 : r; }
/* The same for RtlNtStatusToDosError: ERROR_NOT_SUPPORTED or ERROR_NO_SYSTEM_RESOURCES. */
static inline uint64_t rm_code(uint64_t r)
{
	return r == RM_NOT_SUPPORTED ? 50 : r == RM_INSUFFICIENT_RESOURCES ? 1450 : r;
}

/* Makes the calling pthread, which has made no call, run a thread object. Returns 0, and changes nothing, if there is
 * no memory. */
__attribute__((visibility("default"))) int rm_adopt(uint64_t thread);

/* Calls a routine of the program as that thread, on whichever pthread Go runs it. Afterwards the pthread has its own
 * thread and last error again. */
typedef void (*rm_routine)(void *routine, void *a, void *b);
void rm_run_as(uint64_t thread, uintptr_t call, uintptr_t routine, uintptr_t a, uintptr_t b);

/* Makes an asynchronous procedure call of the calling pthread; ms: its routine has the calling convention of 64-bit
 * Windows. */
void rm_make_call(int ms, uintptr_t routine, uintptr_t a, uintptr_t b, uintptr_t c);

/* Returns a descriptor that can be read when a pthread has ended, or -1 if none can be made. */
int rm_watch_ends(void);

/* Takes at most room ended pthreads from the list, and returns how many. Their thread objects are to be given back.
 * The others stay on the list. */
uint64_t rm_take_ended(uint64_t *ids, uint64_t room);

#endif
