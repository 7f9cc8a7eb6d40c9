/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands have in common when they write: see output.c. */
#pragma once

#include <stdint.h>

#include "client/machctl/json.h"
#include "client/machctl/table.h"

/* Print a table to stdout, with colours if that is a terminal which wants them. */
void output_table(const struct table *table);

/* The members "pid" and "command" of a process. */
void json_process(struct json *json, int32_t pid);

/* The command name of a process, safe on a terminal; "-" if it is gone. free() it. */
char *text_command_escaped(int32_t pid);
