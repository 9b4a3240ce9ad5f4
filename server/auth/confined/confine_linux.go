package confined

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// init turns a process that was started as the confined child into one: it confines itself, serves requests on its
// standard input and output, and exits. In any other process it does nothing.
func init() {
	if len(os.Args) != 1 || os.Args[0] != childName {
		return
	}
	if err := confine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Read and write the descriptors directly: the poller of package os would need further system calls.
	if serve(blocking(0), blocking(1)) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// nobody is the uid and gid of a child of root.
const nobody = 65534

// environment is the environment of the child. It keeps Go's runtime from opening files of control groups.
var environment = []string{"GOMAXPROCS=2", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}

// start starts the confined child: this program again, with a minimal environment and no descriptor besides its two
// pipes. The caller writes to child.to, reads child.from, and waits for the process. On an error nothing stays open.
func start() (_ *child, err error) {
	in, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, out, err := os.Pipe()
	if err != nil {
		_, _ = in.Close(), to.Close()
		return nil, err
	}
	defer func() { _ = in.Close() }()
	defer func() { _ = out.Close() }()
	p, err := startOn(in, out)
	if err != nil {
		_, _ = to.Close(), from.Close()
		return nil, err
	}
	return &child{process: p, to: to, from: from}, nil
}

// started is the result of starting a process.
type started struct {
	p   *os.Process
	err error
}

// startOn starts the child on a thread that has given up its ambient capabilities, which a new program would inherit.
// The thread ends with the goroutine. The caller closes in and out. After an error no child runs.
func startOn(in, out *os.File) (*os.Process, error) {
	result := make(chan started)
	go func() {
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: the kernel has no ambient capabilities
			result <- started{nil, err}
			return
		}
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			result <- started{nil, err}
			return
		}
		defer func() { _ = null.Close() }()
		attr := &os.ProcAttr{Dir: "/", Env: environment, Files: []*os.File{in, out, null}, Sys: credential()}
		p, err := os.StartProcess("/proc/self/exe", []string{childName}, attr)
		result <- started{p, err}
	}()
	r := <-result
	return r.p, r.err
}

// confine permanently restricts the process, so that an exploited parser is harmless. It removes:
//   - inherited and new descriptors
//   - file writes, core dumps and new privileges
//   - tracing by other processes of the user
//   - memory above 1 GiB and most system calls
//
// An error names the failed restriction. Earlier restrictions stay, and the child must not serve.
func confine() error {
	if err := closeInherited(); err != nil {
		return fmt.Errorf("inherited descriptors: %w", err)
	}
	// Otherwise another process of the same user could trace the child and forge its answers (K-89).
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	// Sleep makes the runtime open the descriptors of its timers, which it needs later. Afterwards it cannot open any.
	time.Sleep(time.Microsecond)
	for what, most := range map[int]uint64{unix.RLIMIT_NOFILE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 1,
		unix.RLIMIT_DATA: 1 << 30} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	filter, err := filterOf(runtime.GOARCH)
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Either all threads of the runtime get the filter or none. If one thread cannot get it, the call returns its ID
	// without an error.
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	switch {
	case errno != 0:
		return fmt.Errorf("filter of system calls: %w", errno)
	case thread != 0:
		return fmt.Errorf("filter of system calls: thread %d does not take it", thread)
	}
	return nil
}

// closeInherited closes the descriptors that this program got from the one that started its parent, besides 0 to 2. It
// keeps those of the runtime, which have no file. It stops at the first one that cannot be read or closed.
func closeInherited() error {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range all {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(to, "anon_inode:") {
			err = unix.Close(fd)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) { // ErrNotExist: the descriptor that listed the folder
			return err
		}
	}
	return nil
}

// blocking is a descriptor that the child reads and writes without the runtime's poller.
type blocking int

// Read blocks until the descriptor has data and repeats a call that a signal interrupted. At the end it returns
// io.EOF. An empty b returns 0 and nil.
func (fd blocking) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, errEnd
		}
		return n, nil
	}
}

// Write blocks until all of b is written and repeats a call that a signal interrupted. With an error, done bytes
// were written.
func (fd blocking) Write(b []byte) (done int, err error) {
	for done < len(b) {
		n, err := unix.Write(int(fd), b[done:])
		if err != nil && !errors.Is(err, unix.EINTR) {
			return done, err
		}
		done += max(n, 0)
	}
	return done, nil
}
