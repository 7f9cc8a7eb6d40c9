/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of identities, and whether bytes from a file are one. */
#include "daemon/ipc/ipc_identity.h"

#include <string.h>

#include "daemon/base/mem.h"

bool ipc_identity_good(const struct ipc_identity *identity)
{
	return identity->id_group_count <= IPC_IDENTITY_GROUPS &&
	       memchr(identity->id_unit, '\0', sizeof identity->id_unit);
}

struct ipc_identity *ipc_identity_new(const struct ipc_identity *identity)
{
	struct ipc_identity *copy = mem_alloc(sizeof *copy);

	if (copy)
		*copy = *identity;
	return copy;
}
