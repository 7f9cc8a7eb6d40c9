/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: wraps the state machine's input and its outbox, and writes every input and every
 * output to a file, for replay.h to repeat. The file contains what clients sent, tokens included,
 * so only its owner may read it.
 *
 * If a write fails, the recorder logs that once and records nothing more; the daemon goes on.
 */
#pragma once

#include "daemon/trap/trap.h"

struct record;

/*
 * Begin a record at `path` of a machine that is started with `config`; an old file is overwritten.
 * NULL: errno says why. End it with record_stop() or record_close().
 */
struct record *record_open(const char *path, const struct trap_config *config);

/*
 * The outbox to start the machine with: it writes down what goes out and hands it on to `next`,
 * which must outlive the recorder.
 */
const struct ipc_outbox *record_outbox(struct record *record, const struct ipc_outbox *next);

/* trap_input(), written down. */
const char *record_input(struct record *record, struct ipc_host *host, struct trap_input *input);

/* trap_stop(), written down; the record is complete then and `record` is gone. */
void record_stop(struct record *record, struct ipc_host *host);

/* Write what is still in memory. */
void record_flush(struct record *record);

/* Give the recorder up without an orderly end. */
void record_close(struct record *record);
