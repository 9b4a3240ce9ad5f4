package confined

import (
	"encoding/binary"
	"os"
	"runtime"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFilterDecidesByArguments runs the filter on calls whose arguments decide (K-89).
func TestFilterDecidesByArguments(t *testing.T) {
	var program []bpf.Instruction
	for _, f := range check.Must(filterOf(runtime.GOARCH)) {
		program = append(program, bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}.Disassemble())
	}
	vm := check.Must(bpf.NewVM(program))
	const kill, allow = unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_ALLOW
	for _, c := range []struct {
		call     uint32
		argument int
		value    int
		want     uint32
	}{
		{unix.SYS_CLONE, 0, unix.CLONE_THREAD | unix.CLONE_VM, allow}, {unix.SYS_CLONE, 0, unix.CLONE_VM, kill},
		{unix.SYS_CLONE, 0, int(unix.SIGCHLD), kill},
		{unix.SYS_CLONE3, 0, 0, unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{unix.SYS_TGKILL, 0, os.Getpid(), allow}, {unix.SYS_TGKILL, 0, 1, kill},
		{unix.SYS_MMAP, 2, unix.PROT_READ | unix.PROT_WRITE, allow}, {unix.SYS_MMAP, 2, unix.PROT_EXEC, kill},
		{unix.SYS_MPROTECT, 2, unix.PROT_READ, allow}, {unix.SYS_MPROTECT, 2, unix.PROT_READ | unix.PROT_EXEC, kill},
		{unix.SYS_READ, 0, 0, allow}, {unix.SYS_OPENAT, 0, 0, kill},
		{unix.SYS_GETUID, 0, 0, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	} {
		for arch, want := range map[uint32]uint32{architectures[runtime.GOARCH]: c.want, unix.AUDIT_ARCH_I386: kill} {
			data := make([]byte, atArguments+6*8) // the machine of package bpf reads in network order
			binary.BigEndian.PutUint32(data[atNumber:], c.call)
			binary.BigEndian.PutUint32(data[atArchitecture:], arch)
			binary.BigEndian.PutUint32(data[atArguments+8*c.argument:], uint32(c.value))
			got := check.Must(vm.Run(data))
			check.Equal(t, uint32(got), want, "K-89: call %d with %#x, architecture %#x", c.call, c.value, arch)
		}
	}
}
