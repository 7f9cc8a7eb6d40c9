/* SPDX-License-Identifier: Apache-2.0 */
/* Reading machd.conf: its sections and keys, and what may stand behind them. */
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_policy.h"
#include "protocol/wait.h"

#define MAIN_KEYS	      12
#define IMPORTANCE_NICE_LEAST (-20)
#define LIMIT_KEYS	      (sizeof(struct machd_limits) / sizeof(uint64_t))

struct reader {
	struct config_file file; /* first: the callbacks get it */
	struct config *config;
	uint32_t earlier_rules;		    /* of [filter], from other files */
	int set_in[MAIN_KEYS + LIMIT_KEYS]; /* the line that set a key; 0: none */
};

/* Values. */

static int set_socket(struct reader *reader, const char *value)
{
	size_t most = sizeof reader->config->socket - 1;

	if (*value != '/')
		return config_fail(&reader->file, "Socket=%s is not an absolute path", value);
	if (strlen(value) > most)
		return config_fail(&reader->file,
				   "Socket=%s is too long: a socket's path has at most %zu bytes",
				   value, most);
	strcpy(reader->config->socket, value);
	return 1;
}

static int set_log_level(struct reader *reader, const char *value)
{
	if (log_level_parse(value, &reader->config->log_level))
		return 1;
	return config_fail(&reader->file,
			   "LogLevel=%s is not a level: use error, warning, notice, info or debug",
			   value);
}

static int set_on_bad_signature(struct reader *reader, const char *value)
{
	reader->config->discard_bad_signature = strcmp(value, "discard") == 0;
	if (reader->config->discard_bad_signature || strcmp(value, "abort") == 0)
		return 1;
	return config_fail(&reader->file, "OnBadSignature=%s is not a choice: use abort or discard",
			   value);
}

static int set_importance_nice(struct reader *reader, const char *value)
{
	char *end;
	long nice = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || nice > 0 || nice < IMPORTANCE_NICE_LEAST)
		return config_fail(&reader->file, "ImportanceNice=%s is no number from %d to 0",
				   value, IMPORTANCE_NICE_LEAST);
	reader->config->importance_nice = (int)nice;
	return 1;
}

static int set_spin_time(struct reader *reader, const char *value)
{
	char *end;
	long us = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || us < 0 || us > MACHD_SPIN_US_MAX)
		return config_fail(&reader->file, "SpinTime=%s is no number from 0 to %d", value,
				   MACHD_SPIN_US_MAX);
	reader->config->spin_us = (unsigned)us;
	return 1;
}

static int set_inspect_group(struct reader *reader, const char *value)
{
	if (*value == '\0' || strlen(value) >= sizeof reader->config->inspect_group)
		return config_fail(&reader->file, "InspectGroup=%s is not the name of a group",
				   value);
	strcpy(reader->config->inspect_group, value);
	return 1;
}

static int set_uids(struct reader *reader, const char *key, const char *value,
		    struct ipc_uids *uids)
{
	if (policy_parse_uids(value, uids))
		return 1;
	return config_fail(&reader->file, "%s=%s is not a choice: use all, none or up to %d uids",
			   key, value, IPC_POLICY_UIDS);
}

static int set_hardened(struct reader *reader, const char *value)
{
	return set_uids(reader, "Hardened", value, &reader->config->policy.p_hardened);
}

static int set_filtered(struct reader *reader, const char *value)
{
	return set_uids(reader, "Filtered", value, &reader->config->policy.p_filtered);
}

static int set_choice(struct reader *reader, const char *key, const char *value, uint32_t *choice)
{
	*choice = strcmp(value, "yes") == 0;
	if (*choice || strcmp(value, "no") == 0)
		return 1;
	return config_fail(&reader->file, "%s=%s is not a choice: use yes or no", key, value);
}

static int set_enforce_strict_reply(struct reader *reader, const char *value)
{
	return set_choice(reader, "EnforceStrictReply", value,
			  &reader->config->policy.p_strict_reply);
}

static int set_defend_service_ports(struct reader *reader, const char *value)
{
	return set_choice(reader, "DefendServicePorts", value,
			  &reader->config->policy.p_service_defense);
}

static int set_register(struct reader *reader, const char *value)
{
	struct boot_policy_head *names = &reader->config->names;

	names->bh_line = (uint32_t)reader->file.line;
	snprintf(names->bh_file, sizeof names->bh_file, "%s", reader->file.path);
	return set_uids(reader, "Register", value, &names->bh_register);
}

static int set_services(struct reader *reader, const char *value)
{
	size_t size = sizeof reader->config->services;

	if (*value != '/' || strlen(value) >= size)
		return config_fail(&reader->file,
				   "Services=%s is not a list of absolute paths, up to %zu bytes",
				   value, size - 1);
	strcpy(reader->config->services, value);
	return 1;
}

/* The keys of [machd], of [policy] and of [names]. */
static const struct main_key {
	const char *section, *key;
	int (*set)(struct reader *reader, const char *value);
} main_keys[MAIN_KEYS] = {
	{"machd", "Socket", set_socket},
	{"machd", "LogLevel", set_log_level},
	{"machd", "OnBadSignature", set_on_bad_signature},
	{"machd", "ImportanceNice", set_importance_nice},
	{"machd", "SpinTime", set_spin_time},
	{"machd", "InspectGroup", set_inspect_group},
	{"policy", "Hardened", set_hardened},
	{"policy", "EnforceStrictReply", set_enforce_strict_reply},
	{"policy", "DefendServicePorts", set_defend_service_ports},
	{"policy", "Filtered", set_filtered},
	{"names", "Register", set_register},
	{"names", "Services", set_services},
};

/* Digits and perhaps a K, M or G, which multiply by 1024 and its powers. */
static bool parse_number(const char *text, uint64_t *number)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno == ERANGE)
		*number = UINT64_MAX;
	if (*end == '\0')
		return true;
	suffix = strchr(suffixes, *end);
	if (!suffix || end[1] != '\0')
		return false;
	for (; suffix >= suffixes; suffix--)
		*number = *number > UINT64_MAX / 1024 ? UINT64_MAX : *number * 1024;
	return true;
}

static int set_limit(struct reader *reader, const struct machd_limit_row *row, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number))
		return config_fail(&reader->file,
				   "%s=%s is not a number: use %llu to %llu, K, M or G may follow",
				   row->key, value, (unsigned long long)row->least,
				   (unsigned long long)row->most);
	if (number < row->least || number > row->most)
		return config_fail(&reader->file, "%s=%s is out of range: use %llu to %llu",
				   row->key, value, (unsigned long long)row->least,
				   (unsigned long long)row->most);
	*machd_limit_field(&reader->config->limits, row) = number;
	return 1;
}

/* Keys. */

/* A key may be set once: `slot` says which one it is. */
static bool first_time(struct reader *reader, unsigned slot, const char *key)
{
	if (reader->set_in[slot])
		return config_fail(&reader->file,
				   "%s= was set in line %d already: remove one of them", key,
				   reader->set_in[slot]);
	reader->set_in[slot] = reader->file.line;
	return true;
}

static int unknown_key(struct reader *reader, const char *section, const char *key)
{
	char known[CONFIG_ERROR_SIZE] = "";
	size_t used = 0;

	for (unsigned i = 0; i < MAIN_KEYS; i++)
		if (strcmp(section, main_keys[i].section) == 0)
			used = config_list_key(known, used, main_keys[i].key);
	for (unsigned i = 0; i < machd_limit_row_count && strcmp(section, "limits") == 0; i++)
		used = config_list_key(known, used, machd_limit_rows[i].key);
	return config_fail(&reader->file, "unknown key %s= in [%s]: it has%s", key, section, known);
}

static int set_main_key(struct reader *reader, const char *section, const char *key,
			const char *value)
{
	for (unsigned i = 0; i < MAIN_KEYS; i++)
		if (strcmp(section, main_keys[i].section) == 0 &&
		    strcmp(key, main_keys[i].key) == 0)
			return first_time(reader, i, key) && main_keys[i].set(reader, value);
	return unknown_key(reader, section, key);
}

static int set_limit_key(struct reader *reader, const char *key, const char *value)
{
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		if (strcmp(key, machd_limit_rows[i].key) == 0)
			return first_time(reader, MAIN_KEYS + i, key) &&
			       set_limit(reader, &machd_limit_rows[i], value);
	return unknown_key(reader, "limits", key);
}

/* Here the keys are names of services. */
static int set_filter(struct reader *reader, const char *service, const char *value)
{
	const char *wrong = policy_parse_filter(service, value, &reader->config->policy,
						&reader->earlier_rules);

	return wrong ? config_fail(&reader->file, "%s=%s in [filter]: %s", service, value, wrong)
		     : 1;
}

static int on_key(struct config_file *file, const char *section, const char *key, const char *value)
{
	struct reader *reader = (struct reader *)file;

	if (strcmp(section, "limits") == 0)
		return set_limit_key(reader, key, value);
	if (strcmp(section, "filter") == 0)
		return set_filter(reader, key, value);
	if (*section != '\0')
		return set_main_key(reader, section, key, value);
	return config_fail(&reader->file,
			   "%s= is in no section: put it below [machd], [policy], [filter], "
			   "[names] or [limits]",
			   key);
}

/* Sections. */

static int on_section(struct config_file *file, const char *section)
{
	static const char *const sections[] = {"machd", "policy", "filter", "names", "limits"};

	for (unsigned i = 0; i < sizeof sections / sizeof *sections; i++)
		if (strcmp(section, sections[i]) == 0)
			return 1;
	return config_fail(
		file,
		"unknown section [%s]: there are [machd], [policy], [filter], [names] and [limits]",
		section);
}

void config_init(struct config *config)
{
	*config = (struct config){.log_level = LOG_LEVEL_INFO,
				  .spin_us = MACHD_SPIN_US_DEFAULT,
				  .inspect_group = CONFIG_DEFAULT_GROUP};
	machd_limits_init(&config->limits);
	config->names.bh_register.us_all = 1;
}

bool config_read(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE])
{
	struct reader reader = {
		.file = {.path = path, .error = error, .on_section = on_section, .on_key = on_key},
		.config = config,
		.earlier_rules = config->policy.p_rule_count,
	};

	return config_file_read(&reader.file);
}
