/* SPDX-License-Identifier: Apache-2.0 */
/* What machctl's commands have in common when they write. */
#include "client/machctl/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/machctl/text.h"

/* NO_COLOR with any value but "" means no (no-color.org); so does a terminal that is dumb. */
bool output_wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

/* The width of the terminal, or 80 if it does not tell. Other output is not cut. */
static unsigned line_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return TABLE_UNCUT;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void output_table(struct table *table)
{
	table_print(table, stdout, line_width(), output_wants_colour());
}

void json_process(struct json *json, int32_t pid)
{
	char command[TEXT_COMMAND_SIZE];
	bool alive = text_command(pid, command);

	json_integer(json, "pid", pid);
	json_string(json, "command", alive ? command : NULL);
}

char *text_command_escaped(int32_t pid)
{
	char command[TEXT_COMMAND_SIZE];

	text_command(pid, command);
	return text_escape(command);
}
