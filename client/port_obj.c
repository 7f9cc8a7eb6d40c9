/* SPDX-License-Identifier: Apache-2.0 */
/* A server's table of words for ports, found by the index of a name. */
#include <mach/mach_init.h>
#include <mach/port_obj.h>
#include <mach/vm_map.h>

#define NAMES 131072 /* of a task, unless machd.conf says otherwise */

struct port_obj_tentry *port_obj_table;
int port_obj_table_size = NAMES;

void port_obj_init(int maxsize)
{
	vm_address_t table;

	if (maxsize <= 0 ||
	    vm_allocate(mach_task_self(), &table, (vm_size_t)maxsize * sizeof *port_obj_table,
			VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		return;
	port_obj_table = (struct port_obj_tentry *)table;
	port_obj_table_size = maxsize;
}
