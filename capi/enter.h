/* The way from C into Go, and what each pthread keeps. Not public. */
#ifndef REFMON_ENTER_H
#define REFMON_ENTER_H

#include <stdint.h>
#include "calls_gen.h"

/* Added to a call's number: as kernel mode makes it (librefmonk.so). */
#define RM_KERNEL 0x80000000u

/* What a pthread keeps. thread is the number of its thread object, 0 before
 * its first call. */
struct rm_teb {
	uint64_t thread;
	uint32_t last_error;
};

/* Exported for librefmon-ms.so and librefmonk.so, not for programs. */
__attribute__((visibility("default"))) struct rm_teb *rm_teb(void);
__attribute__((visibility("default"))) uint64_t rm_enter(uint32_t call, uint64_t *args);

/* Ended pthreads whose thread objects are to be given back: takes them all. */
uint64_t rm_take_ended(uint64_t *ids, uint64_t room);

#endif
