/* SPDX-License-Identifier: MIT
 *
 * Who holds the ends of TCP connections, in every network namespace.
 *
 * Two kinds of event, joined by socket cookie in user space (attribution.py):
 * `socket_event` says what a socket is, `process_event` whose it is.
 *
 *   connect()       CLOSE -> SYN_SENT in process context: the process; the source port is still 0
 *                   SYN_SENT -> ESTABLISHED or CLOSE: the addresses
 *   listen()        CLOSE -> LISTEN in process context: both
 *   accepted        SYN_RECV -> ESTABLISHED: the addresses. The current task is whoever the
 *                   softirq interrupted, on one machine the *client*: never used
 *                   first recv() or send() on it, in process context: the process
 *                   closed before any: the addresses again, for the listener's sake
 *
 * Of a process are read: pid, command name, the path of its executable, the names of its control
 * groups.  Never its arguments or environment, never one byte of what it sends.
 */
#include "kernel.h"

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define IPPROTO_TCP 6
#define AF_INET 2
#define AF_INET6 10

enum { PROBE_STATE, PROBE_RECEIVE, PROBE_SEND, PROBES };
enum { EVENT_SOCKET = 1, EVENT_PROCESS = 2 };

/* Read through its mapped page, so no privilege is needed to. */
struct {
	__u64 hits[PROBES];
	__u64 reserve_failures;
	__u64 map_failures;
} counters;

#define NAME 128
#define EXE 256
#define COMPONENTS 24

struct process {
	__u32 pid;
	__u32 exe_length; /* 0: not known */
	__u64 cgroup;
	char comm[16];
	char groups[2][NAME]; /* names in the unified hierarchy, and in the first of version 1 */
	char exe[EXE + NAME]; /* components, innermost first, each ended by NUL */
};

struct socket_event {
	__u32 kind;
	__u32 netns;
	__u64 at; /* CLOCK_MONOTONIC */
	__u64 cookie;
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u8 from;
	__u8 to;
	__u8 local[16];
	__u8 remote[16];
};

struct process_event {
	__u32 kind;
	__u32 unused;
	__u64 at;
	__u64 cookie;
	struct process process;
};

struct existing {
	struct socket_event socket;
	struct process process;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 8 << 20);
} events SEC(".maps");

/* Accepted connections nobody has read from or written to yet, by cookie. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
	NUMBER(max_entries, 65536);
	TYPE(key, __u64);
	TYPE(value, __u8);
} unheard SEC(".maps");

/* A record of the iterator is too large for the stack. */
struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, __u32);
	TYPE(value, struct existing);
} scratch SEC(".maps");

INLINE void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

INLINE void read_group(char *to, struct cgroup *cgroup)
{
	struct kernfs_node *node = 0;
	const char *name = 0;

	to[0] = 0;
	READ(node, cgroup, kn);
	READ(name, node, name);
	bpf_probe_read_kernel_str(to, NAME, name);
}

/* The path as its mount namespace has it: in a container, the path inside of it. */
INLINE void read_exe(struct process *process, struct task_struct *task)
{
	struct mm_struct *mm = 0;
	struct file *file = 0;
	struct dentry *dentry = 0, *parent = 0, *root = 0;
	struct vfsmount *vfs = 0;
	struct mount *mount = 0, *above = 0;
	const unsigned char *name;
	__u32 length = 0;

	process->exe_length = 0;
	READ(mm, task, mm);
	if (!mm)
		return;
	READ(file, mm, exe_file);
	if (!file)
		return;
	READ(dentry, file, f_path.dentry);
	READ(vfs, file, f_path.mnt);
	if (!dentry || !vfs)
		return;
	mount = (void *)vfs - OFFSET(struct mount, mnt);
	for (int i = 0; i < COMPONENTS; i++) {
		READ(root, mount, mnt.mnt_root);
		READ(parent, dentry, d_parent);
		if (dentry == root || dentry == parent) {
			READ(above, mount, mnt_parent);
			if (!above || above == mount) {
				process->exe_length = length;
				return;
			}
			READ(dentry, mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		if (length > EXE)
			return;
		name = 0;
		READ(name, dentry, d_name.name);
		long size = bpf_probe_read_kernel_str(&process->exe[length], NAME, name);
		if (size <= 1 || size >= NAME)
			return;
		length += size;
		dentry = parent;
	}
}

INLINE void read_process(struct process *process, struct task_struct *task)
{
	struct task_struct *leader = 0;
	struct css_set *set = 0;
	struct cgroup *unified = 0, *first = 0;
	struct cgroup_subsys_state *state = 0;
	struct kernfs_node *node = 0;

	process->pid = 0;
	process->cgroup = 0;
	process->comm[0] = 0;
	READ(process->pid, task, tgid);
	READ(leader, task, group_leader);
	bpf_probe_read_kernel_str(process->comm, sizeof(process->comm),
				  __builtin_preserve_access_index(&leader->comm));
	READ(set, task, cgroups);
	READ(unified, set, dfl_cgrp);
	READ(node, unified, kn);
	READ(process->cgroup, node, id);
	read_group(process->groups[0], unified);
	READ(state, set, subsys[0]);
	READ(first, state, cgroup);
	read_group(process->groups[1], first);
	read_exe(process, task);
}

INLINE void read_socket(struct socket_event *event, struct sock *sk, int from, int to)
{
	__u16 port = 0;

	event->kind = EVENT_SOCKET;
	event->netns = sk->__sk_common.skc_net.net->ns.inum;
	event->at = bpf_ktime_get_ns();
	event->family = sk->__sk_common.skc_family;
	event->from = from;
	event->to = to;
	/* skc_num is given back before a failed attempt is closed, inet_sport is not. */
	READ(port, (struct inet_sock *)sk, inet_sport);
	event->local_port = ntohs(port);
	event->remote_port = ntohs(sk->__sk_common.skc_dport);
	__builtin_memset(event->local, 0, sizeof(event->local));
	__builtin_memset(event->remote, 0, sizeof(event->remote));
	if (event->family == AF_INET) {
		READ(*(__u32 *)event->local, sk, __sk_common.skc_rcv_saddr);
		READ(*(__u32 *)event->remote, sk, __sk_common.skc_daddr);
	} else {
		READ(event->local, sk, __sk_common.skc_v6_rcv_saddr);
		READ(event->remote, sk, __sk_common.skc_v6_daddr);
	}
}

INLINE int is_tcp(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return sk->sk_protocol == IPPROTO_TCP && (family == AF_INET || family == AF_INET6);
}

static __attribute__((noinline)) int send_process(__u64 cookie)
{
	struct process_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(&counters.reserve_failures);
		return 0;
	}
	event->kind = EVENT_PROCESS;
	event->unused = 0;
	event->at = bpf_ktime_get_ns();
	event->cookie = cookie;
	read_process(&event->process, bpf_get_current_task_btf());
	bpf_ringbuf_submit(event, 0);
	return 0;
}

INLINE void send_socket(struct sock *sk, __u64 cookie, int from, int to)
{
	struct socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(&counters.reserve_failures);
		return;
	}
	read_socket(event, sk, from, to);
	event->cookie = cookie;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/inet_sock_set_state")
int on_state(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	int from = context[1], to = context[2];
	__u8 yes = 1;

	if (!is_tcp(sk))
		return 0;
	count(&counters.hits[PROBE_STATE]);

	__u64 cookie = bpf_get_socket_cookie(sk);

	if (from == TCP_CLOSE && to == TCP_SYN_SENT) {
		send_process(cookie);
	} else if (from == TCP_SYN_SENT) {
		send_socket(sk, cookie, from, to);
	} else if (to == TCP_LISTEN) {
		send_process(cookie);
		send_socket(sk, cookie, from, to);
	} else if (from == TCP_LISTEN && to == TCP_CLOSE) {
		send_socket(sk, cookie, from, to);
	} else if (from == TCP_SYN_RECV && to == TCP_ESTABLISHED) {
		if (bpf_map_update_elem(&unheard, &cookie, &yes, BPF_ANY))
			count(&counters.map_failures);
		send_socket(sk, cookie, from, to);
	} else if (to == TCP_CLOSE && !bpf_map_delete_elem(&unheard, &cookie)) {
		send_socket(sk, cookie, from, to);
	}
	return 0;
}

INLINE int heard(struct sock *sk, __u64 *hits)
{
	__u64 cookie;

	if (!is_tcp(sk))
		return 0;
	count(hits);
	cookie = sk->__sk_common.skc_cookie.counter;
	if (cookie && !bpf_map_delete_elem(&unheard, &cookie))
		send_process(cookie);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int on_receive(__u64 *context)
{
	return heard((struct sock *)context[0], &counters.hits[PROBE_RECEIVE]);
}

SEC("tp_btf/sock_send_length")
int on_send(__u64 *context)
{
	return heard((struct sock *)context[0], &counters.hits[PROBE_SEND]);
}

SEC("iter/task_file")
int existing(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct existing *found;
	struct socket *socket;
	struct sock *sk;
	__u32 zero = 0;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_tcp(sk))
		return 0;
	found = bpf_map_lookup_elem(&scratch, &zero);
	if (!found)
		return 0;
	read_socket(&found->socket, sk, 0, sk->__sk_common.skc_state);
	found->socket.cookie = sk->__sk_common.skc_cookie.counter;
	read_process(&found->process, task);
	bpf_seq_write(context->meta->seq, found, sizeof(*found));
	return 0;
}

char _license[] SEC("license") = "GPL";
