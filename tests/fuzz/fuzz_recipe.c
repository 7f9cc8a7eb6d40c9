/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as recipes of vouchers, one array after the other, by two tasks. Whatever comes
 * of it can be taken apart again, and what was taken apart makes the same voucher.
 *
 *   array    u8 task, u16 size, the recipes
 *
 * A previous voucher from 1 to 16 stands for what that array, counted back from the last, has made.
 */
#include <mach/mach_voucher_types.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

enum { TASKS = 2, MADE = 16, ARRAYS_MAX = 64, SIZE_MAX_HERE = 1 << 16 };

static struct {
	struct world world;
	struct ipc_task *tasks[TASKS];
	mach_port_name_t made[TASKS][MADE]; /* the newest at `count` - 1, in turn */
	unsigned count[TASKS];
} stage;

static void begin(void)
{
	memset(&stage, 0, sizeof stage);
	world_start(&stage.world);
	for (unsigned i = 0; i < TASKS; i++) {
		world_connect(&stage.world, &stage.world.links[i]);
		world_hello(&stage.world, &stage.world.links[i], NULL, 64);
		FUZZ_CHECK(stage.world.links[i].thread && stage.world.links[i].thread->th_task);
		stage.tasks[i] = stage.world.links[i].thread->th_task;
	}
}

/* Put names where small numbers stand for them, as far as the recipes are whole. */
static void put_names(uint8_t *bytes, size_t size, unsigned task)
{
	mach_voucher_attr_recipe_data_t head;

	while (size >= sizeof head) {
		memcpy(&head, bytes, sizeof head);
		if (head.previous_voucher >= 1 && head.previous_voucher <= MADE) {
			head.previous_voucher =
				stage.made[task]
					  [(stage.count[task] - head.previous_voucher) % MADE];
			memcpy(bytes, &head, sizeof head);
		}
		if (head.content_size > size - sizeof head)
			return;
		bytes += sizeof head + head.content_size;
		size -= sizeof head + head.content_size;
	}
}

/* Recipes that come out depend on nothing but the voucher if these have no value in it. */
static bool plain(const struct ipc_voucher *voucher)
{
	return !ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_BANK).v_size &&
	       !ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE).v_size &&
	       !ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_PTHPRIORITY).v_size;
}

static void check_again(const struct ipc_voucher *voucher, unsigned task, uint8_t *bytes,
			uint32_t size)
{
	struct ipc_port *again;

	if (size == 0 || !plain(voucher))
		return;
	FUZZ_CHECK(ipc_voucher_create(stage.world.host, stage.tasks[task], bytes, size, &again) ==
		   KERN_SUCCESS);
	FUZZ_CHECK(again == voucher->iv_port);
	ipc_port_release_send(stage.world.host, again);
}

/* All that can be asked of a voucher, with all the room there is and with a byte less. */
static void take_apart(const struct ipc_voucher *voucher, unsigned task)
{
	static uint8_t bytes[2 * SIZE_MAX_HERE];
	const struct ipc_task *who = stage.tasks[task];
	uint32_t size, whole = sizeof bytes;

	FUZZ_CHECK(ipc_voucher_extract_all(stage.world.host, voucher, who, bytes, &whole) ==
		   KERN_SUCCESS);
	FUZZ_CHECK(whole <= sizeof bytes);
	check_again(voucher, task, bytes, whole);
	for (uint32_t key = 0; key <= IPC_VOUCHER_KEYS + 1; key++) {
		size = sizeof bytes;
		FUZZ_CHECK(ipc_voucher_extract_recipe(stage.world.host, voucher, who, key, bytes,
						      &size) == KERN_SUCCESS);
		FUZZ_CHECK(size <= whole);
		size = 15;
		ipc_voucher_extract_content(stage.world.host, voucher, who, key, bytes, &size);
		FUZZ_CHECK(size <= 15);
		size = sizeof bytes;
		ipc_voucher_command(stage.world.host, voucher, who, key, 1 + key % 4,
				    (struct ipc_voucher_value){bytes, 4}, bytes, &size);
		FUZZ_CHECK(size <= sizeof bytes);
	}
	ipc_voucher_priority(voucher);
	ipc_voucher_persona(voucher, who);
}

/* One task sends it, the other receives it, and is given what it became. */
static struct ipc_port *travel(struct ipc_port *port, unsigned task)
{
	struct ipc_host *host = stage.world.host;
	struct ipc_port *sent, *received;

	sent = ipc_voucher_process(host, stage.tasks[task], port->ip_voucher,
				   MACH_VOUCHER_ATTR_SEND_PREPROCESS);
	FUZZ_CHECK(sent);
	received = ipc_voucher_process(host, stage.tasks[!task], sent->ip_voucher,
				       MACH_VOUCHER_ATTR_AUTO_REDEEM);
	FUZZ_CHECK(received);
	ipc_port_release_send(host, sent);
	return received;
}

static void give(struct ipc_port *port, unsigned task)
{
	mach_port_name_t *name = &stage.made[task][stage.count[task]++ % MADE];

	FUZZ_CHECK(ipc_right_copyout(stage.world.host, stage.tasks[task]->t_space, port,
				     MACH_MSG_TYPE_PORT_SEND, name) == KERN_SUCCESS);
}

static void make(uint8_t *bytes, size_t size, unsigned task)
{
	struct ipc_port *port;
	kern_return_t kr;

	put_names(bytes, size, task);
	kr = ipc_voucher_create(stage.world.host, stage.tasks[task], bytes, size, &port);
	FUZZ_CHECK((port != NULL) == (kr == KERN_SUCCESS && size > 0));
	if (!port)
		return;
	take_apart(port->ip_voucher, task);
	give(travel(port, task), !task);
	give(port, task);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t recipes[SIZE_MAX_HERE];
	uint8_t digest[TRAP_DIGEST_SIZE];
	uint64_t heard;
	uint16_t length;

	begin();
	for (unsigned i = 0; i < ARRAYS_MAX && size >= 3; i++) {
		unsigned task = bytes[0] % TASKS;

		memcpy(&length, bytes + 1, sizeof length);
		bytes += 3;
		size -= 3;
		if (length > size)
			length = (uint16_t)size;
		memcpy(recipes, bytes, length);
		make(recipes, length, task);
		bytes += length;
		size -= length;
	}
	world_stop(&stage.world, digest, &heard);
	return 0;
}
