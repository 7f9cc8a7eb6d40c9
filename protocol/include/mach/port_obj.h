/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's own word for each port, found by the index of its name: a table that is as long as a
 * name space may become. Memory is used for those entries only that were set.
 */
#pragma once

#include <mach/port.h>
#include <machd_cdefs.h>
#include <stddef.h>

struct port_obj_tentry {
	void *pos_value;
	int pos_type;
};

MACHD_BEGIN_DECLS

extern struct port_obj_tentry *port_obj_table; /* NULL before port_obj_init() */
extern int port_obj_table_size;

/* Make the table, for names with an index below `maxsize`; that it cannot be had leaves it NULL. */
extern void port_obj_init(int maxsize);

MACHD_END_DECLS

/* The entry of a name; NULL if there is no room for it. */
static inline struct port_obj_tentry *machd_port_obj(mach_port_name_t name)
{
	if (!port_obj_table)
		port_obj_init(port_obj_table_size);
	if (!port_obj_table || MACH_PORT_INDEX(name) >= (mach_port_name_t)port_obj_table_size)
		return NULL;
	return &port_obj_table[MACH_PORT_INDEX(name)];
}

static inline void machd_port_obj_set(mach_port_name_t name, void *value, int type)
{
	struct port_obj_tentry *entry = machd_port_obj(name);

	if (entry) {
		entry->pos_value = value;
		entry->pos_type = type;
	}
}

#define port_set_obj_value_type(pname, value, type) machd_port_obj_set((pname), (value), (type))

/* What was set; NULL and 0 for another name. */
#define port_get_obj_value(pname) (machd_port_obj(pname) ? machd_port_obj(pname)->pos_value : NULL)
#define port_get_obj_type(pname)  (machd_port_obj(pname) ? machd_port_obj(pname)->pos_type : 0)
