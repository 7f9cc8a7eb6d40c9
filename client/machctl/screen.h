/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal as a screen that is drawn again and again: see screen.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What somebody does at it; letters stand for themselves. */
enum screen_key {
	SCREEN_TIME = -1,   /* nothing: the time is over */
	SCREEN_RESIZE = -2, /* it has another size, or was away for a while */
	SCREEN_QUIT = -3,   /* interrupted */
	SCREEN_UP = -4,
	SCREEN_DOWN = -5,
	SCREEN_PAGE_UP = -6,
	SCREEN_PAGE_DOWN = -7,
	SCREEN_HOME = -8,
	SCREEN_OTHER = -9, /* a key that means nothing */
};

/* Take the terminal; false: stdin and stdout are none, or one that cannot do this. */
bool screen_enter(void);

/* Give it back as it was; does nothing if it was not taken. */
void screen_leave(void);

void screen_size(unsigned *columns, unsigned *rows);

/* Show this text from the top; lines and ends of lines that have no place are left out. */
void screen_draw(const char *text);

/* Wait for a key for so many seconds. */
int screen_wait(double seconds);
