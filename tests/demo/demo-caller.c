/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the service and calls it COUNT times (10000), checking every answer. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/demo/demo.h"

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void call(mach_port_t service, uint64_t number)
{
	union {
		struct demo_number message;
		uint8_t room[sizeof(struct demo_number) + MAX_TRAILER_SIZE];
	} buffer = {.message.number = number};

	demo_call(service, &buffer.message.header, sizeof buffer.message, sizeof buffer,
		  DEMO_ADD_ONE);
	if (buffer.message.number != number + 1)
		demo_fail("%llu + 1 is not %llu", (unsigned long long)number,
			  (unsigned long long)buffer.message.number);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	mach_port_t service = demo_look_up(DEMO_SERVICE);
	double start, spent;

	call(service, 0);
	start = seconds();
	for (unsigned long i = 0; i < count; i++)
		call(service, i);
	spent = seconds() - start;
	printf("%lu calls in %.2f s, every answer right: %.0f calls per second\n", count, spent,
	       (double)count / spent);
	return 0;
}
