/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl top`: what the tasks are doing now. It looks at regular times and shows the difference
 * to the look before: messages a second, processor time, names. On a terminal it draws on the
 * screen and listens to keys; with -b or --json it writes one list after the other.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/screen.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

static const struct table_column columns[] = {
	{"PID", false, 0},    {"COMMAND", true, 4}, {"UID", false, 0},	 {"SENT/S", false, 0},
	{"RCVD/S", false, 0}, {"QUEUE", false, 0},  {"BYTES", false, 0}, {"NAMES", false, 0},
	{"NEW", false, 0},    {"CHAN", false, 0},   {"WAIT", false, 0},	 {"CPU%", false, 0},
};

/* A task, and what it did since the last look. */
struct view {
	struct machd_watch_task task;
	uint64_t ticks;		    /* of processor time, ever */
	double sent, received, cpu; /* a second; percent */
	int64_t grew;		    /* names */
};

struct look {
	struct view *views;
	size_t count;
	double time; /* s */
};

struct top {
	const struct options *options;
	struct channel *channel;
	struct look now;
	char key; /* to sort by */
	bool reverse;
	unsigned scrolled;
	double interval;
};

/* Looking. */

static double clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Ticks of processor time that a process has used; 0 if it is gone. */
static uint64_t read_ticks(int32_t pid)
{
	char path[32], text[1024];
	const char *at;
	uint64_t user = 0, system = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof text - 1);
	close(fd);
	text[got > 0 ? got : 0] = 0;
	at = strrchr(text, ')'); /* the command may contain anything */
	if (!at ||
	    sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &system) != 2)
		return 0;
	return user + system;
}

/* What the task was like; both looks are in the order of ids. NULL: it was not there. */
static const struct view *find(const struct look *look, uint64_t task, size_t *from)
{
	while (*from < look->count && look->views[*from].task.id < task)
		++*from;
	if (*from == look->count || look->views[*from].task.id != task)
		return NULL;
	return &look->views[*from];
}

static void compare(struct view *view, const struct view *before, double seconds)
{
	const struct machd_watch_task *task = &view->task;

	if (!before || seconds <= 0)
		return;
	view->sent = (double)(task->sent - before->task.sent) / seconds;
	view->received = (double)(task->received - before->task.received) / seconds;
	view->grew = (int64_t)task->names - before->task.names;
	if (view->ticks > before->ticks)
		view->cpu = 100.0 * (double)(view->ticks - before->ticks) /
			    (double)sysconf(_SC_CLK_TCK) / seconds;
}

static int by_id(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	return x->task.id < y->task.id ? -1 : 1;
}

static void look(struct top *top)
{
	struct watch_query query = {.table = MACHD_WATCH_TASKS};
	struct look before = top->now, *now = &top->now;
	struct machd_watch_task *tasks;
	size_t from = 0;

	/* The caller may have sorted the last list in another order. */
	if (before.count)
		qsort(before.views, before.count, sizeof *before.views, by_id);
	now->time = clock_now();
	tasks = watch_all(top->channel, &query, &now->count);
	now->views = text_alloc((now->count + 1) * sizeof *now->views);
	for (size_t i = 0; i < now->count; i++) {
		now->views[i] = (struct view){.task = tasks[i], .ticks = read_ticks(tasks[i].pid)};
		compare(&now->views[i], find(&before, tasks[i].id, &from), now->time - before.time);
	}
	free(tasks);
	free(before.views);
}

/* Sorting. */

static const struct {
	const char *name;
	char key;
} sort_keys[] = {
	{"sent", 's'}, {"received", 'e'}, {"queue", 'u'}, {"bytes", 'b'}, {"names", 'n'},
	{"new", 'g'},  {"waiting", 'w'},  {"cpu", 'c'},	  {"pid", 'p'},
};

#define SORT_COUNT (sizeof sort_keys / sizeof *sort_keys)

static const char *sort_name(char key)
{
	for (unsigned i = 0; i < SORT_COUNT; i++)
		if (sort_keys[i].key == key)
			return sort_keys[i].name;
	return NULL;
}

static char sort_key(const char *name)
{
	for (unsigned i = 0; i < SORT_COUNT; i++)
		if (strcmp(sort_keys[i].name, name) == 0)
			return sort_keys[i].key;
	fail(EXIT_USAGE, "'%s' is nothing to sort by; `machctl top --help` lists what is", name);
}

static double sort_value(const struct view *view, char key)
{
	switch (key) {
	case 'e':
		return view->received;
	case 'u':
		return view->task.queued;
	case 'b':
		return (double)view->task.queued_bytes;
	case 'n':
		return view->task.names;
	case 'g':
		return (double)view->grew;
	case 'w':
		return view->task.waiting;
	case 'c':
		return view->cpu;
	case 'p':
		return -(double)view->task.pid; /* small ones first */
	}
	return view->sent;
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct view *x = a, *y = b;
	const struct top *top = context;
	double left = sort_value(x, top->key), right = sort_value(y, top->key);

	if (left != right)
		return (left < right) != top->reverse ? 1 : -1;
	return x->task.id < y->task.id ? -1 : 1;
}

static void sort(struct top *top)
{
	if (top->now.count)
		qsort_r(top->now.views, top->now.count, sizeof *top->now.views, by_key, top);
}

/* Showing. */

static void row(struct table *table, const struct view *view)
{
	const struct machd_watch_task *task = &view->task;
	char *command = text_command_escaped(task->pid), text[TEXT_COUNT_SIZE];

	table_cell(table, "%d", task->pid);
	table_cell(table, "%s", command);
	table_cell(table, "%u", task->uid);
	table_cell(table, "%s", text_count((uint64_t)(view->sent + 0.5), text));
	table_cell(table, "%s", text_count((uint64_t)(view->received + 0.5), text));
	table_cell(table, "%s", text_count(task->queued, text));
	table_cell(table, "%s", text_count(task->queued_bytes, text));
	table_cell(table, "%s", text_count(task->names, text));
	table_cell(table, view->grew ? "%+" PRId64 : "%" PRId64, view->grew);
	table_cell(table, "%u", task->channels);
	table_cell(table, "%u", task->waiting);
	table_cell(table, "%.1f", view->cpu);
	free(command);
}

static struct table *make_table(const struct top *top)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (size_t i = top->scrolled; i < top->now.count; i++)
		row(table, &top->now.views[i]);
	return table;
}

static void print_summary(const struct top *top, FILE *out)
{
	char sent[TEXT_COUNT_SIZE], queued[TEXT_COUNT_SIZE], names[TEXT_COUNT_SIZE];
	uint64_t all_queued = 0, all_names = 0, waiting = 0, channels = 0;
	double all_sent = 0;

	for (size_t i = 0; i < top->now.count; i++) {
		const struct view *view = &top->now.views[i];

		all_sent += view->sent;
		all_queued += view->task.queued;
		all_names += view->task.names;
		waiting += view->task.waiting;
		channels += view->task.channels;
	}
	fprintf(out, "machd: %zu tasks, %" PRIu64 " threads, %" PRIu64 " of them wait\n",
		top->now.count, channels, waiting);
	fprintf(out, "messages: %s sent a second, %s queued; %s names\n",
		text_count((uint64_t)(all_sent + 0.5), sent), text_count(all_queued, queued),
		text_count(all_names, names));
}

/* The screen's text: summary, table, and in the last row what the keys do. */
static void draw(const struct top *top)
{
	struct table *table = make_table(top);
	unsigned columns_now, rows, line = 0;
	char *text, *at;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		fail(EXIT_ERROR, "out of memory");
	screen_size(&columns_now, &rows);
	print_summary(top, out);
	table_print(table, out, columns_now, output_wants_colour());
	table_free(table);
	if (fclose(out))
		fail(EXIT_ERROR, "out of memory");
	for (at = text; *at && line + 1 < rows; at++)
		line += *at == '\n';
	*at = 0;
	out = open_memstream(&at, &size);
	if (!out)
		fail(EXIT_ERROR, "out of memory");
	fputs(text, out);
	for (; line + 1 < rows; line++)
		fputc('\n', out);
	fprintf(out, "q quit  sort %s%s: s e u b n g w c p  r reverse  + - %.1fs  arrows move",
		sort_name(top->key), top->reverse ? " (reverse)" : "", top->interval);
	if (fclose(out))
		fail(EXIT_ERROR, "out of memory");
	screen_draw(at);
	free(at);
	free(text);
}

static void write_objects(const struct top *top, uint64_t number)
{
	for (size_t i = 0; i < top->now.count; i++) {
		const struct view *view = &top->now.views[i];
		struct json json = {.out = stdout};

		json_line(&json);
		json_number(&json, "look", number);
		json_number(&json, "task", view->task.id);
		json_process(&json, view->task.pid);
		json_number(&json, "uid", view->task.uid);
		json_number(&json, "sent_rate", (uint64_t)(view->sent + 0.5));
		json_number(&json, "received_rate", (uint64_t)(view->received + 0.5));
		json_number(&json, "queued", view->task.queued);
		json_number(&json, "queued_bytes", view->task.queued_bytes);
		json_number(&json, "names", view->task.names);
		json_integer(&json, "new", view->grew);
		json_number(&json, "channels", view->task.channels);
		json_number(&json, "waiting", view->task.waiting);
		json_number(&json, "cpu_percent", (uint64_t)(view->cpu + 0.5));
		json_end_line(&json);
	}
}

static void write_list(const struct top *top, uint64_t number)
{
	struct table *table;

	if (top->options->json) {
		write_objects(top, number);
	} else {
		if (number > 1)
			putchar('\n');
		print_summary(top, stdout);
		table = make_table(top);
		output_table(table);
		table_free(table);
	}
	if (fflush(stdout) || ferror(stdout))
		fail(EXIT_ERROR, "cannot write the output");
}

/* Running. */

static void run_batch(struct top *top)
{
	struct timespec pause = {(time_t)top->interval, 0};

	pause.tv_nsec = (long)((top->interval - (double)pause.tv_sec) * 1e9);
	for (uint64_t i = 1; top->options->count == 0 || i <= top->options->count; i++) {
		nanosleep(&pause, NULL);
		look(top);
		sort(top);
		write_list(top, i);
	}
}

static void scroll(struct top *top, int by)
{
	int64_t at = (int64_t)top->scrolled + by;

	if (at >= (int64_t)top->now.count)
		at = top->now.count ? (int64_t)top->now.count - 1 : 0;
	top->scrolled = at > 0 ? (unsigned)at : 0;
}

static void change_interval(struct top *top, double factor)
{
	top->interval *= factor;
	if (top->interval < 0.1)
		top->interval = 0.1;
	if (top->interval > 60)
		top->interval = 60;
}

/* What a key does; false: quit. */
static bool obey(struct top *top, int key)
{
	unsigned columns_now, rows;

	screen_size(&columns_now, &rows);
	switch (key) {
	case 'q':
	case SCREEN_QUIT:
		return false;
	case SCREEN_UP:
		scroll(top, -1);
		break;
	case SCREEN_DOWN:
		scroll(top, 1);
		break;
	case SCREEN_PAGE_UP:
		scroll(top, -(int)rows / 2);
		break;
	case SCREEN_PAGE_DOWN:
		scroll(top, (int)rows / 2);
		break;
	case SCREEN_HOME:
		top->scrolled = 0;
		break;
	case 'r':
		top->reverse = !top->reverse;
		break;
	case '+':
		change_interval(top, 2);
		break;
	case '-':
		change_interval(top, 0.5);
		break;
	default:
		if (key > 0 && key < 128 && sort_name((char)key))
			top->key = (char)key;
	}
	return true;
}

static void run_screen(struct top *top)
{
	uint64_t looks = 0;
	int key = SCREEN_OTHER;
	double next = top->now.time + top->interval;

	while (obey(top, key)) {
		double now = clock_now();

		if (now >= next) {
			look(top);
			next = now + top->interval;
			if (++looks == top->options->count)
				return;
		}
		sort(top);
		draw(top);
		if (next > now + top->interval)
			next = now + top->interval;
		key = screen_wait(next > now ? next - now : 0);
	}
}

void cmd_top(const struct options *options)
{
	struct top top = {.options = options, .key = 's', .interval = options->interval};

	if (options->sort)
		top.key = sort_key(options->sort);
	top.channel = channel_open(options->socket);
	look(&top);
	if (options->batch || options->json) {
		run_batch(&top);
	} else {
		if (!screen_enter())
			fail(EXIT_USAGE, "this is no terminal to draw on; use -b or --json");
		run_screen(&top);
		screen_leave();
	}
	free(top.now.views);
	channel_close(top.channel);
}
