/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the recipe fuzzer: arrays of recipes (fuzz_recipe.c), and one with vouchers in frames.
 */
#include <bank/bank_types.h>
#include <mach/mach_voucher_types.h>
#include <mach/message.h>
#include <mach/task_special_ports.h>
#include <string.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/seeds.h"

enum {
	DATA = MACH_VOUCHER_ATTR_KEY_USER_DATA,
	BANK = MACH_VOUCHER_ATTR_KEY_BANK,
	STORE = MACH_VOUCHER_ATTR_USER_DATA_STORE,
};

/* The array that is being written. */
static uint8_t array[1024];
static size_t array_size;

static void recipe(uint32_t key, uint32_t command, uint32_t previous, const void *content,
		   size_t size)
{
	const uint32_t head[] = {key, command, previous, (uint32_t)size};

	FUZZ_CHECK(array_size + sizeof head + size <= sizeof array);
	memcpy(array + array_size, head, sizeof head);
	if (size)
		memcpy(array + array_size + sizeof head, content, size);
	array_size += sizeof head + size;
}

static void end_array(unsigned task)
{
	uint16_t size = (uint16_t)array_size;

	seed_put_u8(task);
	seed_put(&size, sizeof size);
	seed_put(array, array_size);
	array_size = 0;
}

static void seed_data(void)
{
	recipe(DATA, STORE, 0, "words", 5);
	end_array(0);
	recipe(DATA, STORE, 0, "words", 5);
	recipe(MACH_VOUCHER_ATTR_KEY_TEST, STORE, 0, "more", 4);
	end_array(0);
	recipe(MACH_VOUCHER_ATTR_KEY_ALL, MACH_VOUCHER_ATTR_COPY, 1, NULL, 0);
	recipe(MACH_VOUCHER_ATTR_KEY_ALL, MACH_VOUCHER_ATTR_REMOVE, 2, NULL, 0);
	recipe(DATA, MACH_VOUCHER_ATTR_REDEEM, 1, NULL, 0);
	end_array(0);
	recipe(MACH_VOUCHER_ATTR_KEY_ALL, MACH_VOUCHER_ATTR_REDEEM, 1, NULL, 0);
	recipe(DATA, MACH_VOUCHER_ATTR_REMOVE, 0, NULL, 0);
	end_array(1);
	seed_save("recipe", "data");
}

static void seed_bank(void)
{
	recipe(BANK, MACH_VOUCHER_ATTR_BANK_CREATE, 0, NULL, 0);
	end_array(0);
	recipe(BANK, MACH_VOUCHER_ATTR_REDEEM, 1, NULL, 0);
	end_array(1);
	recipe(BANK, MACH_VOUCHER_ATTR_SEND_PREPROCESS, 1, NULL, 0);
	recipe(BANK, MACH_VOUCHER_ATTR_AUTO_REDEEM, 0, NULL, 0);
	end_array(1);
	recipe(BANK, MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA, 1, "persona", 7);
	end_array(0);
	seed_save("recipe", "bank");
}

static void seed_others(void)
{
	const uint32_t priority = 0x10ff;

	recipe(MACH_VOUCHER_ATTR_KEY_PTHPRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0,
	       &priority, sizeof priority);
	recipe(MACH_VOUCHER_ATTR_KEY_IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF, 0, NULL, 0);
	end_array(1);
	recipe(MACH_VOUCHER_ATTR_KEY_IMPORTANCE, MACH_VOUCHER_ATTR_REDEEM, 1, NULL, 0);
	recipe(DATA, MACH_VOUCHER_ATTR_SET_VALUE_HANDLE, 0, "12345678", 8);
	end_array(0);
	end_array(1);
	seed_save("recipe", "others");
}

/* A frame for the host that makes a voucher; `previous` is a name in the script's way. */
static void create(unsigned link, uint32_t host, uint32_t key, uint32_t command, uint32_t previous,
		   const void *content, size_t size)
{
	struct machd_call head = {.routine = MACHD_ROUTINE_host_create_mach_voucher,
				  .target = host};
	uint8_t body[256] = {0};
	uint32_t bytes;

	recipe(key, command, previous, content, size);
	bytes = (uint32_t)array_size;
	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, &bytes, sizeof bytes);
	memcpy(body + sizeof head + sizeof bytes, array, array_size);
	array_size = 0;
	seed_request(link, MACHD_OP_CALL, 0, body,
		     sizeof head + sizeof bytes + (bytes + 3) / 4 * 4);
}

#define CALL(link, name, object, ...)                                                            \
	do {                                                                                     \
		struct {                                                                         \
			struct machd_call head;                                                  \
			struct name##_in in;                                                     \
		} call = {{.routine = MACHD_ROUTINE_##name, .target = (object)}, {__VA_ARGS__}}; \
		seed_request(link, MACHD_OP_CALL, 0, &call, sizeof call);                        \
	} while (0)

/* Make two vouchers, carry one to oneself, ask the other, look into both. */
static void seed_frames_of_vouchers(void)
{
	const uint32_t host = FUZZ_NAME(2), port = FUZZ_NAME(3), voucher = FUZZ_NAME(4);
	struct {
		struct machd_message_args args;
		mach_msg_header_t header;
	} message = {.args = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_VOUCHER |
					MACH_RCV_TIMEOUT | MACH64_SEND_ANY,
			      .send_size = sizeof message.header,
			      .rcv_size = 1024,
			      .rcv_name = port},
		     .header = {.msgh_bits = MACH_MSGH_BITS_SET(MACH_MSG_TYPE_MAKE_SEND, 0,
								MACH_MSG_TYPE_COPY_SEND, 0),
				.msgh_remote_port = port,
				.msgh_voucher_port = voucher}};

	seed_step(FUZZ_CONNECT, 0);
	CALL(0, task_get_special_port, FUZZ_NAME_SELF, .which = TASK_HOST_PORT);
	CALL(0, mach_port_allocate, FUZZ_NAME_SELF, .right = MACH_PORT_RIGHT_RECEIVE);
	create(0, host, DATA, STORE, 0, "words", 5);
	create(0, host, BANK, MACH_VOUCHER_ATTR_BANK_CREATE, voucher, NULL, 0);
	seed_request(0, MACHD_OP_MESSAGE, 0, &message, sizeof message);
	message.header.msgh_voucher_port = FUZZ_NAME(5);
	seed_request(0, MACHD_OP_MESSAGE, 0, &message, sizeof message);
	message.header.msgh_bits =
		MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND, 0, MACH_MSG_TYPE_MOVE_SEND, 0);
	message.header.msgh_remote_port = message.header.msgh_voucher_port = voucher;
	seed_request(0, MACHD_OP_MESSAGE, 0, &message, sizeof message);
	CALL(0, mach_voucher_extract_all_attr_recipes, voucher, .size = 1000);
	CALL(0, mach_voucher_extract_attr_content, FUZZ_NAME(5), .key = BANK, .size = 500);
	CALL(0, mach_voucher_debug_info, FUZZ_NAME_SELF, .name = voucher, .size = 20);
	seed_save("frame", "vouchers");
}

void seed_recipes(void)
{
	seed_data();
	seed_bank();
	seed_others();
	seed_frames_of_vouchers();
}
