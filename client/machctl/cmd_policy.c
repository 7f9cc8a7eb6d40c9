/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl policy explain`: what a process may do with a service name, and which line says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

/* enum machd_policy_why: for programs, and for people. */
static const struct {
	const char *word, *text;
} reasons[] = {
	[MACHD_POLICY_EVERYBODY] = {"everybody", "everybody may"},
	[MACHD_POLICY_USER] = {"user", "its uid is listed"},
	[MACHD_POLICY_GROUP] = {"group", "one of its groups is listed"},
	[MACHD_POLICY_UNIT] = {"unit", "it runs in the unit"},
	[MACHD_POLICY_PRIVILEGED] = {"privileged",
				     "the rule names nobody, and it is root's or machd's user's"},
	[MACHD_POLICY_NOT_LISTED] = {"not-listed", "the rule is for others"},
	[MACHD_POLICY_UNDECLARED] = {"undeclared",
				     "no rule is for the name, and Register= lets it"},
	[MACHD_POLICY_UNDECLARED_REFUSED] =
		{"undeclared-refused", "no rule is for the name, and Register= is for others"},
	[MACHD_POLICY_SAME_USER] = {"same-user", "no rule is for the name, and its uid brought it"},
	[MACHD_POLICY_ROOT] = {"root", "no rule is for the name, and it is root's"},
	[MACHD_POLICY_OTHER_USER] = {"other-user",
				     "no rule is for the name, and another uid brought it"},
	[MACHD_POLICY_NOBODY] = {"nobody", "no rule is for the name, and nobody has brought it"},
};
#define REASONS (sizeof reasons / sizeof *reasons)

static void print_decision(const char *what, const struct machd_watch_decision *decision)
{
	char *file = text_escape(decision->file);

	printf("%-8s %-3s  %s\n", what, decision->allowed ? "yes" : "no",
	       decision->why < REASONS ? reasons[decision->why].text : "for a reason unknown here");
	if (decision->line)
		printf("%13s%s:%u\n", "", file, decision->line);
	free(file);
}

static void print_text(const struct machd_watch_policy *policy)
{
	char *service = text_escape(policy->service), *unit = text_escape(policy->unit);
	char *command = text_command_escaped(policy->pid);

	printf("%s, for process %d (%s) of uid %u", service, policy->pid, command, policy->uid);
	printf(*unit ? ", unit %s\n" : "%s\n", unit);
	print_decision("own", &policy->own);
	print_decision("look up", &policy->look_up);
	free(service);
	free(unit);
	free(command);
}

static void json_decision(struct json *json, const char *key,
			  const struct machd_watch_decision *decision)
{
	json_object(json, key);
	json_bool(json, "allowed", decision->allowed);
	json_string(json, "why", decision->why < REASONS ? reasons[decision->why].word : NULL);
	json_string(json, "file", decision->line ? decision->file : NULL);
	json_number(json, "line", decision->line);
	json_end_object(json);
}

static void print_json(const struct machd_watch_policy *policy)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	json_object(&json, NULL);
	json_string(&json, "service", policy->service);
	json_process(&json, policy->pid);
	json_number(&json, "uid", policy->uid);
	json_string(&json, "unit", *policy->unit ? policy->unit : NULL);
	json_decision(&json, "own", &policy->own);
	json_decision(&json, "look_up", &policy->look_up);
	json_end_object(&json);
	json_end_array(&json);
}

void cmd_policy(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct machd_watch_policy policy;

	watch_policy(channel, options->pid, options->port, &policy);
	if (options->json)
		print_json(&policy);
	else
		print_text(&policy);
	channel_close(channel);
}
