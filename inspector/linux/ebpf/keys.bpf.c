/* SPDX-License-Identifier: MIT
 *
 * The secrets of TLS sessions, as a program hands them to its key log.
 *
 *   a uprobe       on the function that OpenSSL calls for each secret (where it is, and which
 *                  arguments are what, user space has found in the file; see keys.py).  A secret
 *                  leaves the kernel only for a task whose network namespace was let in
 *   exec, connect, listen   tell that a process is there, in any namespace but the capture's own,
 *                  so that whoever may attach probes looks at its program (live/prober.py)
 *   iter/task      the processes that were there before
 *
 * A namespace is known by its cookie: unlike its inode's number that is never used again.
 */
#include "kernel.h"

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define PROBES 64
#define LABEL 40
#define RANDOM 32
#define SECRET 64
#define WINDOW 1024
#define AGAIN_NS 1000000000ull

struct config {
	__u64 own; /* the namespace whose processes are never told: the capture's own */
};
const volatile struct config config;

/* Read through its mapped page, so no privilege is needed to. */
struct {
	__u64 hits[PROBES]; /* of each probe, by tasks on the bridge */
	__u64 elsewhere; /* of all probes, by others */
	__u64 sent;
	__u64 unreadable; /* arguments that are no secret, or not in memory */
	__u64 lost; /* no room in a ring buffer */
} counters;

struct secret {
	__u64 at; /* CLOCK_MONOTONIC */
	__u32 pid;
	__u32 probe;
	__u32 length;
	__u32 unused;
	char label[LABEL];
	__u8 random[RANDOM];
	__u8 secret[SECRET];
};

/* Of a build of which it is not known where the client's random is: the structure it is in. */
struct unplaced {
	struct secret secret; /* `random` is empty */
	__u8 window[WINDOW];
};

struct presence {
	__u32 pid;
	__u32 netns;
	__u64 cookie;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 4 << 20);
} secrets SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 4 << 20);
} unplaced SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 256 << 10);
} presences SEC(".maps");

/* Network namespaces that are on the bridge, by cookie. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 4096);
	TYPE(key, __u64);
	TYPE(value, __u8);
} namespaces SEC(".maps");

/* When a process was told last, so that a busy one is told once a second. */
struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	NUMBER(max_entries, 4096);
	TYPE(key, __u32);
	TYPE(value, __u64);
} told SEC(".maps");

INLINE void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

INLINE void find_namespace(struct task_struct *task, __u64 *cookie, __u32 *inode)
{
	struct nsproxy *proxy = 0;
	struct net *net = 0;

	*cookie = 0;
	*inode = 0;
	READ(proxy, task, nsproxy);
	if (!proxy)
		return; /* a process that is ending */
	READ(net, proxy, net_ns);
	READ(*cookie, net, net_cookie);
	READ(*inode, net, ns.inum);
}

/*
 * What is where among the arguments stands in the cookie of the attachment: bits 0-2 the label,
 * 3-5 the secret, 6-8 its length, 9-11 the client's random, 16-31 how far behind that pointer,
 * 32-37 the probe's number, 38 that it is not known how far.
 */
#define ARGUMENT(shift) arguments[(layout >> (shift)) & 7]
#define IS_UNPLACED (1ull << 38)

/* Fill in a secret but for the random; 0 when all could be read. */
INLINE int take(struct secret *event, const __u64 *arguments, __u64 layout, __u64 length)
{
	event->at = bpf_ktime_get_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->probe = (layout >> 32) & (PROBES - 1);
	event->length = length;
	event->unused = 0;
	__builtin_memset(event->random, 0, sizeof(event->random));
	__builtin_memset(event->secret, 0, sizeof(event->secret));
	/* The length once more with a mask: the verifier has to see it where it is used. */
	return bpf_probe_read_user_str(event->label, LABEL, (void *)ARGUMENT(0)) <= 0 ||
	       bpf_probe_read_user(event->secret, length & 127, (void *)ARGUMENT(3));
}

SEC("uprobe")
int on_secret(struct registers *context)
{
	__u64 arguments[8] = {context->rdi, context->rsi, context->rdx, context->rcx,
			      context->r8,  context->r9,  0,		0};
	__u64 layout = bpf_get_attach_cookie(context);
	struct unplaced *whole;
	struct secret *event;
	__u64 cookie, length;
	__u32 inode;

	find_namespace(bpf_get_current_task_btf(), &cookie, &inode);
	if (!bpf_map_lookup_elem(&namespaces, &cookie)) {
		count(&counters.elsewhere);
		return 0;
	}
	count(&counters.hits[(layout >> 32) & (PROBES - 1)]);
	length = ARGUMENT(6);
	if (length < 32 || length > SECRET) {
		count(&counters.unreadable);
		return 0;
	}
	if (layout & IS_UNPLACED) {
		whole = bpf_ringbuf_reserve(&unplaced, sizeof(*whole), 0);
		if (!whole) {
			count(&counters.lost);
			return 0;
		}
		if (take(&whole->secret, arguments, layout, length) ||
		    bpf_probe_read_user(whole->window, WINDOW, (void *)ARGUMENT(9))) {
			count(&counters.unreadable);
			bpf_ringbuf_discard(whole, 0);
			return 0;
		}
		count(&counters.sent);
		bpf_ringbuf_submit(whole, 0);
		return 0;
	}
	event = bpf_ringbuf_reserve(&secrets, sizeof(*event), 0);
	if (!event) {
		count(&counters.lost);
		return 0;
	}
	if (take(event, arguments, layout, length) ||
	    bpf_probe_read_user(event->random, RANDOM,
				(void *)(ARGUMENT(9) + ((layout >> 16) & 0xffff)))) {
		count(&counters.unreadable);
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	count(&counters.sent);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Say that the current process is there. */
INLINE void tell(__u32 pid)
{
	struct presence *event;
	__u64 cookie;
	__u32 inode;

	find_namespace(bpf_get_current_task_btf(), &cookie, &inode);
	if (!cookie || cookie == config.own)
		return;
	event = bpf_ringbuf_reserve(&presences, sizeof(*event), 0);
	if (!event) {
		count(&counters.lost);
		return;
	}
	event->pid = pid;
	event->netns = inode;
	event->cookie = cookie;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *context)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	(void)context;
	/* It has no libraries yet: it is told again when it connects, however soon. */
	bpf_map_delete_elem(&told, &pid);
	tell(pid);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int on_state(__u64 *context)
{
	__u64 now = bpf_ktime_get_ns(), *before;
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	int from = context[1], to = context[2];

	/* Both happen in the process's own call, unlike the others. */
	if (from != TCP_CLOSE || (to != TCP_SYN_SENT && to != TCP_LISTEN))
		return 0;
	before = bpf_map_lookup_elem(&told, &pid);
	if (before && now - *before < AGAIN_NS)
		return 0;
	bpf_map_update_elem(&told, &pid, &now, BPF_ANY);
	tell(pid);
	return 0;
}

SEC("iter/task")
int existing(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct presence found = {};

	if (!task || task->pid != task->tgid)
		return 0;
	find_namespace(task, &found.cookie, &found.netns);
	found.pid = task->tgid;
	if (found.cookie)
		bpf_seq_write(context->meta->seq, &found, sizeof(found));
	return 0;
}

char _license[] SEC("license") = "GPL";
