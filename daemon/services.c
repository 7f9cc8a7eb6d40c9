/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files there are, in which order: a file hides those of the same name in later directories.
 * What they say becomes one table, by name.
 */
#include "daemon/services.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/service_list.h"

#define FOLDER "services.d"

/* The list. */

struct service_entry *service_list_find(const struct service_list *list, const char *service)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->entries[i].rule.br_service, service) == 0)
			return &list->entries[i];
	return NULL;
}

struct service_entry *service_list_next(struct service_list *list)
{
	size_t room = list->room ? list->room * 2 : 16;
	struct service_entry *entries;

	if (list->count == BOOT_POLICY_RULES)
		return NULL;
	if (list->count == list->room) {
		entries = reallocarray(list->entries, room, sizeof *entries);
		if (!entries)
			return NULL;
		list->entries = entries;
		list->room = room;
	}
	memset(&list->entries[list->count], 0, sizeof *list->entries);
	return &list->entries[list->count];
}

/* Directories. */

/* All directories, the first one hiding the others. */
struct directories {
	char path[8][PATH_MAX];
	unsigned count;
};

__attribute__((format(printf, 2, 3))) static void add_directory(struct directories *directories,
								const char *format, ...)
{
	const size_t size = sizeof directories->path[0];
	va_list arguments;
	int length;

	if (directories->count == sizeof directories->path / size)
		return;
	va_start(arguments, format);
	length = vsnprintf(directories->path[directories->count], size, format, arguments);
	va_end(arguments);
	directories->count += length > 0 && (size_t)length < size;
}

/* A list with a sign between paths; each with the folder in it. */
static void add_list(struct directories *directories, const char *list, char sign, const char *tail)
{
	while (*list) {
		const char *end = strchrnul(list, sign);

		if (end > list)
			add_directory(directories, "%.*s%s", (int)(end - list), list, tail);
		list = *end ? end + 1 : end;
	}
}

static const char *variable(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value == '/' ? value : otherwise;
}

static void add_user_directories(struct directories *directories)
{
	const char *home = variable("HOME", "/nonexistent");

	if (getenv("XDG_CONFIG_HOME"))
		add_list(directories, variable("XDG_CONFIG_HOME", ""), ':', "/machd/" FOLDER);
	else
		add_directory(directories, "%s/.config/machd/" FOLDER, home);
	add_list(directories, variable("XDG_CONFIG_DIRS", "/etc/xdg"), ':', "/machd/" FOLDER);
	if (getenv("XDG_DATA_HOME"))
		add_list(directories, variable("XDG_DATA_HOME", ""), ':', "/machd/" FOLDER);
	else
		add_directory(directories, "%s/.local/share/machd/" FOLDER, home);
	add_list(directories, variable("XDG_DATA_DIRS", "/usr/local/share:/usr/share"), ':',
		 "/machd/" FOLDER);
}

bool services_of_user(void)
{
	return getuid() != 0 && getenv("XDG_RUNTIME_DIR");
}

static void find_directories(struct directories *directories, const struct config *config,
			     const char *config_path)
{
	const char *slash = config_path ? strrchr(config_path, '/') : NULL;

	directories->count = 0;
	if (config->services[0]) {
		add_list(directories, config->services, ' ', "");
	} else if (slash) {
		add_directory(directories, "%.*s/" FOLDER, (int)(slash - config_path), config_path);
	} else if (config_path) {
		add_directory(directories, FOLDER);
	} else if (services_of_user()) {
		add_user_directories(directories);
	} else {
		add_directory(directories, "/etc/machd/" FOLDER);
		add_directory(directories, "/usr/lib/machd/" FOLDER);
	}
}

/* Files. */

struct reading {
	struct service_list list;
	const struct services *old;
	const struct directories *directories;
	bool good;
};

/* Rules of a file that is wrong now stay as they were. */
static void keep_old(struct reading *reading, const char *path)
{
	const struct services *old = reading->old;

	for (uint32_t i = 0; old && i < old->policy.bp_head.bh_count; i++) {
		const struct boot_rule *rule = &old->policy.bp_rules[i];
		struct service_entry *entry;

		if (strcmp(rule->br_file, path) != 0 ||
		    service_list_find(&reading->list, rule->br_service))
			continue;
		entry = service_list_next(&reading->list);
		if (!entry)
			return;
		entry->rule = *rule;
		entry->plan = old->plans.plans[i];
		reading->list.count++;
	}
}

static void read_file(struct reading *reading, const char *path)
{
	char error[CONFIG_ERROR_SIZE];

	if (service_file_read(&reading->list, path, error))
		return;
	log_error("%s", error);
	reading->good = false;
	keep_old(reading, path);
}

static int is_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_file_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Does a directory before number `n` have a file of that name? */
static bool hidden(const struct directories *directories, unsigned n, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];

	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", directories->path[i], name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void read_directory(struct reading *reading, unsigned n)
{
	const char *directory = reading->directories->path[n];
	char path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int count = scandir(directory, &entries, is_file, by_file_name);

	if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
		log_error("%s: cannot be read: %s", directory, strerror(errno));
		reading->good = false;
	}
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
		if (!hidden(reading->directories, n, entries[i]->d_name))
			read_file(reading, path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* The tables. */

void services_init(struct services *services)
{
	*services = (struct services){.plans.count = 0};
	boot_policy_init(&services->policy);
}

void services_free(struct services *services)
{
	boot_policy_free(&services->policy);
	mem_free(services->plans.plans);
	services->plans = (struct plans){NULL, 0};
}

static int by_service(const void *a, const void *b)
{
	return strcmp(((const struct service_entry *)a)->rule.br_service,
		      ((const struct service_entry *)b)->rule.br_service);
}

static bool fill(struct services *services, struct service_list *list)
{
	if (list->count == 0)
		return true;
	services->policy.bp_rules = mem_alloc_array(list->count, sizeof(struct boot_rule));
	services->plans.plans = mem_alloc_array(list->count, sizeof(struct plan));
	if (!services->policy.bp_rules || !services->plans.plans) {
		services_free(services);
		return false;
	}
	qsort(list->entries, list->count, sizeof *list->entries, by_service);
	for (size_t i = 0; i < list->count; i++) {
		services->policy.bp_rules[i] = list->entries[i].rule;
		services->plans.plans[i] = list->entries[i].plan;
	}
	services->policy.bp_head.bh_count = (uint32_t)list->count;
	services->plans.count = list->count;
	return true;
}

enum services_result services_read(struct services *to, const struct services *old,
				   const struct config *config, const char *config_path)
{
	static struct directories directories;
	struct reading reading = {.old = old, .directories = &directories, .good = true};
	bool filled;

	services_init(to);
	find_directories(&directories, config, config_path);
	for (unsigned i = 0; i < directories.count; i++)
		read_directory(&reading, i);
	to->policy.bp_head = config->names;
	filled = fill(to, &reading.list);
	free(reading.list.entries);
	if (!filled) {
		log_error("there is no memory for the rules of " FOLDER);
		return SERVICES_NO_MEMORY;
	}
	return reading.good ? SERVICES_GOOD : SERVICES_WRONG;
}
