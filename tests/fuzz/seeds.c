/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seeds of the fuzz targets: small inputs that reach far, for a fuzzer to begin with and
 * for replay.c to run in every test. They are made here so that a change of the wire changes them.
 *
 *   fuzz_seeds DIRECTORY       makes DIRECTORY/TARGET-NAME for each target and seed
 */
#include "tests/fuzz/seeds.h"

#include <errno.h>
#include <string.h>

#include "client/machctl/trace_file.h"
#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"

static const char *directory;

/* The seed being written. */
static uint8_t seed[64 * 1024];
static size_t seed_size;

void seed_put(const void *bytes, size_t size)
{
	FUZZ_CHECK(seed_size + size <= sizeof seed);
	memcpy(seed + seed_size, bytes, size);
	seed_size += size;
}

void seed_put_u8(unsigned value)
{
	uint8_t byte = (uint8_t)value;

	seed_put(&byte, 1);
}

void seed_save(const char *target, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s-%s", directory, target, name);
	file = fopen(path, "wb");
	if (!file || fwrite(seed, 1, seed_size, file) != seed_size || fclose(file)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	seed_size = 0;
}

/* Seeds of hello */

static void seed_hellos(void)
{
	struct machd_hello hello = {.version_oldest = 1,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = 64,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = UINT64_C(4026531836),
				    .joins = true,
				    .token = "0123456789abcde"};
	struct machd_welcome welcome = {.version = 1,
					.inline_max = MACHD_INLINE_MAX,
					.task = 1,
					.self = 0x103,
					.host = 0x203,
					.bootstrap = 0x303};

	seed_size = machd_hello_pack(&hello, seed, sizeof seed);
	seed_save("hello", "join");
	hello.joins = false;
	hello.inherits = true;
	seed_size = machd_hello_pack(&hello, seed, sizeof seed);
	seed_save("hello", "child");
	hello.inherits = false;
	hello.role = MACHD_ROLE_WATCH;
	seed_size = machd_hello_pack(&hello, seed, sizeof seed);
	seed_save("hello", "watch");
	seed_size = machd_welcome_pack(&welcome, seed, sizeof seed);
	seed_save("hello", "welcome");
	welcome = (struct machd_welcome){.error = "no version in common"};
	seed_size = machd_welcome_pack(&welcome, seed, sizeof seed);
	seed_save("hello", "refusal");
	seed_put("\xdd\xff\xff\xff\xff\x01", 6);
	seed_save("hello", "bomb");
	seed_put("\x82\xa1k\x93\xc7\x01\x05z\xd5\x01zz\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 20);
	seed_put("\xa1l\xdf\x00\x00\x00\x01\xc4\x01z\xda\x00\x01z", 15);
	seed_save("hello", "every-type");
}

/* Seeds of config */

static void put_text(const char *text)
{
	seed_put(text, strlen(text));
}

static void seed_configs(void)
{
	char line[128];

	put_text("# everything\n[machd]\nSocket=/run/machd/machd.sock\nLogLevel=notice\n"
		 "OnBadSignature=discard\n\n[limits]\n");
	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		snprintf(line, sizeof line, "%s = %llu ; note\n", machd_limit_rows[i].key,
			 (unsigned long long)machd_limit_rows[i].value);
		put_text(line);
	}
	seed_save("config", "all");
	put_text("[limits]\r\n  NamesPerTask=128K\n\tChannels: 99999999999999999999M\n");
	seed_save("config", "numbers");
	put_text("[limits\nPorts=\n]=\n[]\n[machd]x\nSocket\n=\nSocket=relative\n");
	seed_save("config", "broken");
}

/* Seeds of services */

static void seed_services(void)
{
	put_text("[service]\nName=org.example.service\nOwnUsers=root 7\nOwnGroups=root\n"
		 "OwnUnit=a.service\nLookUpUsers=all\nLookUpGroups=5\nLookUpUnit=b.scope\n"
		 "StartUnit=a.service\nStartTimeout=500ms\nStartLimitBurst=3\n"
		 "StartLimitInterval=1h\n[service]\nName=a.*\n");
	seed_save("services", "unit");
	put_text("[service]\nName=a\nStartCommand=/bin/a \"b c\"d \"\"\nStartCommand=-e\n"
		 "StartUser=root\n");
	seed_save("services", "command");
	put_text("[service]\nName=b.*.*\nStartCommand=\"\n[service\nStartTimeout=-1h\n");
	seed_save("services", "broken");
	put_text("\r\v[service]\r\n\fName=a\r\n");
	seed_save("services", "indented");
	put_text("\xef\xbb\xbf[service]\nName=a\n");
	seed_save("services", "marked");
}

/* Seeds of trace files; the first byte says what is wanted of it. */

static void put_trace(unsigned wanted, unsigned records)
{
	const struct trace_file_header header = {
		.magic = TRACE_FILE_MAGIC,
		.version = TRACE_FILE_VERSION,
		.order = TRACE_FILE_ORDER,
		.header_size = sizeof header,
		.record_size = sizeof(struct machd_watch_message),
		.calendar = 1,
	};

	seed_put_u8(wanted);
	seed_put(&header, sizeof header);
	for (unsigned i = 0; i < records; i++) {
		const struct machd_watch_message message = {
			.number = i,
			.time = i * UINT64_C(3000000000),
			.object = 9,
			.size = 24,
			.sender_pid = i % 2 ? 7 : 0,
			.receiver_pid = i % 3 ? MACHD_TRACE_PID_DEAD + i : 0,
			.msgh_id = i % 4 ? 64 + i : 3200 + i,
			.flags = UINT32_MAX << i,
		};

		seed_put(&message, sizeof message);
	}
}

static void seed_traces(void)
{
	static const uint8_t more[8];

	put_trace(0, 12);
	seed_save("trace", "all");
	put_trace(1, 12);
	seed_save("trace", "json");
	put_trace(0x26, 12);
	seed_save("trace", "some");
	put_trace(9, 2);
	seed_put(more, sizeof more);
	seed_save("trace", "cut");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	directory = argv[1];
	seed_frames();
	seed_bell_frames();
	seed_hellos();
	seed_configs();
	seed_services();
	seed_recipes();
	seed_inflates();
	seed_rings();
	seed_boards();
	seed_watches();
	seed_traces();
	seed_clients();
	return 0;
}
