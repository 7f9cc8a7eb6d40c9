/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one file of services.d: a [service] section for each name. What a section leaves open is
 * filled in at its end, when all of it is known.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <mach/clock_types.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_file.h"
#include "daemon/service_list.h"

#define BLANKS " \t"

#define TIMEOUT_DEFAULT	 (30 * NSEC_PER_SEC)
#define INTERVAL_DEFAULT (10 * NSEC_PER_SEC)
#define BURST_DEFAULT	 5

struct reader {
	struct config_file file; /* first: the callbacks get it */
	struct service_list *list;
	struct service_entry *entry; /* of the section, NULL before the first */
	bool look_up_said;
	uint32_t start_line, user_line, set; /* keys that were set, by their bits */
};

/* Values. */

/* Take the next word off *value; false at its end. It is copied: too long is no name of anybody. */
static bool next_word(const char **value, char *word, size_t size)
{
	size_t length;

	*value += strspn(*value, BLANKS);
	length = strcspn(*value, BLANKS);
	snprintf(word, size, "%.*s", (int)(length < size ? length : size - 1), *value);
	*value += length;
	return length > 0;
}

static bool number_of(const char *word, uint32_t *number)
{
	char *end;
	unsigned long long wide;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	wide = strtoull(word, &end, 10);
	*number = (uint32_t)wide;
	return *end == '\0' && errno == 0 && wide < UINT32_MAX;
}

static bool uid_of(const char *word, uint32_t *uid)
{
	const struct passwd *user;

	if (number_of(word, uid))
		return true;
	user = getpwnam(word);
	if (user)
		*uid = user->pw_uid;
	return user;
}

static bool gid_of(const char *word, uint32_t *gid)
{
	const struct group *group;

	if (number_of(word, gid))
		return true;
	group = getgrnam(word);
	if (group)
		*gid = group->gr_gid;
	return group;
}

static int add_id(struct reader *reader, const char *key, uint32_t *ids, uint32_t *count,
		  uint32_t id)
{
	if (*count == BOOT_POLICY_IDS)
		return config_fail(&reader->file, "%s= has more than %d names", key,
				   BOOT_POLICY_IDS);
	ids[(*count)++] = id;
	return 1;
}

static int add_users(struct reader *reader, const char *key, const char *value,
		     struct boot_who *who)
{
	char word[128];
	uint32_t uid;

	who->bw_users_line = (uint32_t)reader->file.line;
	if (strcmp(value, "all") == 0) {
		who->bw_all = 1;
		return 1;
	}
	while (next_word(&value, word, sizeof word)) {
		if (!uid_of(word, &uid))
			return config_fail(&reader->file, "%s=: there is no user %s", key, word);
		if (!add_id(reader, key, who->bw_users, &who->bw_user_count, uid))
			return 0;
	}
	return 1;
}

static int add_groups(struct reader *reader, const char *key, const char *value,
		      struct boot_who *who)
{
	char word[128];
	uint32_t gid;

	who->bw_groups_line = (uint32_t)reader->file.line;
	while (next_word(&value, word, sizeof word)) {
		if (!gid_of(word, &gid))
			return config_fail(&reader->file, "%s=: there is no group %s", key, word);
		if (!add_id(reader, key, who->bw_groups, &who->bw_group_count, gid))
			return 0;
	}
	return 1;
}

static int set_unit(struct reader *reader, const char *key, const char *value,
		    char unit[IPC_IDENTITY_UNIT])
{
	const char *dot = strrchr(value, '.');

	if (!dot || dot == value || dot[1] == '\0' || strlen(value) >= IPC_IDENTITY_UNIT ||
	    strpbrk(value, BLANKS "/"))
		return config_fail(&reader->file, "%s=%s is not the name of a unit", key, value);
	strcpy(unit, value);
	return 1;
}

/* "30", "30s", "500ms", "2min" or "1h" into nanoseconds. */
static bool time_of(const char *value, uint64_t *time)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"", NSEC_PER_SEC},
		     {"s", NSEC_PER_SEC},
		     {"ms", NSEC_PER_MSEC},
		     {"min", 60 * NSEC_PER_SEC},
		     {"h", 3600 * NSEC_PER_SEC}};
	char *end;
	unsigned long long number;

	if (!isdigit((unsigned char)*value))
		return false;
	errno = 0;
	number = strtoull(value, &end, 10);
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		*time = number * units[i].ns;
		return errno == 0 && number <= UINT64_C(366) * 86400 * NSEC_PER_SEC / units[i].ns;
	}
	return false;
}

static int set_time(struct reader *reader, const char *key, const char *value, uint64_t least,
		    uint64_t *time)
{
	if (time_of(value, time) && *time >= least)
		return 1;
	return config_fail(&reader->file,
			   "%s=%s is not a time: use a number, and ms, s, min or h behind it", key,
			   value);
}

/* The words of a command, with blanks between them; quotes keep blanks in one. */
static bool add_word(struct plan *plan, const char **value)
{
	bool quoted = false;

	if (plan->word_count == PLAN_WORDS_MAX)
		return false;
	for (; **value && (quoted || !strchr(BLANKS, **value)); ++*value) {
		if (**value == '"')
			quoted = !quoted;
		else if (plan->words_used + 1 < PLAN_WORDS_SIZE)
			plan->words[plan->words_used++] = **value;
		else
			return false;
	}
	plan->words[plan->words_used++] = '\0';
	plan->word_count++;
	return !quoted && plan->words_used < PLAN_WORDS_SIZE;
}

/* Keys. */

static int set_name(struct reader *reader, const char *key, const char *value)
{
	const char *star = strchr(value, '*');
	const struct service_entry *other = service_list_find(reader->list, value);
	size_t length = strlen(value);

	if (length == 0 || length > MACHD_SERVICE_NAME_MAX || strpbrk(value, BLANKS))
		return config_fail(&reader->file, "%s=%s is not a name of 1 to %d bytes", key,
				   value, MACHD_SERVICE_NAME_MAX);
	if (star && (star[1] != '\0' || star == value || star[-1] != '.'))
		return config_fail(&reader->file,
				   "%s=%s: a * may only stand at the end, behind a dot", key,
				   value);
	if (other)
		return config_fail(&reader->file, "%s=%s is in %s:%u already", key, value,
				   other->rule.br_file, other->rule.br_line);
	strcpy(reader->entry->rule.br_service, value);
	strcpy(reader->entry->plan.service, value);
	return 1;
}

static int own_users(struct reader *reader, const char *key, const char *value)
{
	return add_users(reader, key, value, &reader->entry->rule.br_own);
}

static int own_groups(struct reader *reader, const char *key, const char *value)
{
	return add_groups(reader, key, value, &reader->entry->rule.br_own);
}

static int own_unit(struct reader *reader, const char *key, const char *value)
{
	reader->entry->rule.br_own.bw_unit_line = (uint32_t)reader->file.line;
	return set_unit(reader, key, value, reader->entry->rule.br_own.bw_unit);
}

static int look_up_users(struct reader *reader, const char *key, const char *value)
{
	reader->look_up_said = true;
	return add_users(reader, key, value, &reader->entry->rule.br_look_up);
}

static int look_up_groups(struct reader *reader, const char *key, const char *value)
{
	reader->look_up_said = true;
	return add_groups(reader, key, value, &reader->entry->rule.br_look_up);
}

static int look_up_unit(struct reader *reader, const char *key, const char *value)
{
	reader->look_up_said = true;
	reader->entry->rule.br_look_up.bw_unit_line = (uint32_t)reader->file.line;
	return set_unit(reader, key, value, reader->entry->rule.br_look_up.bw_unit);
}

static int set_start(struct reader *reader, enum boot_start start)
{
	struct service_entry *entry = reader->entry;

	if (entry->rule.br_start != BOOT_START_NEVER && entry->rule.br_start != (uint32_t)start)
		return config_fail(&reader->file,
				   "StartUnit= and StartCommand= exclude each other");
	if (entry->rule.br_start == BOOT_START_NEVER)
		reader->start_line = (uint32_t)reader->file.line;
	entry->rule.br_start = entry->plan.start = start;
	return 1;
}

static int start_unit(struct reader *reader, const char *key, const char *value)
{
	return set_start(reader, BOOT_START_UNIT) &&
	       set_unit(reader, key, value, reader->entry->plan.unit);
}

static int start_command(struct reader *reader, const char *key, const char *value)
{
	struct plan *plan = &reader->entry->plan;

	for (value += strspn(value, BLANKS); *value; value += strspn(value, BLANKS))
		if (!add_word(plan, &value))
			return config_fail(&reader->file,
					   "%s= is too long, or a quote is not closed", key);
	if (plan->words[0] != '/')
		return config_fail(&reader->file, "%s=%s is not an absolute path", key, value);
	return set_start(reader, BOOT_START_COMMAND);
}

static int start_user(struct reader *reader, const char *key, const char *value)
{
	const struct passwd *user = getpwnam(value);
	struct plan *plan = &reader->entry->plan;

	if (!user)
		return config_fail(&reader->file, "%s=: there is no user %s", key, value);
	if (getuid() != 0 && user->pw_uid != getuid())
		return config_fail(&reader->file,
				   "%s=%s: machd does not run as root, and cannot start anything "
				   "as another user",
				   key, value);
	reader->user_line = (uint32_t)reader->file.line;
	plan->other_user = user->pw_uid != getuid();
	plan->uid = user->pw_uid;
	plan->gid = user->pw_gid;
	snprintf(plan->user, sizeof plan->user, "%s", user->pw_name);
	snprintf(plan->home, sizeof plan->home, "%s", user->pw_dir);
	return 1;
}

static int start_timeout(struct reader *reader, const char *key, const char *value)
{
	return set_time(reader, key, value, 1, &reader->entry->rule.br_timeout);
}

static int start_interval(struct reader *reader, const char *key, const char *value)
{
	return set_time(reader, key, value, 0, &reader->entry->rule.br_interval);
}

static int start_burst(struct reader *reader, const char *key, const char *value)
{
	uint32_t burst;

	if (!number_of(value, &burst) || burst == 0)
		return config_fail(&reader->file, "%s=%s is not a number from 1 on", key, value);
	reader->entry->rule.br_burst = burst;
	return 1;
}

static const struct key {
	const char *key;
	int (*set)(struct reader *reader, const char *key, const char *value);
	bool list; /* may stand several times: its values add up */
} keys[] = {
	{"Name", set_name, false},
	{"OwnUsers", own_users, true},
	{"OwnGroups", own_groups, true},
	{"OwnUnit", own_unit, false},
	{"LookUpUsers", look_up_users, true},
	{"LookUpGroups", look_up_groups, true},
	{"LookUpUnit", look_up_unit, false},
	{"StartUnit", start_unit, false},
	{"StartCommand", start_command, true},
	{"StartUser", start_user, false},
	{"StartTimeout", start_timeout, false},
	{"StartLimitBurst", start_burst, false},
	{"StartLimitInterval", start_interval, false},
};
#define KEYS (sizeof keys / sizeof *keys)

static int unknown_key(struct reader *reader, const char *key)
{
	char known[CONFIG_ERROR_SIZE] = "";
	size_t used = 0;

	for (unsigned i = 0; i < KEYS; i++)
		used = config_list_key(known, used, keys[i].key);
	return config_fail(&reader->file, "unknown key %s= in [service]: it has%s", key, known);
}

static int on_key(struct config_file *file, const char *section, const char *key, const char *value)
{
	struct reader *reader = (struct reader *)file;
	unsigned i = 0;

	if (*section == '\0')
		return config_fail(file, "%s= is in no section: put it below [service]", key);
	while (i < KEYS && strcmp(keys[i].key, key) != 0)
		i++;
	if (i == KEYS)
		return unknown_key(reader, key);
	if (!keys[i].list && (reader->set & 1u << i))
		return config_fail(file, "%s= was set in this section already: remove one of them",
				   key);
	reader->set |= 1u << i;
	return keys[i].set(reader, key, value);
}

/* Sections. */

/* A command runs as the daemon's own user if no other is named. */
static void fill_in_user(struct plan *plan)
{
	const struct passwd *user = getpwuid(getuid());

	plan->uid = getuid();
	plan->gid = getgid();
	snprintf(plan->user, sizeof plan->user, "%s", user ? user->pw_name : "nobody");
	snprintf(plan->home, sizeof plan->home, "%s", user ? user->pw_dir : "/");
}

/* Who may own a name if nothing is said: what is started for it; else root and the daemon's uid. */
static void fill_in_owner(struct reader *reader)
{
	struct boot_who *own = &reader->entry->rule.br_own;
	const struct plan *plan = &reader->entry->plan;

	if (own->bw_users_line || own->bw_groups_line || own->bw_unit_line)
		return;
	if (plan->start == BOOT_START_UNIT) {
		strcpy(own->bw_unit, plan->unit);
		own->bw_unit_line = reader->start_line;
	} else if (plan->start == BOOT_START_COMMAND) {
		own->bw_users[own->bw_user_count++] = plan->uid;
		own->bw_users_line = reader->user_line ? reader->user_line : reader->start_line;
	} else {
		own->bw_default = 1;
	}
}

static int section_error(struct reader *reader, const char *what)
{
	reader->file.line = (int)reader->entry->rule.br_line;
	return config_fail(&reader->file, "%s", what);
}

static int end_section(struct reader *reader)
{
	struct service_entry *entry = reader->entry;
	const char *name;

	if (!entry || *reader->file.error)
		return 1;
	name = entry->rule.br_service;
	if (*name == '\0')
		return section_error(reader, "this section has no Name=");
	if (name[strlen(name) - 1] == '*' && entry->rule.br_start != BOOT_START_NEVER)
		return section_error(reader,
				     "a name that ends in * cannot be started: name each service");
	if (reader->user_line && entry->rule.br_start != BOOT_START_COMMAND)
		return section_error(reader, "StartUser= is for StartCommand= only");
	if (entry->rule.br_start == BOOT_START_COMMAND && !reader->user_line)
		fill_in_user(&entry->plan);
	fill_in_owner(reader);
	entry->rule.br_look_up.bw_all |= !reader->look_up_said;
	reader->list->count++;
	return 1;
}

static int begin_section(struct reader *reader)
{
	struct service_entry *entry = service_list_next(reader->list);

	if (!entry)
		return config_fail(&reader->file, "there are more than %d services, or no memory",
				   BOOT_POLICY_RULES);
	reader->entry = entry;
	reader->look_up_said = false;
	reader->start_line = reader->user_line = reader->set = 0;
	snprintf(entry->rule.br_file, sizeof entry->rule.br_file, "%s", reader->file.path);
	entry->rule.br_line = (uint32_t)reader->file.line;
	entry->rule.br_timeout = TIMEOUT_DEFAULT;
	entry->rule.br_interval = INTERVAL_DEFAULT;
	entry->rule.br_burst = BURST_DEFAULT;
	return 1;
}

static int on_section(struct config_file *file, const char *section)
{
	struct reader *reader = (struct reader *)file;

	if (strcmp(section, "service") != 0)
		return config_fail(file, "unknown section [%s]: there is [service]", section);
	return end_section(reader) && begin_section(reader);
}

bool service_file_read(struct service_list *list, const char *path, char error[CONFIG_ERROR_SIZE])
{
	struct reader reader = {
		.file = {.path = path, .error = error, .on_section = on_section, .on_key = on_key},
		.list = list,
	};
	size_t before = list->count;

	if (config_file_read(&reader.file) && end_section(&reader))
		return true;
	list->count = before;
	return false;
}
