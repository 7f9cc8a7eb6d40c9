/* SPDX-License-Identifier: Apache-2.0 */
/* Policies for service names, as a test writes them down. */
#pragma once

#include "daemon/boot/policy.h"
#include "tests/lab/lab.h"

/* A policy under construction: fill in, sort, start a lab with it. */
struct lab_names {
	struct boot_policy policy;
	struct boot_rule rules[16];
};

/* No rules; then one more, for everybody, that a command starts within 10 s, 3 times in 60 s. */
void lab_names_init(struct lab_names *names);
struct boot_rule *lab_names_add(struct lab_names *names, const char *service);

/* Bring the rules into their order: pointers to them are not valid any more. */
const struct boot_policy *lab_names_policy(struct lab_names *names);

/* Nobody but these. */
void lab_who_uid(struct boot_who *who, uint32_t uid, uint32_t line);
void lab_who_gid(struct boot_who *who, uint32_t gid, uint32_t line);
void lab_who_unit(struct boot_who *who, const char *unit, uint32_t line);
