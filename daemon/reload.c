/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration, and putting in force what can change while the daemon runs. */
#include "daemon/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/io/creds.h"
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

/* That the default group does not exist is nothing to talk about. */
void reload_inspect_group(const struct config *config, struct gate *gate)
{
	const char *name = config->inspect_group;

	gate->inspect_group = creds_find_group(name);
	if (gate->inspect_group == CREDS_NO_GROUP && strcmp(name, CONFIG_DEFAULT_GROUP) != 0)
		log_warning("there is no group %s: InspectGroup= has no effect", name);
}

/* Clients know the socket by its path, and systemd may have made it: it stays what it was. */
static void put_in_force(struct config *config, const struct config *read, struct gate *gate)
{
	char socket[sizeof config->socket];

	if (strcmp(config->socket, read->socket) != 0)
		log_notice("Socket= changed: that takes effect when machd starts again");
	strcpy(socket, config->socket);
	*config = *read;
	strcpy(config->socket, socket);
	turns_set_spin(&gate->turns, config->spin_us);
	boosts_set_nice(&gate->boosts, config->importance_nice);
	gate->discard_bad_signature = config->discard_bad_signature;
	reload_inspect_group(config, gate);
	gate_set_limits(gate, &config->limits);
	gate_set_policy(gate, &config->policy);
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
	put_in_force(config, &read, gate);
	reload_services(options, config, services, gate);
	log_info("the configuration was read again");
}
