/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl top in a terminal that tmux plays: what is on the screen, what keys, signals and a new
 * size do, and that the terminal is as it was afterwards. Each test has a tmux server of its own,
 * which ends with its shell, at the latest after a minute. Waiting is asking for the screen again
 * and again.
 */
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

static char screen[16384];
static char tmux_socket[128];

static void assert_has(const char *text, const char *wanted)
{
	ck_assert_msg(strstr(text, wanted) != NULL, "no '%s' in:\n%s", wanted, text);
}

/* Run a command of tmux; what it wrote goes to `screen`. */
__attribute__((format(printf, 1, 2))) static void tmux(const char *format, ...)
{
	char command[1024];
	int length = snprintf(command, sizeof command, "tmux -S %s ", tmux_socket);
	va_list arguments;
	size_t got;
	FILE *out;

	va_start(arguments, format);
	vsnprintf(command + length, sizeof command - (size_t)length, format, arguments);
	va_end(arguments);
	out = popen(command, "r");
	CHECK(out != NULL);
	got = fread(screen, 1, sizeof screen - 1, out);
	screen[got] = 0;
	CHECK_EQ(pclose(out), 0);
}

/* Wait until the screen has this text, or has it no more. */
static void await_screen(const char *text, bool there)
{
	do {
		sched_yield();
		tmux("capture-pane -p");
	} while ((strstr(screen, text) != NULL) != there);
}

/* Is there a row of this process? Numbers of processes are on the right of their column. */
static bool has_row(pid_t pid)
{
	char row[32];
	int length = snprintf(row, sizeof row, "%d test_machctl_to ", pid);

	for (const char *line = screen; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n ");
		if (strncmp(line, row, (size_t)length) == 0)
			return true;
	}
	return false;
}

static void await_row(pid_t pid, bool there)
{
	do {
		sched_yield();
		tmux("capture-pane -p");
	} while (has_row(pid) != there);
}

static void type(const char *keys)
{
	tmux("send-keys %s", keys);
}

/* The last line of the screen that is not empty, and its number from 0. */
static const char *last_line(unsigned *number)
{
	const char *last = screen;
	unsigned line = 0;

	*number = 0;
	for (const char *at = screen; *at; line++) {
		size_t length = strcspn(at, "\n");

		if (length) {
			last = at;
			*number = line;
		}
		at += length + (at[length] != 0);
	}
	return last;
}

/*
 * A shell in a terminal of 80 by 24, with "ready" on its screen. False: there is no tmux, and the
 * test has nothing to do.
 */
static bool open_terminal(void)
{
	char startup[160], *slash;
	FILE *file;

	if (system("command -v tmux >/dev/null") != 0) {
		puts("skipped: there is no tmux");
		return false;
	}
	snprintf(tmux_socket, sizeof tmux_socket, "%s", flow_socket());
	slash = strrchr(tmux_socket, '/');
	strcpy(slash, "/tmux");
	snprintf(startup, sizeof startup, "%s.rc", tmux_socket);
	file = fopen(startup, "w");
	CHECK(file && fputs("PS1='ready '\n", file) >= 0 && fclose(file) == 0);
	CHECK(setenv("LC_ALL", "C.UTF-8", 1) == 0);
	unsetenv("TMUX");
	tmux("-f /dev/null new-session -d -x 80 -y 24 "
	     "'timeout --foreground 60 bash --rcfile %s --noediting -i'",
	     startup);
	await_screen("ready", true);
	return true;
}

static void close_terminal(void)
{
	char path[160];

	tmux("kill-server");
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s", tmux_socket,
			 i == 0	  ? ""
			 : i == 1 ? ".rc"
				  : ".1");
		unlink(path);
	}
}

/* Start top as the shell's command; it is there when its last line is. */
static void start_top(const char *options)
{
	tmux("send-keys -l 'stty -g >%s.1; $MACHCTL_BINARY top %s; echo status=$?'", tmux_socket,
	     options);
	type("Enter");
	await_screen("q quit", true);
}

/* The shell is back, on the screen that was there before, and its terminal works as it did. */
static void await_shell(const char *status)
{
	char wanted[32];

	snprintf(wanted, sizeof wanted, "status=%s", status);
	await_screen(wanted, true);
	assert_has(screen, "ready stty -g");
	ck_assert_ptr_null(strstr(screen, "q quit"));
	tmux("send-keys -l 'stty -g | cmp - %s.1 && echo as\" \"before'", tmux_socket);
	type("Enter");
	await_screen("as before", true);
	tmux("display-message -p '#{cursor_flag} #{wrap_flag} #{alternate_on}'");
	ck_assert_str_eq(screen, "1 1 0\n");
}

START_TEST(the_screen_shows_who_is_there)
{
	unsigned number;

	if (!open_terminal())
		return;
	flow_fill(flow_port(), 3);
	start_top("-i 0.2");
	assert_has(screen, "machd: 1 tasks, 1 threads, 0 of them wait\n");
	assert_has(screen, "messages: ");
	assert_has(screen, " 3 queued;");
	assert_has(screen, "COMMAND");
	CHECK(has_row(getpid()));
	assert_has(last_line(&number), "q quit  sort sent: ");
	ck_assert_uint_eq(number, 23);
	tmux("display-message -p '#{cursor_flag} #{alternate_on}'");
	ck_assert_str_eq(screen, "0 1\n");
	type("q");
	await_shell("0");
	close_terminal();
}
END_TEST

START_TEST(it_goes_on_looking)
{
	if (!open_terminal())
		return;
	start_top("-i 0.1");
	assert_has(screen, " 0 queued;");
	flow_fill(flow_port(), 4);
	await_screen(" 4 queued;", true);
	type("q");
	await_shell("0");
	close_terminal();
}
END_TEST

START_TEST(keys_sort)
{
	if (!open_terminal())
		return;
	start_top("-i 0.5 -o queue");
	assert_has(screen, "sort queue: ");
	type("p");
	await_screen("sort pid: ", true);
	type("r");
	await_screen("sort pid (reverse): ", true);
	type("n");
	await_screen("sort names (reverse): ", true);
	type("x"); /* means nothing */
	type("+");
	await_screen("+ - 1.0s", true);
	assert_has(screen, "sort names (reverse): ");
	type("q");
	await_shell("0");
	close_terminal();
}
END_TEST

static void be_there(void *argument)
{
	(void)argument;
	flow_tell_parent(mach_task_self());
	flow_hear_parent();
}

START_TEST(arrows_move_the_list)
{
	struct flow_child children[3];
	pid_t first = getpid();

	if (!open_terminal())
		return;
	for (unsigned i = 0; i < 3; i++) {
		flow_fork(&children[i], be_there, NULL);
		flow_hear(&children[i]);
		if (children[i].pid < first)
			first = children[i].pid;
	}
	start_top("-i 0.2 -o pid");
	CHECK(has_row(first));
	type("Down");
	await_row(first, false);
	type("Up");
	await_row(first, true);
	type("PageDown");
	await_row(first, false);
	type("Home");
	await_row(first, true);
	type("q");
	await_shell("0");
	for (unsigned i = 0; i < 3; i++) {
		flow_tell(&children[i], 1);
		flow_join(&children[i]);
	}
	close_terminal();
}
END_TEST

START_TEST(it_fits_a_window_of_any_size)
{
	static const struct {
		unsigned columns, rows;
	} sizes[] = {{120, 30}, {40, 10}, {20, 3}, {80, 24}};
	unsigned number;

	if (!open_terminal())
		return;
	start_top("-i 0.2");
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		tmux("resize-window -x %u -y %u", sizes[i].columns, sizes[i].rows);
		do {
			sched_yield();
			tmux("capture-pane -p");
		} while (strncmp(screen, "machd: ", 7) != 0 ||
			 strncmp(last_line(&number), "q quit", 6) != 0 ||
			 number != sizes[i].rows - 1);
	}
	type("q");
	await_shell("0");
	close_terminal();
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
	if (!open_terminal())
		return;
	start_top("");
	type("C-c");
	await_shell("0");
	close_terminal();
}
END_TEST

/* Who ends it from outside gets the terminal back as well. */
START_TEST(a_signal_ends_it)
{
	pid_t pid;

	if (!open_terminal())
		return;
	start_top("");
	tmux("display-message -p '#{pane_pid}'");
	/* The shell below `timeout`, and its child. */
	snprintf(screen + strlen(screen) - 1, 2, " ");
	pid = 0;
	{
		char command[128];
		FILE *out;

		snprintf(command, sizeof command, "pgrep -P $(pgrep -P %d)", atoi(screen));
		out = popen(command, "r");
		CHECK(out && fscanf(out, "%d", &pid) == 1);
		CHECK_EQ(pclose(out), 0);
	}
	CHECK_EQ(kill(pid, SIGTERM), 0);
	await_shell("143");
	close_terminal();
}
END_TEST

START_TEST(it_can_be_stopped_and_goes_on)
{
	if (!open_terminal())
		return;
	start_top("-i 0.2");
	type("C-z");
	await_screen("Stopped", true); /* the shell says so; what was typed before it is lost */
	assert_has(screen, "ready stty");
	ck_assert_ptr_null(strstr(screen, "q quit"));
	type("'fg' Enter");
	await_screen("q quit", true);
	type("q");
	await_screen("q quit", false);
	close_terminal();
}
END_TEST

START_TEST(the_end_of_the_daemon_is_told)
{
	if (!open_terminal())
		return;
	start_top("-i 0.2");
	flow_crash();
	await_screen("status=1", true);
	assert_has(screen, "machctl: machd at ");
	assert_has(screen, "ready stty");
	close_terminal();
}
END_TEST

START_TEST(without_a_screen_lists_are_written)
{
	struct machctl run;
	char *line;

	flow_fill(flow_port(), 2);
	machctl_run(&run, "top", "-b", "-i", "0.01", "-n", "2", NULL);
	ck_assert_int_eq(run.status, 0);
	ck_assert_str_eq(run.err, "");
	assert_has(run.out, "machd: 1 tasks");
	assert_has(run.out, "\n\nmachd: 1 tasks");
	ck_assert_ptr_null(strchr(run.out, '\033'));
	machctl_free(&run);
	machctl_run(&run, "top", "--json", "-i", "0.01", "-n", "2", NULL);
	ck_assert_int_eq(run.status, 0);
	line = machctl_line(run.out, "\"look\": 2");
	ck_assert_ptr_nonnull(line);
	ck_assert(json_valid(line));
	ck_assert_uint_eq(json_number_in(line, "queued"), 2);
	free(line);
	machctl_free(&run);
}
END_TEST

START_TEST(nonsense_is_explained)
{
	struct machctl run;

	machctl_run(&run, "top", NULL);
	ck_assert_int_eq(run.status, 2);
	assert_has(run.err, "this is no terminal to draw on; use -b or --json");
	machctl_free(&run);
	machctl_run(&run, "top", "-b", "-n", "1", "-o", "colour", NULL);
	ck_assert_int_eq(run.status, 2);
	assert_has(run.err, "'colour' is nothing to sort by");
	machctl_free(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl_top");
	TCase *tcase = flow_case(suite, "terminal");

	tcase_add_test(tcase, the_screen_shows_who_is_there);
	tcase_add_test(tcase, it_goes_on_looking);
	tcase_add_test(tcase, keys_sort);
	tcase_add_test(tcase, arrows_move_the_list);
	tcase_add_test(tcase, it_fits_a_window_of_any_size);
	tcase_add_test(tcase, an_interrupt_ends_it);
	tcase_add_test(tcase, a_signal_ends_it);
	tcase_add_test(tcase, it_can_be_stopped_and_goes_on);
	tcase_add_test(tcase, the_end_of_the_daemon_is_told);
	tcase_add_test(tcase, without_a_screen_lists_are_written);
	tcase_add_test(tcase, nonsense_is_explained);
	return flow_run(suite);
}
