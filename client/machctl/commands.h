/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of machctl, and the options that they take: see commands.c. */
#pragma once

#include <argp.h>

#include "client/machctl/machctl.h"

/* What may stand behind a command's name. */
enum arguments {
	ARGUMENTS_NONE,
	ARGUMENTS_PID,	    /* [PID] */
	ARGUMENTS_THIS_PID, /* PID */
	ARGUMENTS_PORT,	    /* OBJECT, a service, or PID NAME */
	ARGUMENTS_EXPLAIN,  /* explain PID NAME */
};

struct command {
	const char *name;
	enum arguments takes;
	const char *arguments; /* for the usage line; NULL: it takes none */
	const char *help;      /* of `machctl NAME --help`, below the options */
	void (*run)(const struct options *options);
	const struct argp_option *options; /* with those that every command has */
	double interval;		   /* seconds, unless told otherwise */
	uint64_t count;			   /* the same; 0: no end */
};

/* Options that every command has. */
extern const struct argp_option shared_options[];

/* All commands; the last has no name. */
extern const struct command commands[];
