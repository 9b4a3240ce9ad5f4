package addc

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// start starts a program in a process group of its own, and calls ended with its result when it ends. The kernel kills
// the program with this process. It does so when the thread that started the program ends, and threads of tests end, so
// the program gets a thread that waits for it.
func start(cmd *exec.Cmd, ended func(error)) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if started <- err; err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}

// serve starts the controller and waits until its KDC accepts a connection.
func (d *Domain) serve(secure bool) {
	d.t.Helper()
	options := []string{"-i", "-M", "single", "-s", d.path("etc", "smb.conf"), "--debug-stdout"}
	if secure {
		options = append(options, d.certificate()...)
	} else {
		options = append(options, "--option=tls enabled=no")
	}
	cmd := exec.Command("samba", options...)
	if d.files {
		d.must(os.MkdirAll(d.path("runsamba"), 0o755))
		cmd = exec.Command("unshare", append([]string{"-m", "sh", "-c", "mount --make-rprivate / && mount --bind '" +
			d.path("runsamba") + "' /run/samba && exec \"$@\"", "sh"}, cmd.Args...)...)
	}
	log, err := os.Create(d.path("samba.log"))
	d.must(err)
	cmd.Stdout, cmd.Stderr = log, log
	var failed error
	ended := make(chan struct{})
	d.must(start(cmd, func(err error) {
		failed = err
		close(ended)
	}))
	d.pid = cmd.Process.Pid
	d.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group of this test's controller
		<-ended
		// Children of the controller write into its folder until they are gone too.
		for range 500 {
			if errors.Is(syscall.Kill(-cmd.Process.Pid, 0), syscall.ESRCH) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = log.Close()
		if d.t.Failed() {
			text, _ := os.ReadFile(d.path("samba.log"))
			d.t.Logf("the controller said at last:\n%s", text[max(0, len(text)-4<<10):])
		}
	})
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(d.Address, "88"), time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(d.path("samba.log"))
			d.t.Fatalf("the domain controller ended: %v\n%s", failed, text)
		default:
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the KDC does not answer: %v", err)
		}
	}
}
