/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of limits.def as constants and as one struct: `struct machd_limits` holds the values
 * in force, machd_limits_default what they are when machd.conf says nothing.
 */
#pragma once

#include <stdint.h>

enum machd_fixed_limits {
#define MACHD_FIXED(name, value, reason) name = (value),
#include "protocol/limits.def"
};

struct machd_limits {
#define MACHD_LIMIT(field, key, value, least, most, reason) uint64_t field;
#include "protocol/limits.def"
};

/* One row for each settable limit, for whoever reads, shows or checks them. */
struct machd_limit_row {
	const char *key; /* in machd.conf */
	const char *reason;
	uint64_t value, least, most; /* the default, and what machd.conf may say */
	uint32_t offset;	     /* of the field in struct machd_limits */
};

extern const struct machd_limit_row machd_limit_rows[];
extern const unsigned machd_limit_row_count;

/* The row of the field at that offset of struct machd_limits. */
const struct machd_limit_row *machd_limit_at(uint32_t offset);

/* Fill `limits` with the defaults. */
void machd_limits_init(struct machd_limits *limits);

/* The field that a row describes. */
uint64_t *machd_limit_field(struct machd_limits *limits, const struct machd_limit_row *row);
