/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: their names, their options and their help. */
#include "client/machctl/commands.h"

#include <stddef.h>

#define SHARED_OPTIONS                                                                \
	{"json", 'j', NULL, 0, "Write a JSON array with an object for each line", 0}, \
	{                                                                             \
		"socket", 's', "PATH", 0, "The daemon's socket", 0                    \
	}

const struct argp_option shared_options[] = {SHARED_OPTIONS, {0}};

static const struct argp_option trace_options[] = {
	{"port", 'p', "OBJECT", 0, "Only messages to the port with this id", 1},
	{"id", 'i', "NUMBER", 0, "Only messages with this msgh_id", 1},
	{"count", 'n', "NUMBER", 0, "Stop after this many messages", 1},
	{"write", 'w', "FILE", 0, "Write the records to a file", 1},
	{"read", 'r', "FILE", 0, "Read records from a file that -w wrote", 1},
	SHARED_OPTIONS,
	{0},
};

static const struct argp_option graph_options[] = {
	{"all", 'a', NULL, 0, "Also the ports that every task has rights to", 1},
	SHARED_OPTIONS,
	{0},
};

static const struct argp_option leaks_options[] = {
	{"interval", 'i', "SECONDS", 0, "Time between two looks (default 2)", 1},
	{"count", 'n', "NUMBER", 0, "Looks after the first (default 3)", 1},
	SHARED_OPTIONS,
	{0},
};

static const struct argp_option top_options[] = {
	{"batch", 'b', NULL, 0, "Write lists to stdout instead of a screen", 1},
	{"sort", 'o', "COLUMN", 0, "Column to sort by, see below", 1},
	{"interval", 'i', "SECONDS", 0, "Time between two looks (default 2)", 1},
	{"count", 'n', "NUMBER", 0, "Stop after this many looks", 1},
	SHARED_OPTIONS,
	{0},
};

const struct command commands[] = {
	{"ps", ARGUMENTS_NONE, NULL,
	 "Show the tasks: one for each process that uses machd.\v"
	 "CHAN its connections, NAMES entries of its name space, RECV SEND ONCE DEAD\n"
	 "how many of them are rights of that kind, QUEUE messages on the ports it\n"
	 "receives from, WAIT its blocked threads, SENT and RCVD messages in all,\n"
	 "BAD how often it misused a name; if anybody is important, IMP requests and\n"
	 "replies that make it so now, with + for a donor of importance.\n\n"
	 "--json: task pid command uid gid channels names receive send send_once sets\n"
	 "dead queued queued_bytes waiting boosts inherited donor sent received\n"
	 "guard_exceptions names_peak channels_peak. inherited are boosts that came with\n"
	 "vouchers. command is null when the process is gone.",
	 cmd_ps, shared_options, 0, 0},
	{"ports", ARGUMENTS_PID, "[PID]",
	 "Show the names of every task, or of process PID, and what they stand for.\v"
	 "RIGHTS and REFS of this name; then of the port, the same in every task:\n"
	 "OBJECT its id, QUEUE messages/limit, SEND and ONCE rights there are, WAIT\n"
	 "2r two blocked receivers, 2s two blocked senders; FLAGS requested notices\n"
	 "N no senders, P port destroyed, D dead name, and S in a port set, I accepts\n"
	 "importance, T for the next owner only; OWNER the process that receives (-: on\n"
	 "its way, dead, or machd); WHAT service or kind.\n\n"
	 "--json: task pid command name rights urefs kind object receiver{task pid\n"
	 "name} service msgcount qlimit seqno mscount srights sorights waiters\n"
	 "blocked_senders override boosts no_senders port_destroyed dead_name importance\n"
	 "temporary_owner in_set. override is the QoS of the first message, boosts how\n"
	 "many messages carry importance.",
	 cmd_ports, shared_options, 0, 0},
	{"port", ARGUMENTS_PORT, "OBJECT|SERVICE|PID NAME",
	 "Show everybody who has to do with a port: by its id, the name of a service, or\n"
	 "the name that process PID has for it.\v"
	 "First the port and its queue. Then a line for each name of it, each right in a\n"
	 "message, behind a request or kept for others, each set and waiting thread:\n"
	 "PID who has it, or will have it; WHAT right; N of them; AGE of the message or\n"
	 "the wait; WHERE it is. Lines also tell of rights in the port's own queue.\n\n"
	 "--json: object kind service place task pid command name destination msgcount\n"
	 "qlimit bytes age_ns head_id head_pid seqno mscount srights sorights waiters\n"
	 "blocked_senders sets requests flags holders complete. In holders: how task pid\n"
	 "command name rights urefs count object via sender id age_ns thread state\n"
	 "timed. In flags: guarded strict immovable reply special_reply service_port\n"
	 "connection filtered importance temporary_owner no_senders port_destroyed\n"
	 "descriptor.",
	 cmd_port, shared_options, 0, 0},
	{"names", ARGUMENTS_NONE, NULL,
	 "Show the service names that can be looked up, and who serves them.\v"
	 "OBJECT is the id of the service's port, as in `machctl ports`; SUBSET that of\n"
	 "the bootstrap port where the name is, - for the first; BY how the name came\n"
	 "to be (declared: by a file of services.d), STATE running, declared (nobody has\n"
	 "asked for it), starting (with messages that wait), failed or created\n"
	 "(bootstrap_create_service, and nobody has checked in).\n\n"
	 "--json: service task pid command uid object subset subset_parent checked_in\n"
	 "declared state starts queued why. task is 0 while nobody holds the receive\n"
	 "right, uid null of a declared name; starts are those that count against its\n"
	 "limit.",
	 cmd_names, shared_options, 0, 0},
	{"policy", ARGUMENTS_EXPLAIN, "explain PID NAME",
	 "Show what process PID may do with the service NAME, and which line says so.\v"
	 "The process must have a task. Rules are in files of services.d and, for names\n"
	 "that they do not have, in machd.conf.\n\n"
	 "--json: service pid command uid unit own look_up. Both have allowed why file\n"
	 "line. why is everybody, user, group, unit, privileged, not-listed, undeclared,\n"
	 "undeclared-refused, same-user, root, other-user or nobody.",
	 cmd_policy, shared_options, 0, 0},
	{"queues", ARGUMENTS_PID, "[PID]",
	 "Show ports with messages in their queues, or blocked senders; the deepest first.\v"
	 "QUEUE messages/limit; AGE how long the first waits; BLOCKED threads that\n"
	 "cannot send; WAIT threads that receive; PID COMMAND NAME of who receives\n"
	 "(moving: the receive right is in a message); HEAD msgh_id of the first\n"
	 "message, FROM whom.\n\n"
	 "--json: object msgcount qlimit bytes age_ns blocked_senders waiters task pid\n"
	 "command name head_id head_pid service. task is 0 if nobody receives.",
	 cmd_queues, shared_options, 0, 0},
	{"limits", ARGUMENTS_NONE, NULL,
	 "Show each limit, who uses most of it, and why it is there.\v"
	 "VALUE as machd.conf has it (capital letters: it cannot be set), USED by the\n"
	 "user or task that uses most, MOST that anybody used at once, BY who uses most\n"
	 "now; - where nothing is counted.\n\n"
	 "--json: limit value default reason fixed uses. In uses, for each user or task:\n"
	 "task pid command uid used peak.",
	 cmd_limits, shared_options, 0, 0},
	{"why", ARGUMENTS_THIS_PID, "PID",
	 "Explain what process PID waits for: who waits for whom, from thread to thread.\v"
	 "A thread that cannot send waits for who receives from the full queue; one that\n"
	 "receives, for who has a right to its port, or will have it when it receives a\n"
	 "message. What stands further right is why the line above does not go on. The\n"
	 "exit status is 4 if the chain comes back to where it was: a circle.\n\n"
	 "--json: depth task pid command state thread object set service age_ns timed\n"
	 "msgcount qlimit anybody next. A line is a wait or an end of the chain. In\n"
	 "next, those who could end it: task pid command how. state is send, receive,\n"
	 "semaphore or eventlink, and at an end running, circle, told (above), unknown\n"
	 "or cut.",
	 cmd_why, shared_options, 0, 0},
	{"graph", ARGUMENTS_PID, "[PID]",
	 "Write tasks, ports and rights as a graph, as for machctl graph | dot -Tsvg.\v"
	 "Arrows go the way of messages: bold to who receives, dashed from send-once\n"
	 "rights, dotted where a message in a queue holds a right. Ports are yellow,\n"
	 "orange or red as their queues fill. Left out without -a: ports of tasks, of\n"
	 "the host and for bootstrap, which every task has rights to.\n\n"
	 "--json: element task pid command object kind service msgcount qlimit\n"
	 "blocked_senders name rights via. element is task, port, rights (of a task) or\n"
	 "message (with a right to object, in the queue of via), and says which of the\n"
	 "others there are.",
	 cmd_graph, graph_options, 0, 0},
	{"leaks", ARGUMENTS_NONE, NULL,
	 "Look several times, and show the tasks whose names grew, the fastest first.\v"
	 "NAMES they have now, GREW by so many, PER-S a second; TIMES that there were\n"
	 "more than before, of so many looks; RECV SEND ONCE DEAD SETS how much each\n"
	 "kind grew. The exit status is 4 if a task had more names each time.\n\n"
	 "--json: task pid command uid names grew seconds times looks receive send\n"
	 "send_once dead sets leak.",
	 cmd_leaks, leaks_options, 2, 3},
	{"metrics", ARGUMENTS_NONE, NULL,
	 "Write numbers in the text format of OpenMetrics, for Prometheus and the like.\v"
	 "Of each user that you may see, and of all if you see all: tasks, connections,\n"
	 "ports, messages and bytes, messages sent, received and destroyed; then queues,\n"
	 "limits and their use. Each has a line of help.\n\n"
	 "--json: uid tasks channels names ports messages messages_bytes memfds\n"
	 "messages_sent messages_received messages_destroyed sent_bytes. uid is null for\n"
	 "the sum of all.",
	 cmd_metrics, shared_options, 0, 0},
	{"top", ARGUMENTS_NONE, NULL,
	 "Show what tasks are doing now, again and again; the busiest first.\v"
	 "SENT/S and RCVD/S messages a second, QUEUE and BYTES on ports it receives\n"
	 "from, NAMES and how many are NEW, CHAN connections, WAIT of them blocked,\n"
	 "CPU%.\n"
	 "Keys: q quits, r reverses, + and - change the time, arrows move the list. Sort\n"
	 "by sent (key s), received (e), queue (u), bytes (b), names (n), new (g),\n"
	 "waiting (w), cpu (c) or pid (p).\n\n"
	 "--json: look task pid command uid sent_rate received_rate queued queued_bytes\n"
	 "names new channels waiting cpu_percent. As -b, an object for each line.",
	 cmd_top, top_options, 2, 0},
	{"trace", ARGUMENTS_PID, "[PID]",
	 "Show messages as they are sent: all, or those from and to process PID.\v"
	 "TIME seconds since the system started; FROM and TO processes (dead: the port\n"
	 "has died, dying: its task does; moving: it is itself in a message); ID\n"
	 "msgh_id; SIZE bytes of body and out-of-line memory; PORTS rights in it; OBJECT\n"
	 "the port's id; WHAT is known of the id, and XNU's names for the rest. What a\n"
	 "slow reader misses is said on stderr.\n\n"
	 "--json: an object for each line, and no array around them: number time_ns\n"
	 "from to object id size ports flags what. from and to are null for machd.",
	 cmd_trace, trace_options, 0, 0},
	{0},
};
