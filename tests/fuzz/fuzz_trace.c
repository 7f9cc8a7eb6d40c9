/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a file for `machctl trace -r`. The first byte says what is wanted of it, the
 * rest is the file. Either it is shown, a line each, and nothing in it but what can be printed; or
 * there is a message that names the file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/machctl/machctl.h"
#include "tests/fuzz/fuzz.h"

#define PATH "hostile.trace"

static struct {
	const uint8_t *bytes;
	size_t size;
	FILE *stream; /* the file, as long as it is open */
	jmp_buf failed;
} stage;

/* What whoever runs the target opens: a seed, or a file to write to. */
static FILE *open_other(const char *path, const char *mode)
{
	int flags =
		*mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (*mode == 'a' ? O_APPEND : O_TRUNC);
	int file = open(path, flags | O_CLOEXEC, 0666);

	return file < 0 ? NULL : fdopen(file, mode);
}

/* What machctl opens. */
FILE *fopen(const char *path, const char *mode)
{
	int file;

	if (strcmp(path, PATH) != 0)
		return open_other(path, mode);
	file = memfd_create("trace", MFD_CLOEXEC);
	FUZZ_CHECK(file >= 0);
	FUZZ_CHECK(write(file, stage.bytes, stage.size) == (ssize_t)stage.size);
	FUZZ_CHECK(lseek(file, 0, SEEK_SET) == 0);
	stage.stream = fdopen(file, "r");
	FUZZ_CHECK(stage.stream);
	return stage.stream;
}

/* machctl ends with a message: the file is still open then, and its struct is not freed. */
void fail(enum exit_code code, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	FUZZ_CHECK(code == EXIT_ERROR);
	FUZZ_CHECK(strstr(text, PATH));
	fclose(stage.stream);
	longjmp(stage.failed, 1);
}

void finish(enum exit_code code)
{
	FUZZ_CHECK(code == EXIT_GOOD);
	abort();
}

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:trace_file_open\n";
}

static void check_text(const char *text, size_t size, bool json)
{
	bool starts = true;

	FUZZ_CHECK(size == 0 || text[size - 1] == '\n');
	for (size_t i = 0; i < size; i++) {
		FUZZ_CHECK(!json || !starts || text[i] == '{');
		starts = text[i] == '\n';
		FUZZ_CHECK(starts || (text[i] >= ' ' && text[i] <= '~'));
		FUZZ_CHECK(!json || !starts || text[i - 1] == '}');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct options options = {.read = PATH};
	FILE *old = stdout;
	char *text = NULL;
	size_t length = 0;

	if (size == 0)
		return 0;
	options.json = *bytes & 1;
	options.pid = *bytes & 2 ? 7 : 0;
	options.object = *bytes & 4 ? 9 : 0;
	options.has_id = *bytes & 8;
	options.count = *bytes >> 4;
	stage.bytes = bytes + 1;
	stage.size = size - 1;
	stdout = open_memstream(&text, &length);
	FUZZ_CHECK(stdout);
	if (setjmp(stage.failed) == 0)
		cmd_trace(&options);
	fclose(stdout);
	stdout = old;
	check_text(text, length, options.json);
	free(text);
	return 0;
}
