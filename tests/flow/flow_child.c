/* SPDX-License-Identifier: Apache-2.0 */
/* Other client processes of a flow test, and the words they exchange with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_private.h"

/* In a child: the pipes to its parent. */
static struct flow_child parent;

static void write_word(int fd, uint32_t word)
{
	CHECK(write(fd, &word, sizeof word) == sizeof word);
}

static uint32_t read_word(int fd)
{
	uint32_t word = 0;
	ssize_t size;

	do
		size = read(fd, &word, sizeof word);
	while (size < 0 && errno == EINTR);
	if (size != sizeof word)
		flow_fail(__FILE__, __LINE__, "the other process ended too early");
	return word;
}

void flow_fork(struct flow_child *child, void (*body)(void *), void *argument)
{
	int down[2], up[2];

	CHECK(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0);
	child->pid = fork();
	CHECK(child->pid >= 0);
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flow_in_child = true;
		close(down[1]);
		close(up[0]);
		parent = (struct flow_child){.to = up[1], .from = down[0]};
		body(argument);
		_exit(0);
	}
	close(down[0]);
	close(up[1]);
	child->to = down[1];
	child->from = up[0];
}

void flow_tell(struct flow_child *child, uint32_t word)
{
	write_word(child->to, word);
}

uint32_t flow_hear(struct flow_child *child)
{
	return read_word(child->from);
}

void flow_tell_parent(uint32_t word)
{
	write_word(parent.to, word);
}

uint32_t flow_hear_parent(void)
{
	return read_word(parent.from);
}

static int reap(struct flow_child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0)
		CHECK(errno == EINTR);
	close(child->to);
	close(child->from);
	return status;
}

void flow_join(struct flow_child *child)
{
	int status = reap(child);

	if (status != 0)
		flow_fail(__FILE__, __LINE__, "a child ended with status %#x", status);
	flow_await_gone(child->pid);
}

void flow_kill(struct flow_child *child)
{
	int status;

	CHECK(kill(child->pid, SIGKILL) == 0);
	status = reap(child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		flow_fail(__FILE__, __LINE__, "a child ended before, with status %#x", status);
	flow_await_gone(child->pid);
}
