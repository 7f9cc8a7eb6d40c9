/* SPDX-License-Identifier: Apache-2.0 */
/* Trace records in words: see trace_words.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/watch.h"

#define TRACE_WORD_SIZE	 12
#define TRACE_WORDS_SIZE 320

/* Is it a process, and not machd or one of MACHD_TRACE_PID_? */
bool trace_is_pid(uint32_t pid);

/* A pid as a word: its digits, or what it stands for. */
const char *trace_pid(uint32_t pid, char word[TRACE_WORD_SIZE]);

/* What is known of the message's id, then the names of its flags; "-" if that is nothing. */
const char *trace_words(const struct machd_watch_message *message, char words[TRACE_WORDS_SIZE]);
