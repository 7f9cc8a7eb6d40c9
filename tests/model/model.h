/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reference model of Mach's rights: small, slow and plain. It is written from the contract alone
 * and shares no code with the daemon but the layout of frames. For each request it works out the
 * answer that is due; it does not predict the values of names, only which of them must be new, the
 * same as before, or gone.
 *
 *   model     all of it
 *   m_task    a client process with its entries
 *   m_entry   a name and the rights behind it
 *   m_port    a queue; its receive right is in an entry, in a message, or nowhere
 *   m_set     a port set
 *   m_semaphore, m_timer   what stands behind ports of those kinds
 *   m_msg     a message with naked rights
 *   m_bell    a descriptor that is readable while one of its knotes has something to tell
 *   m_thread  a channel; it may be blocked in a send or receive, or wait for a semaphore
 *
 * All of it lives in an arena and is freed at once.
 */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/task_special_ports.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/ops.h"

/* Ways to be wrong on purpose: the test of the test. */
enum model_mutation {
	MODEL_TRUE,
	MODEL_MERGE_WITHOUT_UREF,   /* copyout of a send right that is there already */
	MODEL_SEQNO_STAYS,	    /* when a message is received */
	MODEL_REQUEST_WITHOUT_UREF, /* a dead name that a request was on */
	MODEL_QUEUE_ONE_LARGER,	    /* than its limit */
	MODEL_OVERRIDE_STAYS,	    /* with its message */
	MODEL_MAKE_SEND_UNCOUNTED,  /* mscount */
	MODEL_SEND_ONCE_SILENT,	    /* no notification for one destroyed unused */
	MODEL_REPLY_CHECKED_LAST,   /* a bad destination right beats a bad reply */
	MODEL_MOVE_KEEPS_SEQNO,	    /* of a receive right */
	MODEL_REGISTERED_KEPT,	    /* the send rights that registered ports replace */
	MODEL_VOUCHER_UNASKED,	    /* given to a receiver that did not ask for it */
	MODEL_VOUCHERS_DIFFER,	    /* that say the same */
	MODEL_SIGNAL_FORGOTTEN,	    /* of a semaphore that nobody waits for */
	MODEL_TIMER_TWICE,	    /* a message while the last one is under way */
	MODEL_ERRORS_FORWARD,	    /* in a body with few descriptors */
	MODEL_ARRAYS_ROUND,	    /* a receive right in an array counts as a circle */
	MODEL_MEMORY_LEFT,	    /* with its sender */
	MODEL_ARRAY_OF_NOTHING,	    /* names before a bad one are not taken from it */
	MODEL_PORTS_ONE_MORE,	    /* than a user may have */
	MODEL_MESSAGES_HELD,	    /* against their sender when they are received */
	MODEL_SIZE_OF_SENDER,	    /* a message is as large for everybody as for its sender */
	MODEL_NARROW_TRAILER,	    /* a trailer's context is a word for everybody */
	MODEL_AUX_UNCOUNTED,	    /* auxiliary data never make a message too large */
	MODEL_AUX_HEADER_KEPT,	    /* as the sender wrote it */
	MODEL_REPLY_PORT_LENT,	    /* the right to a marked reply port goes in bodies */
	MODEL_REPLY_PORT_ANY,	    /* will do for those that insist on one */
	MODEL_FILTER_OPEN,	    /* everything passes */
	MODEL_EVENT_LOST,	    /* a signal of an eventlink */
	MODEL_BANK_UNSENT,	    /* its own task's stays that */
	MODEL_BANK_UNREDEEMED,	    /* it is received as it was sent */
	MODEL_PRIORITY_UNSAID,	    /* by the voucher of a message */
	MODEL_CONTEXT_FREE,	    /* a strict reply is sent by anybody */
	MODEL_REPLY_SHARED,	    /* and its port may have other rights */
	MODEL_CREATED_DIES,	    /* the port of a name that is kept, with its holder */
	MODEL_SUBSET_STAYS,	    /* when its requestor dies */
	MODEL_FILE_OF_ANY_KIND,	    /* memory and files are the same */
	MODEL_PART_UNTOLD,	    /* of a memfd that memory is */
	MODEL_SELF_UNIMPORTANT,	    /* no task boosts itself */
	MODEL_HELD_FOR_NOTHING,	    /* an assertion without a boost */
	MODEL_BELL_RINGS_ON,	    /* when the last message is taken */
	MODEL_KNOTE_STAYS,	    /* on a port or set that has gone */
	MODEL_EVENTS_OUT_OF_TURN,   /* the same one first, always */
	MODEL_UNANSWERED_LOST,	    /* what is sent without an answer does not get there */
	MODEL_LOAN_TWICE,	    /* what was taken from a loan is still to be received */
	MODEL_MUTATIONS,
};

enum {
	M_USERS = 4,
	M_FDS = 4,
	M_NAMES = 256,
	M_INFO_WORDS = 64,
	M_SPECIALS = 12,
	M_HOST_SPECIALS = 36,
	M_SERVICES = 6,
	M_KEYS = 8,
	M_FREED = 8
};

struct m_right {
	struct m_port *port; /* NULL: none */
	bool dead;	     /* the name was MACH_PORT_DEAD or became that */
	uint32_t type;	     /* MACH_MSG_TYPE_PORT_..., or 0 */
};

TAILQ_HEAD(m_msgs, m_msg);
TAILQ_HEAD(m_threads, m_thread);
TAILQ_HEAD(m_members, m_member);
TAILQ_HEAD(m_knotes, m_knote);

/* A dead-name or send-possible request on a name. */
struct m_request {
	TAILQ_ENTRY(m_request) on_port;
	struct m_entry *entry;
	struct m_port *notify; /* a naked send-once right; NULL once it fired */
	bool send_possible, armed;
};

struct m_port {
	TAILQ_ENTRY(m_port) next_voucher, of_model;
	struct m_user *user; /* who made it; NULL: the daemon itself */
	bool doubtful;	     /* whether it still counts there */
	unsigned counted;
	bool kernel;		      /* the daemon's own object */
	bool voucher;		      /* this one, and */
	const struct m_value *values; /* what it says, by key - 1 */
	bool dead;
	struct m_task *task;	/* whose task port it is, or NULL */
	struct m_entry *holder; /* of the receive right; NULL: in a message, or dead */
	struct m_port *transit; /* what that message was sent to */
	uint32_t mscount, srights, sorights, seqno, qlimit;
	uint64_t context;
	bool guarded, strict; /* the context is a guard */
	bool immovable;	      /* the receive right */
	struct m_msgs queue;
	unsigned queued, reserved; /* messages, and slots of senders that were woken */
	struct m_threads senders, receivers;
	struct m_port *no_senders, *destroyed; /* send-once rights of those requests */
	TAILQ_HEAD(, m_request) requests;
	struct m_members sets;
	struct m_knotes knotes;
	bool special;		 /* some thread's special reply port */
	bool only_reply;	 /* marked: good for replies and nothing else */
	bool is_reply;		 /* good for replies to those that take no others: */
	bool wants_reply;	 /* this is one of them */
	uint32_t persona;	 /* under which a reply must be sent; 0: any */
	bool accepts, tempowner; /* importance, and not for who has it now */
	bool armed_boost;	 /* a donor waits for room */
	bool filtered;		 /* not everything may be sent to it by everybody */
	bool no_grant;		 /* messages to it carry no rights */
	bool service, connection;
	struct m_label *label;	       /* of one of these */
	struct m_semaphore *semaphore; /* that it stands for, or NULL */
	struct m_timer *timer;	       /* whose it is, or NULL */
	struct m_thread *thread;       /* whose port it is, or NULL */
	bool eventlink;		       /* it stands for a side of one, */
	struct m_side *side;	       /* which is this as long as that lives */
	struct m_table *table;	       /* whose it is, or NULL */
	struct m_service *kept;	       /* as what the daemon takes it back, or NULL; */
	bool home;		       /* it has, and who made the name pays for it */
	struct m_file *file;	       /* that it stands for, or NULL */
};

/* For whom work is done; without `holder` by nobody but its own task, whichever that is. */
struct m_bank {
	uint32_t known, persona; /* no padding: what is compared is bytes */
	const struct m_task *holder, *originator, *proximate;
	const struct m_task *merchant; /* who works; NULL: the holder itself */
};

/* What a voucher says under one key; all zero: nothing. */
struct m_value {
	uint32_t size, word;	       /* bytes, as many as fit, or a priority */
	const struct m_task *boosting; /* whose importance comes along, */
	const struct m_task *from;     /* or whom it inherits from, */
	uint64_t depth;		       /* and how far back that goes */
	struct m_bank bank;
};

/* A side of an eventlink. */
struct m_side {
	struct m_side *other;
	struct m_port *port;
	uint64_t count;		 /* of signals */
	bool taken, by_any;	 /* somebody may wait on it: anybody, */
	struct m_thread *thread; /* or this one, as long as it lives */
	struct m_thread *waiter;
	uint64_t wanted; /* it waits for more than that */
};

/* A service, with what its maker's receive right was guarded with when that left. */
struct m_label {
	const struct m_task *owner;
	uint32_t info[M_INFO_WORDS];
	bool guarded, returning;
	uint64_t guard;
};

/* A name at a bootstrap port. */
struct m_service {
	struct m_port *port; /* a naked send right; NULL: nobody has the name */
	uint32_t uid;	     /* who brought it */
	bool kept;	     /* it was created, and its port comes back */
	unsigned number;     /* of all there have been */
};

/* The names at a bootstrap port. */
struct m_table {
	TAILQ_ENTRY(m_table) link, in_ending;
	struct m_port *port;
	struct m_table *above; /* NULL: it is the first; that one may have ended, */
	bool doomed, ended;    /* as this one will, and has */
	struct m_port *requestor;
	uint32_t uid, depth;
	struct m_service service[M_SERVICES];
};

struct m_semaphore {
	TAILQ_ENTRY(m_semaphore) link;
	const struct m_task *owner; /* NULL: it has ended */
	int32_t value;
	bool reversed; /* who came last is served first */
	struct m_threads waiters;
};

struct m_timer {
	TAILQ_ENTRY(m_timer) link;
	struct m_port *port;
	uint64_t deadline; /* ns, 0: not armed */
	bool sent;	   /* its message has not been received */
};

struct m_set {
	struct m_members members;
	struct m_members ready; /* those with messages, the next one to serve first */
	struct m_knotes knotes;
	struct m_threads receivers;
	struct m_entry *holder;
};

struct m_member {
	TAILQ_ENTRY(m_member) of_port, of_set, in_ready;
	struct m_port *port;
	struct m_set *set;
	bool ready;
};

/* It rings while somebody is ready. Its id is the machine's, and known when that has told it. */
struct m_bell {
	TAILQ_ENTRY(m_bell) link;
	struct m_task *task;  /* NULL: it is closed */
	uint64_t ring, quiet; /* its descriptors */
	uint32_t id, origin;
	struct m_knotes knotes, ready; /* the front is told next */
};

/* A bell hangs on a port or a set, until that has gone and this was told. */
struct m_knote {
	TAILQ_ENTRY(m_knote) of_bell, of_object, in_ready;
	struct m_bell *bell;
	struct m_port *port; /* one of the two, */
	struct m_set *set;
	bool gone; /* or none any more */
	bool ready;
	mach_port_name_t name;
};

struct m_entry {
	TAILQ_ENTRY(m_entry) link;
	struct m_task *task;
	mach_port_name_t name; /* 0 until the machine has told it */
	uint32_t type;	       /* MACH_PORT_TYPE_ bits of the right */
	uint32_t urefs;
	struct m_port *port;
	struct m_set *set;
	struct m_request *request;
	struct m_port *corpse; /* what it named when that died, until somebody looks at it */
	bool boosts;	       /* it is to reply to a message that brought importance */
	bool died_asked; /* its port died under a request, and nobody has looked at it since */
	uint32_t origin; /* for the test: which operation it came from */
};

struct m_task {
	TAILQ_ENTRY(m_task) link;
	TAILQ_HEAD(m_entries, m_entry) entries;
	unsigned entry_count;
	uint32_t table; /* entries that there is room for, with the first, that is nobody's */
	struct m_user *user;
	unsigned threads;
	struct m_port *self, *host;
	struct m_right
		special[M_SPECIALS]; /* what naked send rights are kept for: by its number, */
	struct m_right registered[TASK_PORT_REGISTER_MAX]; /* and in a row */
	bool dead;
	mach_port_name_t freed[M_FREED]; /* names that were freed last: not to come again soon */
	unsigned freed_count;
	uint32_t uid, gid, pid, pidversion;
	bool donor;    /* of importance */
	bool takes;    /* it has had a port that accepts importance */
	uint32_t held; /* assertions of its own */
	bool borrows;  /* a thread of it has a board */
	bool suspect;  /* hardened, and its messages are filtered */
	unsigned word; /* bits of its pointers */
	uint32_t origin;
};

/* A descriptor of a message. */
struct m_part {
	uint32_t type, disposition, copy, flags;
	uint64_t context;
	uint32_t count;		    /* of rights, or bytes of memory */
	struct m_right *rights;	    /* so many, in the message's */
	const uint8_t *data;	    /* names as they were sent, or memory, if it is in the frame */
	struct machd_memory memory; /* where it is */
};

/* A descriptor of the machine's that comes with a frame. */
struct m_fd {
	uint64_t handle, size;
	bool sealed;
};

/* What a fileport or a memory entry holds. */
struct m_file {
	struct m_fd fd;
	bool memory, fixed; /* it is a part of a memfd; and that cannot change its size */
	struct machd_extent part;
};

/* A message as it comes, in the parts of a frame. */
struct m_sent {
	bool promised;	      /* there is room for it, whatever its user has sent otherwise */
	const uint8_t *bytes; /* of the message, but for the last ones: */
	uint32_t tail;	      /* those are the content of the first descriptor */
	const struct machd_memory *memory; /* a table of args->memory_count */
	const uint8_t *data;
	const uint8_t *aux; /* args->aux_size bytes beside the message */
	unsigned fds;
	struct m_fd fd[M_FDS];
};

struct m_msg {
	TAILQ_ENTRY(m_msg) link;
	uint8_t *body; /* what is behind the descriptors */
	uint32_t body_size;
	uint32_t tail; /* of these, the last ones that travel in a descriptor */
	uint8_t *aux;
	uint32_t aux_size;
	unsigned fds;
	uint64_t fd[M_FDS], fd_size[M_FDS];
	struct m_user *user; /* who pays */
	bool complex;
	int32_t id;
	uint32_t voucher_type;	      /* 0: none, and the field is handed through */
	uint32_t voucher;	      /* that field */
	struct m_right voucher_right; /* none: the null voucher */
	struct m_right dest, reply;
	unsigned parts;
	struct m_part *part;
	unsigned right_count; /* in all parts */
	struct m_right *right;
	uint32_t security[2], audit[8];
	uint32_t priority, override; /* its QoS */
	bool donates, raised;	     /* its sender is important; and that counts */
	bool may_donate;	     /* or may come to be */
	bool lends;		     /* the reply right brings importance by itself */
	const struct m_task *donor;  /* while it counts as long as this one is important */
	bool inherits;		     /* its voucher has that now */
	bool circular;		     /* it carries its own destination */
	bool always;		     /* it was promised a place in the queue */
	bool from_kernel;	     /* a reply of the daemon */
	unsigned refused;	     /* rights before those of the part that was refused */
	unsigned group;	       /* notifications of one event that may come in any order; 0: none */
	struct m_timer *timer; /* that sent it */
};

/* A name in an answer: it belongs to this entry. */
struct m_name {
	uint32_t offset;
	struct m_entry *entry;
};

/* The answer that is due, byte for byte where `care` is set. */
struct m_answer {
	bool due;
	uint32_t size;
	uint8_t *bytes, *care; /* behind the frame header; the first word is the code */
	uint32_t memory;       /* where the packet with its memory begins; 0: there is none */
	uint32_t other_code;   /* where the contract leaves two codes open */
	unsigned fds;	       /* that come with it */
	uint64_t fd[M_FDS];
	struct m_bell *bell; /* that was made, and whose id this tells; or NULL */
	struct m_msg *note;  /* one of a group: `bytes` may be those of another one */
	unsigned name_count;
	struct m_name name[M_NAMES];
};

enum m_state { M_IDLE, M_SENDING, M_WOKEN, M_RECEIVING, M_WAITING, M_GONE };

struct m_thread {
	TAILQ_ENTRY(m_thread) link; /* where it waits */
	struct m_task *task;
	enum m_state state;
	bool granted; /* woken with a slot of the queue */
	struct machd_message_args args;
	uint32_t memory_taken;	       /* of what it sent */
	struct m_msg *msg;	       /* that it is blocked in sending */
	uint32_t qos;		       /* its place among those that are */
	struct m_port *special;	       /* its special reply port, or NULL */
	struct m_port *port;	       /* that it waits at, */
	struct m_set *set;	       /* or this, */
	struct m_semaphore *semaphore; /* or this, */
	struct m_side *side;	       /* or on this; */
	uint64_t count;		       /* its signals when that began */
	struct m_port *self;	       /* what stands for it, once somebody has asked */
	struct m_port *voucher;	       /* that it works under: a naked send right, or NULL */
	uint64_t deadline;
	struct m_answer answer;
	bool heard;   /* the machine has answered it: a hint where the contract leaves a choice */
	bool refused; /* and said that there is no room */
	bool lost;    /* for what it receives */
	uint32_t origin;
};

struct m_chunk;

/* What a user may hold, by protocol/limits.def. */
struct m_limits {
	uint32_t names_per_task;
	uint64_t names, ports, messages, bytes, memfds, memory;
};

/* The machine's policy: whom it is about, and what others may send where there is a filter. */
struct m_policy {
	uint32_t uid;
	uint32_t first[2], last[2]; /* ids of messages to a port of no service, and of one */
};

/* And holds: of bytes of messages at least and at most; of ports those alive. */
struct m_user {
	bool known;
	uint32_t uid;
	uint64_t names, ports, messages, least, most, memfds, memory;
};

/* What one task has inherited of another, with vouchers that say so. */
struct m_inherit {
	TAILQ_ENTRY(m_inherit) link;
	const struct m_task *from, *to;
	uint64_t depth;
	const struct m_inherit *via; /* what that one had inherited, or NULL */
	uint32_t boosts;	     /* messages */
	bool raised;		     /* and they count */
};

struct model {
	enum model_mutation mutation;
	struct m_limits limits;
	struct m_user users[M_USERS];
	TAILQ_HEAD(, m_port) ports;
	unsigned counting, doubtful; /* of them */
	unsigned slack;		     /* of what counts as ports, too, and is not followed */
	const struct m_policy *policy;
	bool strict; /* replies are enforced */
	bool donors; /* there has been one */
	TAILQ_HEAD(, m_inherit) inherits;
	uint64_t now;
	struct m_chunk *chunks;
	TAILQ_HEAD(, m_task) tasks;
	struct m_port *host, *host_priv, *bootstrap;
	TAILQ_HEAD(, m_port) vouchers;
	TAILQ_HEAD(, m_table) tables; /* the first one, and the youngest first */
	TAILQ_HEAD(, m_table) ending; /* one after the other */
	bool subsets_end;
	unsigned services; /* how many there have been */
	struct m_right host_special[M_HOST_SPECIALS];
	struct m_msgs reap; /* to be destroyed */
	TAILQ_HEAD(, m_semaphore) semaphores;
	TAILQ_HEAD(, m_timer) timers;
	TAILQ_HEAD(, m_bell) bells;
	bool reaping;
	struct m_threads woken;
	unsigned groups;
	const struct m_entry *ended;  /* whose task destroys its receive right */
	unsigned long sent, received; /* messages */
};

/* An empty machine at time `now` (ns); `policy` may be NULL. */
void model_start(struct model *model, const struct m_limits *limits, const struct m_policy *policy,
		 uint64_t now, enum model_mutation mutation);
void model_stop(struct model *model);

/* A task with pointers of `word` bits, and the names it was welcomed with. */
struct m_task *model_task(struct model *model, unsigned word, uint32_t uid, uint32_t pid,
			  uint32_t pidversion, mach_port_name_t self, mach_port_name_t host,
			  mach_port_name_t bootstrap);
/* Whether a user has no room for another task. */
bool model_task_refused(struct model *model, uint32_t uid);

struct m_thread *model_thread(struct model *model, struct m_task *task);

/*
 * A thread's connection breaks; with the last one the task ends. If it is blocked in a send, the
 * rights of its message go back to the task; that may not make new names, of which nobody would
 * hear: see m_may_vanish().
 */
void model_leave(struct model *model, struct m_thread *thread);

/* mach_msg; an answer is due afterwards, or the thread waits. */
void model_message(struct model *model, struct m_thread *thread,
		   const struct machd_message_args *args, const struct m_sent *sent);

/* A routine with its arguments in wire layout. */
void model_call(struct model *model, struct m_thread *thread, uint32_t routine,
		mach_port_name_t target, const uint32_t *args, unsigned words);

/* A right to a file is made, unless the machine cannot have it: a code. */
void model_file(struct model *model, struct m_thread *thread, const struct m_file *file,
		uint32_t refused);
/* The file, or the memory, behind a right. */
void model_file_of(struct model *model, struct m_thread *thread, mach_port_name_t name,
		   bool memory);

/* A bell is made of two descriptors, or a board of one, unless the machine has no room. */
void model_bell(struct model *model, struct m_thread *thread, uint64_t ring, uint64_t quiet,
		bool room);
void model_board(struct model *model, struct m_thread *thread, bool room);

void model_cancel(struct model *model, struct m_thread *thread);
void model_timeout(struct model *model, struct m_thread *thread);

/* The timers that are due fire. */
void model_timers(struct model *model);

/* How many names a task can have more, for certain. */
uint32_t model_names_left(const struct model *model, const struct m_task *task);

/* There is a user's limit that this could reach: which is first then is not said. */
bool m_tight(const struct model *model);

bool m_may_vanish(struct model *model, const struct m_thread *thread);

/* How large a buffer has to be for what waits at a port or set, with its trailer; 0: nothing. */
uint32_t model_head_size(const struct m_task *task, mach_port_name_t name, uint64_t option);

/* A thread is blocked. */
static inline bool m_waits(const struct m_thread *thread)
{
	return thread->state == M_SENDING || thread->state == M_RECEIVING ||
	       thread->state == M_WAITING;
}

/* The entry of a name, or NULL; a dead send-once right stays what it seems. */
struct m_entry *m_find(const struct m_task *task, mach_port_name_t name);

/* The entry that holds a send or receive right to a port, or NULL. */
struct m_entry *m_find_port(const struct m_task *task, const struct m_port *port);

/* How often a task is boosted. */
uint32_t model_boosts(const struct model *model, const struct m_task *task);

/* What mach_port_names shows for an entry. */
uint32_t m_type_bits(const struct m_entry *entry);
