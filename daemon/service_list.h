/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and plans while files are read: a list that grows. */
#pragma once

#include "daemon/services.h"

struct service_entry {
	struct boot_rule rule;
	struct plan plan;
};

struct service_list {
	struct service_entry *entries;
	size_t count, room;
};

/* The entry with this name, or NULL. */
struct service_entry *service_list_find(const struct service_list *list, const char *service);

/* Room for one more at the end, zeroed and not yet counted. NULL: no memory, or too many. */
struct service_entry *service_list_next(struct service_list *list);
