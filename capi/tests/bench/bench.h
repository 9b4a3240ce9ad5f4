/* Nanoseconds for each call, best of five rounds. */
#include <stdio.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

#define BENCH(name, statement) \
	do { \
		double best = 1e18; \
		for (int r = 0; r < 5; r++) { \
			double start = now(); \
			for (int i = 0; i < 200000; i++) { \
				statement; \
			} \
			double ns = (now() - start) / 200000; \
			best = ns < best ? ns : best; \
		} \
		printf("%-46s %6.0f ns\n", name, best); \
	} while (0)
