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

void lab_audit_donation(const struct ipc_donation *donation)
{
	const struct ipc_source *source = donation->dn_source;

	if (!source)
		return;
	LAB_TRUE(source->so_task && source->so_task->t_source == source);
	LAB_CHECK(donation->dn_raised == ipc_importance_donates(source->so_task),
		  "what a task donates does not follow it");
}

void lab_audit_inherits(struct ipc_host *host)
{
	const struct ipc_inherit *inherit;

	for (inherit = host->h_inherits; inherit; inherit = inherit->hh.next) {
		LAB_TRUE(inherit->in_vouchers > 0 && inherit->in_from_id != inherit->in_to_id);
		LAB_TRUE(vouchers_with(host, inherit) == inherit->in_vouchers);
		LAB_TRUE(inherit->in_donation.dn_source || !inherit->in_donation.dn_raised);
		lab_audit_donation(&inherit->in_donation);
	}
}

uint64_t lab_audit_inherited(const struct ipc_host *host, const struct ipc_task *task)
{
	const struct ipc_inherit *inherit;
	uint64_t boosts = 0;

	for (inherit = host->h_inherits; inherit; inherit = inherit->hh.next)
		if (inherit->in_to == task->t_source && inherit->in_donation.dn_raised)
			boosts += inherit->in_boosts;
	return boosts;
}
