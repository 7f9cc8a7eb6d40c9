/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The completions of machctl, asked as the shells ask them: bash by its function and the words of a
 * line, zsh by typing a Tab in a terminal of its own.
 */
#include <servers/bootstrap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/flow/flow.h"

static char output[16384];

/* Run a shell's command line; what it writes goes to `output`. */
__attribute__((format(printf, 2, 3))) static void run(int status, const char *format, ...)
{
	char command[4096];
	va_list arguments;
	size_t got;
	FILE *out;

	va_start(arguments, format);
	CHECK(vsnprintf(command, sizeof command, format, arguments) < (int)sizeof command);
	va_end(arguments);
	out = popen(command, "r");
	CHECK(out != NULL);
	got = fread(output, 1, sizeof output - 1, out);
	output[got] = 0;
	CHECK_EQ(pclose(out), status);
}

/* What bash offers for the last of these words, a line each. */
static void bash(const char *words)
{
	run(0,
	    "bash --norc -c '. $MACHD_SOURCE_DIR/client/machctl/completion/machctl.bash; "
	    "complete -p machctl >/dev/null || exit 9; "
	    "COMP_WORDS=($MACHCTL_BINARY %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
	    "_machctl; printf \"[%%s]\\n\" \"${COMPREPLY[@]}\"'",
	    words);
}

static void offers(const char *word)
{
	char line[160];

	snprintf(line, sizeof line, "[%s]\n", word);
	ck_assert_msg(strstr(output, line) != NULL, "no %s in: %s", word, output);
}

static void offers_not(const char *word)
{
	char line[160];

	snprintf(line, sizeof line, "[%s]\n", word);
	ck_assert_msg(strstr(output, line) == NULL, "%s in: %s", word, output);
}

static const char *const commands[] = {"ps",	 "ports",  "port",  "names", "queues",
				       "limits", "why",	   "graph", "leaks", "metrics",
				       "top",	 "policy", "trace"};

START_TEST(bash_knows_all_commands)
{
	bash("\"\"");
	for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
		offers(commands[i]);
	bash("por");
	ck_assert_str_eq(output, "[ports]\n[port]\n");
	/* And they are all that there are: the help names no other. */
	run(0, "$MACHCTL_BINARY --help | sed -n '/^Commands/,/^$/p' | "
	       "grep -oE '^  [a-z]+|  [a-z]+ [A-Z[]|  (queues|graph|leaks) ' | wc -l");
	ck_assert_int_eq(atoi(output), sizeof commands / sizeof *commands);
}
END_TEST

/* What help shows is what is offered. */
START_TEST(bash_knows_all_options)
{
	char wanted[sizeof output], words[64];

	for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
		run(0,
		    "$MACHCTL_BINARY %s --help | grep -oE '^ +(-., )?--[a-z]+' | "
		    "sed 's/.*--/[--/; s/$/]/'",
		    commands[i]);
		strcpy(wanted, output);
		snprintf(words, sizeof words, "%s --", commands[i]);
		bash(words);
		ck_assert_str_eq(output, wanted);
		offers("--json");
	}
	bash("trace --");
	offers("--write");
	bash("--s");
	ck_assert_str_eq(output, "[--socket]\n");
}
END_TEST

START_TEST(bash_asks_the_daemon)
{
	char pid[16];
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, "org.machd.completed", &port));
	CHECK_OK(bootstrap_check_in(bootstrap_port, "quote\"d $(name)", &port));
	snprintf(pid, sizeof pid, "%d", getpid());
	bash("why \"\"");
	offers(pid);
	bash("ports -j \"\"");
	offers(pid);
	bash("port org.m");
	ck_assert_str_eq(output, "[org.machd.completed]\n");
	bash("port \"\"");
	offers(pid);
	bash("ports 1 \"\"");
	offers_not(pid);
	bash("ps \"\"");
	offers_not(pid);
	bash("policy explain 1 org.m");
	ck_assert_str_eq(output, "[org.machd.completed]\n");
	bash("top -o q");
	ck_assert_str_eq(output, "[queue]\n");
	/* Another daemon has other processes; where none is, nothing is offered. */
	bash("-s /nonexistent why \"\"");
	ck_assert_str_eq(output, "[]\n");
}
END_TEST

START_TEST(zsh_completes_in_a_terminal)
{
	char path[128], *slash;

	if (system("command -v zsh >/dev/null") != 0) {
		puts("skipped: there is no zsh");
		return;
	}
	/* A folder with machctl, for the shell to find it in. */
	snprintf(path, sizeof path, "%s", flow_socket());
	slash = strrchr(path, '/');
	strcpy(slash, "/bin");
	CHECK(mkdir(path, 0755) == 0);
	run(0, "ln -s \"$MACHCTL_BINARY\" %s/machctl", path);
	run(0,
	    "PATH=%s:$PATH zsh -f -c '"
	    "zmodload zsh/zpty\n"
	    "zpty z \"TERM=dumb zsh -f -i\"\n"
	    "zpty -w z \"PS1=; fpath=($MACHD_SOURCE_DIR/client/machctl/completion \\$fpath)\"\n"
	    "zpty -w z \"autoload -U compinit; compinit -u -D; unsetopt beep; echo rea\\dy\"\n"
	    "zpty -r z line \"*ready*\"\n"
	    "zpty -w -n z \"machctl metr\"$'\"'\\t'\"'\n"
	    "zpty -r z line \"*machctl metrics*\" && echo command\n"
	    "zpty -w -n z $'\"'\\x15'\"'\"machctl trace --wri\"$'\"'\\t'\"'\n"
	    "zpty -r z line \"*trace --write*\" && echo option\n"
	    "zpty -w -n z $'\"'\\x15'\"'\"machctl why %d\"$'\"'\\t'\"'\n"
	    "zpty -r z line \"*why %d*\" && echo pid\n"
	    "zpty -d z'",
	    path, getpid() / 10, getpid());
	ck_assert_str_eq(output, "command\noption\npid\n");
	run(0, "rm -r %s", path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl_completion");
	TCase *tcase = flow_case(suite, "shells");

	tcase_add_test(tcase, bash_knows_all_commands);
	tcase_add_test(tcase, bash_knows_all_options);
	tcase_add_test(tcase, bash_asks_the_daemon);
	tcase_add_test(tcase, zsh_completes_in_a_terminal);
	return flow_run(suite);
}
