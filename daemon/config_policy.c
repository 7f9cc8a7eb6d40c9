/* SPDX-License-Identifier: Apache-2.0 */
/* Reading policies: lists of uids. Words and numbers only; config.c says what is wrong and where.
 */
#include "daemon/config_policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number up to the next blank or the end of the value; *value is what comes behind it. */
static bool next_number(const char **value, uint32_t *number)
{
	unsigned long long wide;
	char *end;

	if (!isdigit((unsigned char)**value))
		return false;
	errno = 0;
	wide = strtoull(*value, &end, 10);
	if (errno == ERANGE || wide > UINT32_MAX || (*end != '\0' && !isblank((unsigned char)*end)))
		return false;
	*number = (uint32_t)wide;
	*value = end + strspn(end, " \t");
	return true;
}

bool policy_parse_uids(const char *value, struct ipc_uids *uids)
{
	*uids = (struct ipc_uids){.us_all = strcmp(value, "all") == 0};
	if (uids->us_all || strcmp(value, "none") == 0)
		return true;
	if (*value == '\0')
		return false;
	while (*value != '\0') {
		if (uids->us_count == IPC_POLICY_UIDS ||
		    !next_number(&value, &uids->us_uid[uids->us_count]))
			return false;
		uids->us_count++;
	}
	return true;
}
