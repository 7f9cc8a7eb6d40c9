/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of limits.def as a table that can be walked. */
#include "protocol/limits.h"

#include <stddef.h>

const struct machd_limit_row machd_limit_rows[] = {
#define MACHD_LIMIT(field, key, value, least, most, reason) \
	{#key, reason, value, least, most, offsetof(struct machd_limits, field)},
#include "protocol/limits.def"
};

const unsigned machd_limit_row_count = sizeof machd_limit_rows / sizeof *machd_limit_rows;

const struct machd_limit_row *machd_limit_at(uint32_t offset)
{
	const struct machd_limit_row *row = machd_limit_rows;

	while (row->offset != offset)
		row++;
	return row;
}

void machd_limits_init(struct machd_limits *limits)
{
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		*machd_limit_field(limits, &machd_limit_rows[i]) = machd_limit_rows[i].value;
}

uint64_t *machd_limit_field(struct machd_limits *limits, const struct machd_limit_row *row)
{
	return (uint64_t *)((char *)limits + row->offset);
}
