/* SPDX-License-Identifier: Apache-2.0 */
/* Finding plans. */
#include "daemon/io/plan.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *service, const void *plan)
{
	return strcmp(service, ((const struct plan *)plan)->service);
}

const struct plan *plans_find(const struct plans *plans, const char *service)
{
	if (plans->count == 0)
		return NULL;
	return bsearch(service, plans->plans, plans->count, sizeof *plans->plans, compare);
}
