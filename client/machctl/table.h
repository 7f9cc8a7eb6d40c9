/* SPDX-License-Identifier: Apache-2.0 */
/* A table of aligned columns: see table.c. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The most columns a table may have. */
#define TABLE_COLUMNS 16

/* A line that is never full. */
#define TABLE_UNCUT (1u << 30)

struct table_column {
	const char *heading;
	bool text;	/* aligned left; numbers are aligned right */
	unsigned least; /* may be cut to this width so that the table fits; 0: never cut */
};

struct table;

/* An empty table. `columns` must outlive it; at most one of them may be cut. */
struct table *table_new(const struct table_column *columns, unsigned count);
void table_free(struct table *table);

/* Append a cell; cells fill the table row by row. */
__attribute__((format(printf, 2, 3))) void table_cell(struct table *table, const char *format, ...);

/* Let the cell appended last stand out where there are colours. */
void table_alert(struct table *table);

/* Begin a section: a line of its own above the rows that follow. Only between rows. */
__attribute__((format(printf, 2, 3))) void table_section(struct table *table, const char *format,
							 ...);

/* Rows and sections that were added and not printed yet. */
size_t table_cells(const struct table *table);

/*
 * Write what was added in lines of `width`, with headings the first time. What is added later can
 * be printed later: a long table need not be kept whole, but its columns may become wider on the
 * way. `colour`: `out` is a terminal that may get escape sequences.
 */
void table_print(struct table *table, FILE *out, unsigned width, bool colour);
