/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned columns for machctl. Each column is as wide as its widest cell; when that is more than a
 * line holds, the one column that may be cut gives way, and a "+" shows where. Cells hold ASCII
 * only (text_escape), so bytes are characters.
 */
#include "client/machctl/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/machctl.h"
#include "client/machctl/text.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

struct cell {
	char *text;
	bool alert;
	bool section; /* a line of its own, not part of a row */
};

struct table {
	const struct table_column *columns;
	unsigned column_count;
	struct cell *cells;
	size_t count, room;
	unsigned widest[TABLE_COLUMNS]; /* what the columns need, as far as is known */
	bool headed;			/* the headings were printed */
};

struct table *table_new(const struct table_column *columns, unsigned count)
{
	struct table *table = text_alloc(sizeof *table);

	assert(count <= TABLE_COLUMNS);
	*table = (struct table){.columns = columns, .column_count = count};
	return table;
}

static void drop_cells(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	table->count = 0;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	drop_cells(table);
	free(table->cells);
	free(table);
}

size_t table_cells(const struct table *table)
{
	return table->count;
}

__attribute__((format(printf, 3, 0))) static void append(struct table *table, bool section,
							 const char *format, va_list arguments)
{
	struct cell *cell;

	if (table->count == table->room) {
		table->room = table->room ? table->room * 2 : 256;
		table->cells = reallocarray(table->cells, table->room, sizeof *table->cells);
		if (!table->cells)
			fail(EXIT_ERROR, "out of memory");
	}
	cell = &table->cells[table->count];
	*cell = (struct cell){.section = section};
	if (vasprintf(&cell->text, format, arguments) < 0)
		fail(EXIT_ERROR, "out of memory");
	table->count++;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(table, false, format, arguments);
	va_end(arguments);
}

void table_section(struct table *table, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(table, true, format, arguments);
	va_end(arguments);
}

void table_alert(struct table *table)
{
	table->cells[table->count - 1].alert = true;
}

static void widen(unsigned *width, const char *text)
{
	size_t length = strlen(text);

	if (length > *width)
		*width = (unsigned)length;
}

/* Let the column that may be cut give way. */
static void fit(const struct table *table, unsigned *widths, unsigned width)
{
	unsigned total = table->column_count - 1; /* the spaces between */

	for (unsigned i = 0; i < table->column_count; i++)
		total += widths[i];
	for (unsigned i = 0; i < table->column_count && total > width; i++) {
		unsigned least = table->columns[i].least, over = total - width;

		if (least == 0 || widths[i] <= least)
			continue;
		over = over < widths[i] - least ? over : widths[i] - least;
		widths[i] -= over;
		total -= over;
	}
}

static unsigned next_column(const struct table *table, unsigned column)
{
	return column + 1 < table->column_count ? column + 1 : 0;
}

static void measure(struct table *table, unsigned *widths, unsigned width)
{
	unsigned column = 0;

	for (unsigned i = 0; i < table->column_count; i++)
		widen(&table->widest[i], table->columns[i].heading);
	for (size_t i = 0; i < table->count; i++) {
		if (table->cells[i].section)
			continue;
		widen(&table->widest[column], table->cells[i].text);
		column = next_column(table, column);
	}
	memcpy(widths, table->widest, sizeof table->widest);
	fit(table, widths, width);
}

/* One cell and what follows it: a space, or the end of the line. No blanks at a line's end. */
static void print_cell(const struct table *table, unsigned column, unsigned width, const char *text,
		       const char *style, FILE *out)
{
	unsigned length = (unsigned)strlen(text), shown = length <= width ? length : width - 1;
	bool last = column + 1 == table->column_count;
	unsigned used = shown + (shown < length);

	if (!table->columns[column].text)
		fprintf(out, "%*s", (int)(width - used), "");
	fprintf(out, "%s%.*s%s%s", style ? style : "", (int)shown, text, shown < length ? "+" : "",
		style ? PLAIN : "");
	if (last)
		fputc('\n', out);
	else
		fprintf(out, "%*s", table->columns[column].text ? (int)(width - used) + 1 : 1, "");
}

static void print_headings(const struct table *table, const unsigned *widths, FILE *out,
			   bool colour)
{
	for (unsigned i = 0; i < table->column_count; i++)
		print_cell(table, i, widths[i], table->columns[i].heading, colour ? BOLD : NULL,
			   out);
}

void table_print(struct table *table, FILE *out, unsigned width, bool colour)
{
	unsigned widths[TABLE_COLUMNS], column = 0;

	measure(table, widths, width);
	if (!table->headed)
		print_headings(table, widths, out, colour);
	table->headed = true;
	for (size_t i = 0; i < table->count; i++) {
		const struct cell *cell = &table->cells[i];

		if (cell->section) {
			fprintf(out, "%s%.*s%s\n", colour ? BOLD : "", (int)width, cell->text,
				colour ? PLAIN : "");
			continue;
		}
		print_cell(table, column, widths[column], cell->text,
			   colour && cell->alert ? RED : NULL, out);
		column = next_column(table, column);
	}
	drop_cells(table);
}
