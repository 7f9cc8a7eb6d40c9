/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, the host, vouchers, special ports, and the rarer types by their names. */
#include <bsm/libbsm.h>
#include <mach/error.h>
#include <mach/host_info.h>
#include <mach/host_special_ports.h>
#include <mach/mach.h>
#include <mach/mach_interface.h>
#include <mach/mach_right.h>
#include <mach/mach_sync_ipc.h>
#include <mach/mach_vm.h>
#include <mach/mach_voucher.h>
#include <mach/port_obj.h>
#include <mach/rpc.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <stdio.h>
#include <string.h>

static void who(audit_token_t token)
{
	audit_token_t nobody = INVALID_AUDIT_TOKEN_VALUE;
	uid_t auid, euid, ruid;
	gid_t egid, rgid;
	pid_t pid;
	au_asid_t asid;

	audit_token_to_au32(token, &auid, &euid, &egid, &ruid, &rgid, &pid, &asid, NULL);
	printf("%d %u %d\n", (int)audit_token_to_pid(token), (unsigned)audit_token_to_euid(token),
	       audit_token_to_pid(token) == pid && memcmp(&token, &nobody, sizeof(token)) != 0);
}

static void ask_about(task_t task)
{
	mach_msg_type_number_t count = TASK_AUDIT_TOKEN_COUNT;
	audit_token_t token;
	mach_task_basic_info_data_t basic;
	security_token_t security;

	if (task_info(task, TASK_AUDIT_TOKEN, (task_info_t)&token, &count) == KERN_SUCCESS)
		who(token);
	count = TASK_SECURITY_TOKEN_COUNT;
	task_info(task, TASK_SECURITY_TOKEN, (task_info_t)&security, &count);
	count = MACH_TASK_BASIC_INFO_COUNT;
	task_info(task, MACH_TASK_BASIC_INFO, (task_info_t)&basic, &count);
}

static void special(void)
{
	mach_port_t bootstrap, ports[TASK_PORT_REGISTER_MAX] = {0, 0, 0};
	mach_port_array_t registered;
	mach_msg_type_number_t count;
	host_basic_info_data_t basic;

	task_get_bootstrap_port(mach_task_self(), &bootstrap);
	task_set_bootstrap_port(mach_task_self(), bootstrap);
	mach_ports_register(mach_task_self(), ports, TASK_PORT_REGISTER_MAX);
	mach_ports_lookup(mach_task_self(), &registered, &count);
	vm_deallocate(mach_task_self(), (vm_address_t)registered, count * sizeof(*registered));
	count = HOST_BASIC_INFO_COUNT;
	host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&basic, &count);
	host_get_user_notification_port(mach_host_self(), &bootstrap);
}

static void vouchers(void)
{
	mach_voucher_attr_recipe_data_t recipe;
	mach_voucher_t voucher = MACH_VOUCHER_NULL;

	memset(&recipe, 0, sizeof(recipe));
	recipe.key = MACH_VOUCHER_ATTR_KEY_ALL;
	recipe.command = MACH_VOUCHER_ATTR_COPY;
	recipe.previous_voucher = voucher;
	host_create_mach_voucher(mach_host_self(), (mach_voucher_attr_raw_recipe_array_t)&recipe,
				 sizeof(recipe), &voucher);
	mach_voucher_deallocate(voucher);
}

static void memory(void)
{
	mach_vm_address_t address = 0;
	mach_vm_size_t size = 2 * vm_page_size;

	if (mach_vm_allocate(mach_task_self(), &address, size,
			     VM_FLAGS_ANYWHERE | VM_MAKE_TAG(VM_MEMORY_APPLICATION_SPECIFIC_1)) ==
	    KERN_SUCCESS)
		mach_vm_deallocate(mach_task_self(), address, size);
}

int main(void)
{
	mach_right_recv_t receive;
	mach_right_send_t send;
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	int word = 7;

	ask_about(mach_task_self());
	special();
	vouchers();
	memory();
	receive = mach_right_recv_construct(MACH_RIGHT_RECV_FLAG_STRICT, &send, 0x77);
	port_set_obj_value_type(receive.mrr_name, &word, 1);
	if (port_get_obj_value(receive.mrr_name) != &word || !mach_task_is_self(mach_task_self()))
		return 1;
	mach_right_recv_destruct(receive, &send, 0x77);
	if (task_threads(mach_task_self(), &threads, &count) == KERN_SUCCESS)
		vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
	return (err_get_system(MACH_RCV_TIMED_OUT) << 26 & system_emask) != (err_mach_ipc & ~0);
}
