/* SPDX-License-Identifier: Apache-2.0 */
/* machd_last_error(): a line of text for each thread. */
#include <machd.h>
#include <stdarg.h>
#include <stdio.h>

#include "client/mi.h"

static _Thread_local char text[320];

const char *machd_last_error(void)
{
	return text;
}

void mi_set_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
}
