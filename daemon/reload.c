/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration, and putting in force what can change while the daemon runs. */
#include "daemon/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "daemon/options.h"
#include "daemon/services.h"

bool reload_read(const struct options *options, struct config *config)
{
	char error[CONFIG_ERROR_SIZE];
	struct config read;

	if (!config_load(&read, options->config, error)) {
		log_error("%s", error);
		return false;
	}
	if (options->has_log_level)
		read.log_level = options->log_level;
	log_set_level(read.log_level);
	if (fdcheck_fit_limits(&read.limits))
		log_notice("Memfds= is %" PRIu64 ", MemfdsPerUser= %" PRIu64
			   ", BellsPerUser= %" PRIu64 ", RingsPerUser= %" PRIu64
			   ": machd may not open more descriptors",
			   read.limits.memfds, read.limits.memfds_per_user,
			   read.limits.bells_per_user, read.limits.rings_per_user);
	*config = read;
	return true;
}

int reload_check(const struct options *options)
{
	struct services services;
	struct config config;
	enum services_result result;

	if (!reload_read(options, &config))
		return EX_CONFIG;
	result = services_read(&services, NULL, &config, options->config);
	services_free(&services);
	if (result != SERVICES_GOOD)
		return EX_CONFIG;
	printf("%s: good\n", options->config ? options->config : CONFIG_DEFAULT_PATH);
	return EXIT_SUCCESS;
}

static void tell_of_later(const char *what)
{
	log_notice("%s changed: that takes effect when machd starts again", what);
}

/* What the state machine and the sockets were made with. */
static void compare(const struct config *old, const struct config *new)
{
	if (strcmp(old->socket, new->socket) != 0)
		tell_of_later("Socket=");
	if (old->discard_bad_signature != new->discard_bad_signature)
		tell_of_later("OnBadSignature=");
	if (old->importance_nice != new->importance_nice)
		tell_of_later("ImportanceNice=");
	if (memcmp(&old->policy, &new->policy, sizeof old->policy) != 0)
		tell_of_later("[policy] or [filter]");
}

/* The rules of services.d, and who may bring names that they do not have. */
static void reload_services(const struct options *options, const struct config *config,
			    struct services *services, struct gate *gate)
{
	struct services old = *services;

	if (services_read(services, &old, config, options->config) == SERVICES_NO_MEMORY) {
		*services = old;
		return;
	}
	gate_set_names(gate, &services->policy, &services->plans);
	services_free(&old);
	log_info("the services were read again: %zu names", services->plans.count);
}

void reload_now(const struct options *options, struct config *config, struct services *services,
		struct gate *gate)
{
	struct config read;

	if (!reload_read(options, &read)) {
		log_error("the configuration stays as it was");
		return;
	}
	compare(config, &read);
	config->log_level = read.log_level;
	config->limits = read.limits;
	config->names = read.names;
	strcpy(config->services, read.services);
	turns_set_spin(&gate->turns, read.spin_us);
	gate_set_limits(gate, &config->limits);
	reload_services(options, config, services, gate);
	log_info("the limits and the log level were read again");
}
