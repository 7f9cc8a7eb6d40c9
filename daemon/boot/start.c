/* SPDX-License-Identifier: Apache-2.0 */
/* Starts of services: requested, limited in rate, and ended. */
#include "daemon/boot/start.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_qos.h"

struct boot_service *boot_kept(const struct ipc_port *port)
{
	struct boot_service *service = port->ip_service;

	while (service && !service->s_kept)
		service = service->s_next;
	return service;
}

void boot_service_wanted(struct ipc_host *host, struct ipc_port *port)
{
	struct boot_service *service = boot_kept(port);

	if (boot_declared(service) && service->s_start == 0 && list_empty(&service->s_wanted))
		list_append(&host->h_wanted, &service->s_wanted);
}

static const struct boot_rule *rule_of(const struct ipc_host *host,
				       const struct boot_service *service)
{
	return boot_policy_declares(host->h_names, service->s_name);
}

bool boot_start_due(const struct ipc_host *host, const struct boot_service *service)
{
	const struct boot_rule *rule = boot_declared(service) ? rule_of(host, service) : NULL;
	const struct ipc_port *port = service->s_port;

	if (!rule) /* or it has none any more, and goes next */
		return false;
	return port->ip_msgcount || ipc_senders_count(&port->ip_senders) ||
	       rule->br_start == BOOT_START_NEVER;
}

static bool window_over(const struct ipc_host *host, const struct boot_service *service,
			const struct boot_rule *rule)
{
	return service->s_starts == 0 || host->h_now - service->s_window >= rule->br_interval;
}

static bool too_often(const struct ipc_host *host, const struct boot_service *service,
		      const struct boot_rule *rule)
{
	return service->s_starts >= rule->br_burst && !window_over(host, service, rule);
}

bool boot_start_allowed(const struct ipc_host *host, const struct boot_service *service)
{
	const struct boot_rule *rule = rule_of(host, service);

	return rule->br_start != BOOT_START_NEVER && !too_often(host, service, rule);
}

void boot_start_over(struct ipc_host *host, struct boot_service *service, bool checked_in)
{
	list_remove(&service->s_wanted);
	if (service->s_start)
		host->h_outbox->started(host->h_outbox->context, service->s_start, checked_in);
	service->s_start = 0;
}

static void fail(struct ipc_host *host, struct boot_service *service, const char *why)
{
	char text[sizeof service->s_name + sizeof service->s_why + 32];

	snprintf(service->s_why, sizeof service->s_why, "%s", why);
	snprintf(text, sizeof text, "service %s: %s", service->s_name, service->s_why);
	host->h_outbox->warn(host->h_outbox->context, text);
	boot_start_over(host, service, false);
	service->s_failed = true;
	boot_drop_port(host, service);
}

static void begin(struct ipc_host *host, struct boot_service *service)
{
	const struct boot_rule *rule = rule_of(host, service);
	char why[MACHD_WATCH_WHY];

	if (too_often(host, service, rule)) {
		snprintf(why, sizeof why,
			 "it was started %" PRIu32 " times in a short time (StartLimitBurst=)",
			 service->s_starts);
		fail(host, service, why);
		return;
	}
	if (window_over(host, service, rule)) {
		service->s_window = host->h_now;
		service->s_starts = 0;
	}
	service->s_starts++;
	service->s_start = ipc_host_id(host);
	host->h_outbox->start(host->h_outbox->context, service->s_start, service->s_name,
			      host->h_now + rule->br_timeout);
}

void boot_start_wanted(struct ipc_host *host)
{
	struct boot_service *service;

	while ((service = list_first(&host->h_wanted, struct boot_service, s_wanted))) {
		list_remove(&service->s_wanted);
		begin(host, service);
	}
}

void boot_start_ended(struct ipc_host *host, uint64_t id, const char *why)
{
	struct boot_service *service, *next;

	HASH_ITER(hh, host->h_services, service, next)
	if (service->s_start == id)
		break;
	if (id && service)
		fail(host, service, *why ? why : "nobody checked in within its StartTimeout=");
}
