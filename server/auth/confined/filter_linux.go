package confined

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// errEnd ends serve.
var errEnd = io.EOF

// credential returns the user nobody for the child if this program is root. Otherwise it returns nil: the child runs
// as this program's user.
func credential() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// architectures has the AUDIT_ARCH value of each architecture with a filter.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// allowed are the system calls of Go's runtime and of reading and writing. Memory that programs can run is refused:
// see filterOf.
var allowed = []uint32{unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FUTEX, unix.SYS_MUNMAP, unix.SYS_MADVISE,
	unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGACTION, unix.SYS_SIGALTSTACK, unix.SYS_NANOSLEEP,
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY, unix.SYS_SCHED_YIELD, unix.SYS_GETPID,
	unix.SYS_GETTID, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_RESTART_SYSCALL, unix.SYS_GETRANDOM,
	unix.SYS_MINCORE, unix.SYS_RSEQ, unix.SYS_SET_ROBUST_LIST, unix.SYS_BRK, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT}

// deadly are the system calls that no correct parser makes. The host's kernel kills the child that makes one.
var deadly = []uint32{unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_SENDTO,
	unix.SYS_SENDMSG, unix.SYS_BIND, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV,
	unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_MOUNT,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_BPF, unix.SYS_SETUID, unix.SYS_SETRESUID, unix.SYS_CAPSET,
	unix.SYS_IO_URING_SETUP, unix.SYS_KEYCTL, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_FTRUNCATE,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_PERF_EVENT_OPEN}

// Offsets in the data that the host's kernel passes to a filter (struct seccomp_data), on little-endian machines.
const (
	atNumber       = 0
	atArchitecture = 4
	atArguments    = 16 // eight bytes each
)

// filterOf returns the seccomp filter of an architecture. An unknown architecture is an error. Results of the filter:
//   - calls that the runtime needs: allowed
//   - calls in deadly, executable memory, clone without a thread, tgkill of another process: the process is killed
//   - clone3: ENOSYS
//   - all others: EPERM
func filterOf(architecture string) ([]unix.SockFilter, error) {
	arch, ok := architectures[architecture]
	if !ok {
		return nil, fmt.Errorf("no filter of system calls for %s: tickets need amd64 or arm64", architecture)
	}
	const answers = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	bits := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	result := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }

	f := []unix.SockFilter{load(atArchitecture), equal(arch, 1, 0), result(unix.SECCOMP_RET_KILL_PROCESS), load(atNumber)}
	for _, nr := range allowed {
		f = append(f, equal(nr, 0, 1), result(unix.SECCOMP_RET_ALLOW))
	}
	for _, nr := range deadly {
		f = append(f, equal(nr, 0, 1), result(unix.SECCOMP_RET_KILL_PROCESS))
	}
	for _, nr := range []uint32{unix.SYS_MMAP, unix.SYS_MPROTECT} {
		f = append(f, equal(nr, 0, 4), load(atArguments+8*2), bits(unix.PROT_EXEC, 0, 1),
			result(unix.SECCOMP_RET_KILL_PROCESS), result(unix.SECCOMP_RET_ALLOW))
	}
	f = append(f, equal(unix.SYS_CLONE, 0, 4), load(atArguments), bits(unix.CLONE_THREAD, 1, 0),
		result(unix.SECCOMP_RET_KILL_PROCESS), result(unix.SECCOMP_RET_ALLOW),
		equal(unix.SYS_TGKILL, 0, 4), load(atArguments), equal(uint32(os.Getpid()), 1, 0),
		result(unix.SECCOMP_RET_KILL_PROCESS), result(unix.SECCOMP_RET_ALLOW),
		// After ENOSYS for clone3, glibc calls clone.
		equal(unix.SYS_CLONE3, 0, 1), result(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)), result(answers))
	return f, nil
}
