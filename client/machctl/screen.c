/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of `machctl top`. It draws on the alternate screen with the escape sequences that
 * all of today's terminals share, so what was there before is there afterwards; and however top
 * ends, by a key, a signal or an error, the terminal is given back.
 */
#include "client/machctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The alternate screen, no cursor, lines that end where the screen does; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct {
	bool taken;
	int signals; /* signalfd */
	struct termios before;
	sigset_t mask_before;
} screen = {.signals = -1};

static void say(const char *text, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, text, size);

		if (written < 0 && errno != EINTR)
			return; /* the terminal is gone, and a signal tells of it */
		if (written > 0) {
			text += written;
			size -= (size_t)written;
		}
	}
}

/* Keys come one by one and are not shown; those that make signals still do. */
static void take(void)
{
	struct termios raw = screen.before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	say(ENTER, strlen(ENTER));
	screen.taken = true;
}

bool screen_enter(void)
{
	const char *term = getenv("TERM");
	sigset_t mask;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || !*term ||
	    strcmp(term, "dumb") == 0 || tcgetattr(STDIN_FILENO, &screen.before) < 0)
		return false;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGTSTP);
	sigaddset(&mask, SIGWINCH);
	sigprocmask(SIG_BLOCK, &mask, &screen.mask_before);
	screen.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen.signals < 0)
		return false;
	take();
	return true;
}

void screen_leave(void)
{
	if (!screen.taken)
		return;
	screen.taken = false;
	say(LEAVE, strlen(LEAVE));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen.before);
}

void screen_size(unsigned *columns, unsigned *rows)
{
	struct winsize size;

	*columns = 80;
	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

void screen_draw(const char *text)
{
	unsigned columns, rows;
	char *frame;
	size_t size;
	FILE *out = open_memstream(&frame, &size);

	if (!out)
		return;
	screen_size(&columns, &rows);
	fputs("\033[H", out);
	for (unsigned row = 0; row < rows && *text; row++) {
		size_t length = strcspn(text, "\n");

		fprintf(out, "%s%.*s\033[K", row ? "\r\n" : "", (int)length, text);
		text += length + (text[length] != 0);
	}
	fputs("\033[J", out);
	if (fclose(out) == 0)
		say(frame, size);
	free(frame);
}

/* The terminal goes back, we stop, and when we go on it is taken again. */
static void stop(void)
{
	screen_leave();
	raise(SIGSTOP);
	take();
}

/* A signal that ends us does so, but not before the terminal is given back. */
static int handle_signal(void)
{
	struct signalfd_siginfo info;

	if (read(screen.signals, &info, sizeof info) != sizeof info)
		return SCREEN_OTHER;
	switch (info.ssi_signo) {
	case SIGINT:
		return SCREEN_QUIT;
	case SIGTSTP:
		stop();
		return SCREEN_RESIZE;
	case SIGWINCH:
		return SCREEN_RESIZE;
	}
	screen_leave();
	sigprocmask(SIG_SETMASK, &screen.mask_before, NULL);
	raise((int)info.ssi_signo);
	return SCREEN_QUIT;
}

/* A key, or the sequence that stands for one. */
static int read_key(void)
{
	static const struct {
		const char *bytes;
		int key;
	} sequences[] = {
		{"\033[A", SCREEN_UP},	 {"\033OA", SCREEN_UP},	      {"\033[B", SCREEN_DOWN},
		{"\033OB", SCREEN_DOWN}, {"\033[5~", SCREEN_PAGE_UP}, {"\033[6~", SCREEN_PAGE_DOWN},
		{"\033[H", SCREEN_HOME}, {"\033[1~", SCREEN_HOME},
	};
	char bytes[8] = "";
	ssize_t got = read(STDIN_FILENO, bytes, 1);

	if (got <= 0)
		return SCREEN_QUIT; /* nobody is there any more */
	if (bytes[0] != '\033')
		return (unsigned char)bytes[0];
	got = read(STDIN_FILENO, bytes + 1, sizeof bytes - 2);
	if (got <= 0)
		return SCREEN_OTHER;
	for (unsigned i = 0; i < sizeof sequences / sizeof *sequences; i++)
		if (strcmp(bytes, sequences[i].bytes) == 0)
			return sequences[i].key;
	return SCREEN_OTHER;
}

int screen_wait(double seconds)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {screen.signals, POLLIN, 0}};
	struct timespec time = {(time_t)seconds, 0};
	int count;

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	count = ppoll(fds, 2, &time, NULL);
	if (count == 0)
		return SCREEN_TIME;
	if (count < 0)
		return SCREEN_OTHER;
	if (fds[1].revents)
		return handle_signal();
	return read_key();
}
