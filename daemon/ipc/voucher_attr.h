/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes of vouchers: for each key, who makes values for recipes, shows them and takes
 * commands about them. Values are bytes, and equal bytes are the same value.
 */
#pragma once

#include "daemon/ipc/ipc_voucher.h"

/* A task as the bank knows it; it stays in vouchers when the task is gone. No padding. */
struct voucher_process {
	uint64_t vp_task; /* its id */
	int32_t vp_pid;
	uint32_t vp_pidversion;
	uint32_t vp_persona;
	uint32_t vp_uid, vp_gid;
	uint32_t vp_flags; /* PROC_PERSONA_INFO_FLAG_ */
};

enum voucher_bank_kind {
	BANK_OWN = 1, /* "my own task", whoever looks */
	BANK_TASK,    /* vb_holder's own */
	BANK_ACCOUNT, /* vb_merchant works for vb_holder */
};

/* A value of the bank attribute. No padding. */
struct voucher_bank {
	uint32_t vb_kind;    /* enum voucher_bank_kind */
	uint32_t vb_persona; /* under which the merchant works */
	uint64_t vb_merchant;
	struct voucher_process vb_holder;
	struct voucher_process vb_originator, vb_proximate;
};

/* A value of the importance attribute. No padding. */
struct voucher_importance {
	uint64_t vi_task; /* whose importance it is */
	int32_t vi_pid;
	uint32_t vi_depth;
	uint64_t vi_from; /* the task that it is inherited from (ipc_inherit.h); 0: its own */
};

/* Room for a value that is not the recipe's own content. */
union voucher_room {
	struct voucher_bank bank;
	struct voucher_importance importance;
	uint32_t priority;
};

struct voucher_attr {
	/*
	 * The value for a recipe's command, run by `task` on the previous value. KERN_SUCCESS, or
	 * the code that ends the recipes. The value may lie in `room`, in `content` or in
	 * `previous`, and `previous` may lie in `room`.
	 */
	kern_return_t (*get)(const struct ipc_task *task, uint32_t command,
			     struct ipc_voucher_value previous, struct ipc_voucher_value content,
			     union voucher_room *room, struct ipc_voucher_value *value);
	/*
	 * The content of a value, in *size bytes of room; *size is what it takes. *command is that
	 * of a recipe with this content.
	 */
	kern_return_t (*extract)(struct ipc_host *host, const struct ipc_task *task,
				 struct ipc_voucher_value value, uint32_t *command, uint8_t *bytes,
				 uint32_t *size);
	/* A command about a value, which may be the default; in and out as extract. */
	kern_return_t (*command)(struct ipc_host *host, const struct ipc_task *task,
				 struct ipc_voucher_value value, uint32_t command,
				 struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size);
	bool travels; /* its values change when they are sent and received */
};

/* The attribute of a key, or NULL: there is none. */
const struct voucher_attr *voucher_attr(uint32_t key);

extern const struct voucher_attr voucher_bank_attr;

/* No value. */
#define VOUCHER_DEFAULT ((struct ipc_voucher_value){NULL, 0})
