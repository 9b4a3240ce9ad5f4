package confined

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFilterBindsEveryThread checks the state of each thread of the child.
func TestFilterBindsEveryThread(t *testing.T) {
	p := newParser(t)
	p.mu.Lock()
	tasks := fmt.Sprintf("/proc/%d/task/*/status", p.child.process.Pid)
	p.mu.Unlock()
	threads := check.Must(filepath.Glob(tasks))
	check.That(t, len(threads) > 1, "the child has %d threads, want several", len(threads))
	for _, name := range threads {
		status := string(check.Must(os.ReadFile(name)))
		check.That(t, strings.Contains(status, "Seccomp:\t2"), "K-89: %s has no filter: %s", name, status)
	}
}

// TestChildThatCannotBeKilledDelaysNoRequest closes a parser on a thread of root without CAP_KILL, which may not kill a
// child of nobody. The child ends nevertheless, at the end of its input.
func TestChildThatCannotBeKilledDelaysNoRequest(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the child has the user of this process, who may kill it")
	}
	p := newParser(t)
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	ended := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked
		head, data := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
		err := unix.Capget(&head, &data[0])
		data[0].Effective &^= 1 << unix.CAP_KILL
		if err = errors.Join(err, unix.Capset(&head, &data[0])); err != nil {
			ended <- err.Error()
			return
		}
		ended <- c.end()
	}()
	select {
	case got := <-ended:
		check.Equal(t, got, unix.EPERM.Error(), "K-89: the end of a child that cannot be killed")
		_, _ = c.process.Wait() // until the child has ended
	case <-time.After(patience):
		t.Error("K-89: a child that cannot be killed keeps its parser from every other request")
	}
}

// oddName starts the test program as a child in which one thread has a filter of its own.
const oddName = "child with an odd thread"

// TestThreadWithOwnFilterFailsConfinement checks that a child ends if the kernel cannot give one of its threads the
// filter. seccomp then returns that thread's number and no errno.
func TestThreadWithOwnFilterFailsConfinement(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{oddName}
	out, err := cmd.CombinedOutput()
	check.NoError(t, err)
	check.That(t, strings.HasPrefix(string(out), "filter of system calls: thread "), "K-89: confine returned %q", out)
}

var _ = confineWithOddThread()

// confineWithOddThread prints the result of confine in a child of the name oddName, and ends it.
func confineWithOddThread() bool {
	if os.Args[0] != oddName {
		return false
	}
	filtered := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
		program := unix.SockFprog{Len: 1, Filter: &allow}
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
		if err == nil && errno != 0 {
			err = errno
		}
		filtered <- err
		select {}
	}()
	if err := <-filtered; err != nil {
		fmt.Println(err)
	} else {
		fmt.Println(confine())
	}
	os.Exit(0)
	return true
}
