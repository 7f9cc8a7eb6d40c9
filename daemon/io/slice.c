/* SPDX-License-Identifier: Apache-2.0 */
/* The choice between two slices, and the system calls for it. */
#include "daemon/io/slice.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PART	3	/* the short slice is such a part of the whole */
#define CALM_NS 1000000 /* what allows the short slice must have lasted so long */

static bool get(struct sched_attr *attributes)
{
	return syscall(SYS_sched_getattr, 0, attributes, sizeof *attributes, 0) == 0;
}

void slice_init(struct slice *slice)
{
	struct sched_attr attributes;

	*slice = (struct slice){.whole = get(&attributes) ? attributes.sched_runtime : 0};
}

/* Change the slice and no other attribute. If the kernel refuses, do not try again. */
static void set(struct slice *slice, bool shortened)
{
	struct sched_attr attributes;

	slice->shortened = shortened;
	if (!get(&attributes))
		return;
	attributes.sched_runtime = shortened ? slice->whole / PART : slice->whole;
	attributes.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
		slice->whole = 0;
}

bool slice_between_two(const struct slice *slice, uint64_t now)
{
	return now - slice->crowded >= CALM_NS;
}

void slice_note(struct slice *slice, const void *channel, bool streams, bool apart, uint64_t now)
{
	bool shorten;

	if (streams || (channel != slice->two[0] && channel != slice->two[1])) {
		slice->two[1] = slice->two[0];
		slice->two[0] = channel;
		slice->crowded = now;
	}
	if (apart)
		slice->apart = now;
	shorten = slice_between_two(slice, now) && now - slice->apart >= CALM_NS;
	if (slice->whole && slice->shortened != shorten)
		set(slice, shorten);
}
