/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services by name. A server checks in and gets the receive right; clients look the name up and
 * get send rights. A name is free again when its owner is gone.
 */
#pragma once

#include <mach/mach_init.h>
#include <mach/mach_types.h>
#include <machd_cdefs.h>

#define BOOTSTRAP_MAX_NAME_LEN 128 /* the final zero byte included */
#define BOOTSTRAP_MAX_CMD_LEN  512

typedef char name_t[BOOTSTRAP_MAX_NAME_LEN];
typedef char cmd_t[BOOTSTRAP_MAX_CMD_LEN];

#define BOOTSTRAP_SUCCESS	  0
#define BOOTSTRAP_NOT_PRIVILEGED  1100
#define BOOTSTRAP_NAME_IN_USE	  1101
#define BOOTSTRAP_UNKNOWN_SERVICE 1102 /* also: a name too long to be one */
#define BOOTSTRAP_SERVICE_ACTIVE  1103 /* somebody has checked in */
#define BOOTSTRAP_BAD_COUNT	  1104
#define BOOTSTRAP_NO_MEMORY	  1105
#define BOOTSTRAP_NO_CHILDREN	  1106

typedef name_t *name_array_t;
typedef int bootstrap_status_t;
typedef bootstrap_status_t *bootstrap_status_array_t, *bool_array_t;

#define BOOTSTRAP_STATUS_INACTIVE  0
#define BOOTSTRAP_STATUS_ACTIVE	   1
#define BOOTSTRAP_STATUS_ON_DEMAND 2

MACHD_BEGIN_DECLS

/* `service_name` is a name_t or any string that would fit in one. */

/* Become the owner of a name: `sp` gets the receive right. */
extern kern_return_t bootstrap_check_in(mach_port_t bp, const char *service_name, mach_port_t *sp);

/* Publish a copy of a send right under a name. MACH_PORT_NULL takes the name back. */
extern kern_return_t bootstrap_register(mach_port_t bp, const char *service_name, mach_port_t sp);

/*
 * A name that nobody has checked in yet, with its port: `sp` gets a send right. Messages queue
 * until somebody checks in, and again when that task ends. It stays until it is taken back.
 */
extern kern_return_t bootstrap_create_service(mach_port_t bp, const char *service_name,
					      mach_port_t *sp);

/*
 * A server that runs a command: always BOOTSTRAP_NOT_PRIVILEGED, since machd runs what services.d
 * declares and nothing that a caller names.
 */
extern kern_return_t bootstrap_create_server(mach_port_t bp, const char *server_cmd,
					     unsigned int server_uid, boolean_t on_demand,
					     mach_port_t *server_port);

/* A send right to the service. */
extern kern_return_t bootstrap_look_up(mach_port_t bp, const char *service_name, mach_port_t *sp);

/*
 * A bootstrap port with names of its own, which leads to `bp` for all others. Who has it may bring
 * and look up names there. It ends when `requestor_port` dies.
 */
extern kern_return_t bootstrap_subset(mach_port_t bp, mach_port_t requestor_port,
				      mach_port_t *subset_port);

/* The bootstrap port above; of the first, itself. For root and the user that machd runs as. */
extern kern_return_t bootstrap_parent(mach_port_t bp, mach_port_t *parent_port);

/* Another right to the same port. */
extern kern_return_t bootstrap_unprivileged(mach_port_t bp, mach_port_t *unpriv_port);

/* Whether somebody has checked in, or will be started when the name is looked up. */
extern kern_return_t bootstrap_status(mach_port_t bp, const char *service_name,
				      bootstrap_status_t *service_active);

/*
 * All names at the port that the caller may look up, what each is provided by, as far as that is
 * known, and its status: three arrays of one length, which the caller frees with vm_deallocate().
 */
extern kern_return_t bootstrap_info(mach_port_t bp, name_array_t *service_names,
				    mach_msg_type_number_t *service_namesCnt,
				    name_array_t *server_names,
				    mach_msg_type_number_t *server_namesCnt,
				    bootstrap_status_array_t *service_active,
				    mach_msg_type_number_t *service_activeCnt);

/* A phrase for any code that these calls return. */
extern const char *bootstrap_strerror(kern_return_t r);

MACHD_END_DECLS
