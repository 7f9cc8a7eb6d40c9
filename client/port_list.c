/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_port_names, mach_port_get_set_status, mach_port_space_info: lists of any length. An answer
 * brings what fits in one frame and where to go on; names that come or go meanwhile may be missed,
 * as they could be right after the call.
 */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <string.h>
#include <sys/mman.h>

#include "client/mi.h"
#include "protocol/limits.h"

static bool words_reserve(struct mi_words *list, size_t more)
{
	size_t need = list->count + more, room = list->room ? list->room : vm_page_size / 4;
	void *memory;

	while (room < need)
		room *= 2;
	if (room == list->room)
		return true;
	memory = list->words ? mremap(list->words, list->room * 4, room * 4, MREMAP_MAYMOVE)
			     : mi_pages(room * 4);
	if (!memory || memory == MAP_FAILED)
		return false;
	list->words = memory;
	list->room = room;
	return true;
}

/* Give back what is not needed, so that the caller's vm_deallocate() frees all. */
static void words_trim(struct mi_words *list)
{
	size_t used = round_page(list->count * 4), all = list->room * 4;

	if (all > used)
		mi_pages_free((char *)list->words + used, all - used);
	if (used == 0)
		list->words = NULL;
}

static void words_free(struct mi_words *list)
{
	if (list->words)
		mi_pages_free(list->words, list->room * 4);
}

/* Sort the words of one page into `lists` by turns. */
static bool take_page(const uint32_t *page, size_t count, struct mi_words *lists, size_t list_count)
{
	size_t turn = 0, turns;

	for (size_t j = 0; j < list_count; j++)
		turn += lists[j].width;
	turns = count / turn;
	for (size_t j = 0; j < list_count; j++)
		if (!words_reserve(&lists[j], turns * lists[j].width))
			return false;
	for (size_t i = 0; i < turns; i++) {
		for (size_t j = 0; j < list_count; j++) {
			memcpy(lists[j].words + lists[j].count, page,
			       lists[j].width * sizeof *page);
			lists[j].count += lists[j].width;
			page += lists[j].width;
		}
	}
	return true;
}

kern_return_t mi_fetch_all(enum machd_routine routine, mach_port_t task, uint32_t *in,
			   size_t in_words, uint32_t *out, size_t out_words, struct mi_words *lists,
			   size_t list_count)
{
	uint32_t *page = mi_pages(MACHD_FRAME_SIZE_MAX);
	kern_return_t code = KERN_RESOURCE_SHORTAGE;

	while (page) {
		struct mi_call call = {
			.routine = routine,
			.target = task,
			.in = in,
			.in_size = in_words * sizeof *in,
			.out = out,
			.out_size = out_words * sizeof *out,
			.out_array = page,
			.out_array_size = MACHD_FRAME_SIZE_MAX,
		};

		code = mi_call(&call);
		if (code == KERN_SUCCESS &&
		    !take_page(page, call.out_array_size / sizeof *page, lists, list_count))
			code = KERN_RESOURCE_SHORTAGE;
		if (code != KERN_SUCCESS || *out == 0)
			break;
		in[in_words - 1] = *out;
	}
	if (page)
		mi_pages_free(page, MACHD_FRAME_SIZE_MAX);
	for (size_t i = 0; i < list_count; i++) {
		if (code == KERN_SUCCESS)
			words_trim(&lists[i]);
		else
			words_free(&lists[i]);
	}
	return code;
}

kern_return_t mach_port_names(ipc_space_t task, mach_port_name_array_t *names,
			      mach_msg_type_number_t *namesCnt, mach_port_type_array_t *types,
			      mach_msg_type_number_t *typesCnt)
{
	struct mi_words lists[2] = {{.width = 1}, {.width = 1}};
	uint32_t in[] = {0}, next;
	kern_return_t code =
		mi_fetch_all(MACHD_ROUTINE_mach_port_names, task, in, 1, &next, 1, lists, 2);

	if (code == KERN_SUCCESS) {
		*names = lists[0].words;
		*types = lists[1].words;
		*namesCnt = *typesCnt = (mach_msg_type_number_t)lists[0].count;
	}
	return code;
}

kern_return_t mach_port_get_set_status(ipc_space_t task, mach_port_name_t name,
				       mach_port_name_array_t *members,
				       mach_msg_type_number_t *membersCnt)
{
	struct mi_words list = {.width = 1};
	uint32_t in[] = {name, 0}, next;
	kern_return_t code = mi_fetch_all(MACHD_ROUTINE_mach_port_get_set_status, task, in, 2,
					  &next, 1, &list, 1);

	if (code == KERN_SUCCESS) {
		*members = list.words;
		*membersCnt = (mach_msg_type_number_t)list.count;
	}
	return code;
}

kern_return_t mach_port_space_info(ipc_space_t task, ipc_info_space_t *space_info,
				   ipc_info_name_array_t *table_info,
				   mach_msg_type_number_t *table_infoCnt,
				   ipc_info_tree_name_array_t *tree_info,
				   mach_msg_type_number_t *tree_infoCnt)
{
	struct mi_words list = {.width = 1};
	uint32_t in[] = {0};
	struct mach_port_space_info_out out;
	kern_return_t code = mi_fetch_all(MACHD_ROUTINE_mach_port_space_info, task, in, 1,
					  &out.next, sizeof out / sizeof out.next, &list, 1);

	if (code == KERN_SUCCESS) {
		*table_info = (ipc_info_name_t *)(void *)list.words;
		*table_infoCnt = (mach_msg_type_number_t)(list.count * sizeof *list.words /
							  sizeof **table_info);
		*tree_info = NULL;
		*tree_infoCnt = 0;
		*space_info = (ipc_info_space_t){
			.iis_genno_mask = out.genno_mask,
			.iis_table_size = *table_infoCnt,
		};
	}
	return code;
}
