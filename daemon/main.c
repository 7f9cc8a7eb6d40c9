/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machd: starts up, runs the main loop (daemon/io/turn.h), and shuts down in order. A message's
 * path begins in daemon/io/ring.c or channel.c, which pass frames to daemon/io/gate.c and so into
 * the state machine (daemon/trap/trap.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/base/hash.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config.h"
#include "daemon/io/bind.h"
#include "daemon/io/calendar.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "daemon/io/listener.h"
#include "daemon/io/reaper.h"
#include "daemon/keep/record.h"
#include "daemon/keep/replay.h"
#include "daemon/machine.h"
#include "daemon/options.h"
#include "daemon/reload.h"
#include "daemon/services.h"
#include "daemon/supervise.h"

/* The whole daemon. */
struct daemon {
	struct options options;
	struct config config;
	struct services services;
	char commands_socket[sizeof(struct sockaddr_un)]; /* MACHD_SOCKET of what machd starts */
	uv_loop_t loop;
	uv_signal_t on_term, on_int, on_hup;
	struct bound_socket bound;
	struct listener listener;
	struct gate gate;
	struct calendar calendar;
	struct supervise supervise;
};

/* Replaying. */

static int replay(const char *path)
{
	struct replay_report report;

	replay_file(path, &report);
	printf("%s\n", report.text);
	if (report.verdict == REPLAY_SAME)
		return EXIT_SUCCESS;
	return report.verdict == REPLAY_DIFFERS ? EXIT_FAILURE : EX_DATAERR;
}

/* The socket. */

/* The socket's default path; false: `error` says what is missing. */
static bool default_path(char *path, size_t size, char *error)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");
	int length;

	if (getuid() == 0) {
		directory = "/run/machd";
		mkdir(directory, 0755); /* may exist; bind() reports any other failure */
	} else if (!directory || *directory != '/') {
		snprintf(error, BIND_ERROR_SIZE,
			 "XDG_RUNTIME_DIR is not set: say with --socket where to listen");
		return false;
	}
	length = snprintf(path, size, "%s/machd.sock", directory);
	if (length < 0 || (size_t)length >= size)
		snprintf(error, BIND_ERROR_SIZE, "XDG_RUNTIME_DIR is too long");
	return length >= 0 && (size_t)length < size;
}

static bool open_socket(struct daemon *daemon)
{
	char path[sizeof daemon->config.socket], error[BIND_ERROR_SIZE];
	const char *given = daemon->options.socket;
	int passed = daemon->options.foreground ? 0 : sd_listen_fds(1);
	bool done;

	if (!given && daemon->config.socket[0])
		given = daemon->config.socket;
	if (passed > 1)
		log_warning("systemd handed over %d sockets: only the first is used", passed);
	if (passed > 0)
		done = bind_adopt(&daemon->bound, SD_LISTEN_FDS_START, error);
	else if (given)
		done = bind_path(&daemon->bound, given, error);
	else
		done = default_path(path, sizeof path, error) &&
		       bind_path(&daemon->bound, path, error);
	if (!done)
		log_error("%s", error);
	return done;
}

/* Signals. */

static void on_stop_signal(uv_signal_t *handle, int signal)
{
	struct daemon *daemon = handle->data;

	log_info("stopping: signal %d", signal);
	turns_end(&daemon->gate.turns);
}

static void on_reload_signal(uv_signal_t *handle, int signal)
{
	struct daemon *daemon = handle->data;

	(void)signal;
	supervise_reloading(&daemon->supervise);
	reload_now(&daemon->options, &daemon->config, &daemon->services, &daemon->gate);
	supervise_ready(&daemon->supervise);
}

static void watch_signal(struct daemon *daemon, uv_signal_t *handle, uv_signal_cb callback,
			 int signal)
{
	uv_signal_init(&daemon->loop, handle);
	handle->data = daemon;
	uv_signal_start(handle, callback, signal);
}

/* Start and stop. */

/* Programs that machd starts get its socket's path as MACHD_SOCKET. */
static void set_up_starts(struct daemon *daemon)
{
	struct activator *activator = &daemon->gate.activator;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof address - 1;

	getsockname(daemon->bound.fd, (struct sockaddr *)&address, &size);
	snprintf(daemon->commands_socket, sizeof daemon->commands_socket, "%s", address.sun_path);
	activator->socket = daemon->commands_socket;
	activator->plans = &daemon->services.plans;
	activator->manager.user = services_of_user();
}

static bool start_gate(struct daemon *daemon)
{
	struct trap_config config = {
		.limits = daemon->config.limits,
		.policy = daemon->config.policy,
		.names = &daemon->services.policy,
		.owner_uid = getuid(),
		.discard_bad_signature = daemon->config.discard_bad_signature,
		.calendar = calendar_offset(),
	};
	const char *path = daemon->options.record;
	struct record *record = NULL;
	bool started;

	machine_read(&config.machine);
	randombytes_buf(&config.seed, sizeof config.seed);
	if (path && !(record = record_open(path, &config))) {
		log_error("cannot record to %s: %s", path, strerror(errno));
		return false;
	}
	randombytes_buf(config.key, sizeof config.key);
	hash_set_key(config.key);
	randombytes_buf(config.key, sizeof config.key);
	started = gate_start(&daemon->gate, &daemon->loop, &config, record);
	sodium_memzero(config.key, sizeof config.key);
	boosts_set_nice(&daemon->gate.boosts, daemon->config.importance_nice);
	turns_set_spin(&daemon->gate.turns, daemon->config.spin_us);
	reload_inspect_group(&daemon->config, &daemon->gate);
	set_up_starts(daemon);
	if (!started)
		log_error("there is no memory to start with");
	return started;
}

static void tell_ready(struct daemon *daemon)
{
	int fd = daemon->options.ready_fd;

	log_info("listening at %s",
		 daemon->bound.path[0] ? daemon->bound.path : "the socket from systemd");
	supervise_ready(&daemon->supervise);
	if (fd < 0)
		return;
	if (write(fd, "\n", 1) < 0)
		log_warning("nobody waits at --ready-fd %d: %s", fd, strerror(errno));
	close(fd);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void tell_stopping(struct daemon *daemon)
{
	supervise_stop(&daemon->supervise);
	listener_stop(&daemon->listener);
	bind_release(&daemon->bound);
}

static bool start(struct daemon *daemon)
{
	int error;

	if (!open_socket(daemon))
		return false;
	if (!start_gate(daemon)) {
		bind_release(&daemon->bound);
		return false;
	}
	error = listener_start(&daemon->listener, &daemon->gate, daemon->bound.fd);
	if (error) {
		log_error("cannot wait for connections: %s", strerror(error));
		bind_release(&daemon->bound);
	}
	return error == 0;
}

static int run(struct daemon *daemon)
{
	if (!start(daemon))
		return EXIT_FAILURE;
	watch_signal(daemon, &daemon->on_term, on_stop_signal, SIGTERM);
	watch_signal(daemon, &daemon->on_int, on_stop_signal, SIGINT);
	watch_signal(daemon, &daemon->on_hup, on_reload_signal, SIGHUP);
	calendar_start(&daemon->calendar, &daemon->gate);
	supervise_start(&daemon->supervise, &daemon->gate, daemon->options.foreground);
	tell_ready(daemon);
	turns_run(&daemon->gate.turns);
	tell_stopping(daemon);
	calendar_stop(&daemon->calendar);
	gate_stop(&daemon->gate);
	uv_walk(&daemon->loop, close_handle, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	gate_free(&daemon->gate);
	services_free(&daemon->services);
	log_info("stopped; %" PRIu64 " pieces of memory are left", mem_live());
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct daemon daemon;
	int status;

	reaper_main(argc, argv);
	options_parse(&daemon.options, argc, argv);
	log_start(!daemon.options.foreground && !daemon.options.check_config);
	if (sodium_init() < 0) {
		log_error("there is no source of random numbers");
		return EX_OSERR;
	}
	if (daemon.options.replay)
		return replay(daemon.options.replay);
	fdcheck_raise_limit();
	if (daemon.options.check_config)
		return reload_check(&daemon.options);
	if (!reload_read(&daemon.options, &daemon.config))
		return EX_CONFIG;
	/* Faults in services.d are logged, and no reason not to start. */
	if (services_read(&daemon.services, NULL, &daemon.config, daemon.options.config) ==
	    SERVICES_NO_MEMORY)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* RLIMIT_FSIZE holds for memory shared with clients, too */
	if (uv_loop_init(&daemon.loop) < 0) {
		log_error("cannot make an event loop");
		return EX_OSERR;
	}
	status = run(&daemon);
	uv_loop_close(&daemon.loop);
	log_stop();
	return status;
}
