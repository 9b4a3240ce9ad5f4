package postgres

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Crash kills the server's processes with SIGKILL. [Server.Again] starts it again. It panics for a server that does not
// run.
func (s *Server) Crash() {
	all := s.processes()
	signal(all, syscall.SIGKILL)
	for _, pid := range all { // the server does not start while a process has its memory
		for alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
	for _, lock := range []string{"data/postmaster.pid", ".s.PGSQL.5432.lock"} { // init may not reap the process
		_ = os.Remove(filepath.Join(s.Dir, lock))
	}
}

// Freeze stops the server's processes with SIGSTOP, until the caller calls resume. It panics for a server that does not
// run.
func (s *Server) Freeze() (resume func()) {
	all := s.processes()
	signal(all, syscall.SIGSTOP)
	return func() { signal(all, syscall.SIGCONT) }
}

// processes stops the server's first process, so that it starts no further one, and returns the ids of all.
func (s *Server) processes() []int {
	first, _, _ := bytes.Cut(must(os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))), []byte("\n"))
	main := must(strconv.Atoi(string(first)))
	signal([]int{main}, syscall.SIGSTOP)
	all := []int{main}
	for _, text := range bytes.Fields(must(os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", main, main)))) {
		all = append(all, must(strconv.Atoi(string(text))))
	}
	return all
}

// signal sends a signal to processes. It ignores those that have ended.
func signal(all []int, what syscall.Signal) {
	for _, pid := range all {
		_ = syscall.Kill(pid, what)
	}
}

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
