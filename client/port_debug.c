/* SPDX-License-Identifier: Apache-2.0 */
/* What a name stands for, as debuggers ask. The whole table of names is in port_list.c. */
#include <mach/mach_port.h>
#include <string.h>

#include "client/mi.h"

kern_return_t mach_port_kernel_object(ipc_space_t task, mach_port_name_t name,
				      natural_t *object_type, unsigned *object_addr)
{
	struct mach_port_kernel_object_in in = {.name = name};
	struct mach_port_kernel_object_out out;
	kern_return_t code = MI_CALL(mach_port_kernel_object, task, &in, &out);

	if (code == KERN_SUCCESS) {
		*object_type = out.type;
		*object_addr = out.address;
	}
	return code;
}

kern_return_t mach_port_kobject_description(ipc_space_t task, mach_port_name_t name,
					    natural_t *object_type, mach_vm_address_t *object_addr,
					    kobject_description_t description)
{
	struct mach_port_kobject_description_in in = {.name = name};
	struct mach_port_kobject_description_out out;
	kern_return_t code = MI_CALL(mach_port_kobject_description, task, &in, &out);

	if (code == KERN_SUCCESS) {
		*object_type = out.type;
		*object_addr = out.address;
		memcpy(description, out.description, sizeof out.description);
	}
	return code;
}
