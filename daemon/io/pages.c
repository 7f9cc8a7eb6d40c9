/* SPDX-License-Identifier: Apache-2.0 */
/* How many slices of pages are due, and making them. */
#include "daemon/io/pages.h"

#include "daemon/io/gate.h"

#define SLICE_EVERY_NS	80000
#define SEARCH_EVERY_NS 25000 /* while the slices find nothing for the watcher to read */

static unsigned count_due(struct pages *pages, uint64_t last, uint64_t now, unsigned most)
{
	uint64_t due, every = trap_pages_dry(pages->gate->host) ? SEARCH_EVERY_NS : SLICE_EVERY_NS;

	if (!pages_beside(last, now))
		return PAGES_AT_ONCE;
	due = now > pages->made ? (now - pages->made) / every : 0;
	if (due < most) {
		pages->made += due * every;
		return (unsigned)due;
	}
	pages->made = now;
	return most;
}

void pages_make(struct pages *pages, uint64_t last, uint64_t now, unsigned most)
{
	unsigned left = count_due(pages, last, now, most);

	while (left-- && trap_has_pages(pages->gate->host))
		gate_work(pages->gate);
}
