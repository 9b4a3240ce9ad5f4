/* A handler of the program for SIGSEGV, and memory that may not be used. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "../check.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

atomic_int checks, failures;
void *readonly, *none;

static atomic_int faults; /* that the program's handler was given */
static _Thread_local sigjmp_buf out;
static _Thread_local volatile char *expected;

static void handle(int number)
{
	(void)number;
	faults++;
	if (!expected) { /* not ours: the library let its own fault out */
		printf("a fault of the library came to the program's handler\n");
		_exit(3);
	}
	siglongjmp(out, 1);
}

static void handle_fully(int number, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	handle(number);
}

/* Installs the handler: 0 plain, 1 with information, 2 on an alternate stack. */
static void install(int how)
{
	static char room[1 << 16];
	struct sigaction a = {.sa_handler = handle};
	if (how) {
		a.sa_sigaction = handle_fully;
		a.sa_flags = SA_SIGINFO;
	}
	if (how == 2) {
		stack_t s = {.ss_sp = room, .ss_size = sizeof room};
		CHECK(sigaltstack(&s, NULL) == 0);
		a.sa_flags |= SA_ONSTACK;
	}
	CHECK(sigaction(SIGSEGV, &a, NULL) == 0 && sigaction(SIGBUS, &a, NULL) == 0);
}

/* The program's own fault comes to its handler, which leaves by siglongjmp. */
static void own_fault(void)
{
	int before = faults;
	expected = none;
	if (!sigsetjmp(out, 1)) {
		*expected = 1;
		CHECK(!"the page can be written");
	}
	expected = NULL;
	SAME(faults, before + 1);
}

static void prepare_pages(void)
{
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

#endif
