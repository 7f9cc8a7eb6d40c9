/* SPDX-License-Identifier: Apache-2.0 */
/* What is inherited, and who follows whom, counted again from what is there. */
#include "tests/lab/lab_inherit.h"

#include <mach/mach_voucher_types.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_audit.h"

/* An inherit is that of vouchers, and as its source is. */
static uint32_t vouchers_with(struct ipc_host *host, const struct ipc_inherit *inherit)
{
	const struct ipc_voucher *voucher;
	uint32_t count = 0;

	for (voucher = host->h_vouchers; voucher; voucher = voucher->hh.next)
		count += ipc_inherit_find(
				 host,
				 ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE)) ==
			 inherit;
	return count;
}

/* A chain has its end, and each of it follows whom the one before boosts. */
static uint32_t heirs_of(const struct ipc_host *host, const struct ipc_inherit *inherit)
{
	const struct ipc_inherit *each;
	uint32_t count = 0;

	for (each = host->h_inherits; each; each = each->hh.next)
		count += each->in_via == inherit;
	LAB_TRUE(!inherit->in_via || (inherit->in_via->in_to == inherit->in_donation.dn_source &&
				      inherit->in_via->in_depth + 1 == inherit->in_depth));
	return count;
}

void lab_audit_donation(const struct ipc_donation *donation)
{
	const struct ipc_source *source = donation->dn_source;

	if (!source)
		return;
	LAB_TRUE(!source->so_task || source->so_task->t_source == source);
	LAB_CHECK(donation->dn_raised == ipc_source_important(source),
		  "what a task donates does not follow it");
}

void lab_audit_inherits(struct ipc_host *host)
{
	const struct ipc_inherit *inherit;

	for (inherit = host->h_inherits; inherit; inherit = inherit->hh.next) {
		LAB_TRUE(inherit->in_vouchers > 0 || inherit->in_heirs > 0);
		LAB_TRUE(inherit->in_vouchers > 0 || inherit->in_received == 0);
		LAB_TRUE(inherit->in_from_id != inherit->in_to_id);
		LAB_TRUE(inherit->in_dropped <= inherit->in_received);
		LAB_TRUE(heirs_of(host, inherit) == inherit->in_heirs);
		LAB_TRUE(vouchers_with(host, inherit) == inherit->in_vouchers);
		LAB_TRUE(inherit->in_donation.dn_source);
		lab_audit_donation(&inherit->in_donation);
	}
	LIST_FOR_EACH (node, &host->h_sources_gone) {
		const struct ipc_source *source = list_entry(node, struct ipc_source, so_gone_link);

		LAB_TRUE(!source->so_task);
		lab_audit_inherited(host, source);
	}
}

uint64_t lab_audit_inherited(const struct ipc_host *host, const struct ipc_source *source)
{
	const struct ipc_inherit *inherit;
	uint64_t boosts = 0;

	for (inherit = host->h_inherits; inherit; inherit = inherit->hh.next)
		if (inherit->in_to == source && inherit->in_donation.dn_raised)
			boosts += ipc_inherit_boosts(inherit);
	LAB_TRUE(source->so_inherited == boosts);
	return boosts;
}
