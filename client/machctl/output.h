/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands have in common when they write: see output.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/machctl/json.h"
#include "client/machctl/table.h"

/*
 * Print a table to stdout, with colours if that is a terminal which wants them. Its lines are as
 * long as the terminal is wide, or as they need to be if there is none.
 */
void output_table(struct table *table);

/* Is stdout a terminal that wants colours? */
bool output_wants_colour(void);

/* The members "pid" and "command" of a process. */
void json_process(struct json *json, int32_t pid);

/* The command name of a process, safe on a terminal; "-" if it is gone. free() it. */
char *text_command_escaped(int32_t pid);
