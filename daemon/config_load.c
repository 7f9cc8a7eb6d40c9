/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files make up the configuration: machd.conf, then the drop-ins beside it in the order of
 * their names. What a later file says replaces what an earlier one said.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"

#define SUFFIX ".conf"

/* Files that an editor or a package manager left there have other endings, or are hidden. */
static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && length > suffix &&
	       strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

/* By bytes: the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_drop_in(struct config *config, const char *directory, const char *name,
			 char *error)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/%s", directory, name);

	if (length >= 0 && (size_t)length < sizeof path)
		return config_read(config, path, error);
	snprintf(error, CONFIG_ERROR_SIZE, "%.400s: a path of a file in it is too long", directory);
	return false;
}

static bool read_drop_ins(struct config *config, const char *directory, char *error)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_drop_in, by_name);
	bool good = true;

	if (count < 0 && errno == ENOENT)
		return true;
	if (count < 0) {
		snprintf(error, CONFIG_ERROR_SIZE, "%.400s: cannot be read: %s", directory,
			 strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		good = good && read_drop_in(config, directory, entries[i]->d_name, error);
		free(entries[i]);
	}
	free(entries);
	return good;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

bool config_load(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE])
{
	const char *file = path ? path : CONFIG_DEFAULT_PATH;
	char directory[PATH_MAX];
	int length = snprintf(directory, sizeof directory, "%s.d", file);

	*error = '\0';
	config_init(config);
	if ((path || is_there(file)) && !config_read(config, file, error))
		return false;
	if (length >= 0 && (size_t)length < sizeof directory)
		return read_drop_ins(config, directory, error);
	snprintf(error, CONFIG_ERROR_SIZE, "%s: the path is too long", file);
	return false;
}
