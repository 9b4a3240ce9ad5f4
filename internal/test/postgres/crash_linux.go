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
	first, _, _ := bytes.Cut(must(os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))), []byte("\n"))
	main := must(strconv.Atoi(string(first)))
	_ = syscall.Kill(main, syscall.SIGSTOP) // it starts no further process
	all := append(bytes.Fields(must(os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", main, main)))), first)
	for _, text := range all {
		_ = syscall.Kill(must(strconv.Atoi(string(text))), syscall.SIGKILL) // it may have ended
	}
	for _, text := range all { // the server does not start while a process has its memory
		for pid := must(strconv.Atoi(string(text))); alive(pid); {
			time.Sleep(time.Millisecond)
		}
	}
	for _, lock := range []string{"data/postmaster.pid", ".s.PGSQL.5432.lock"} { // init may not reap the process
		_ = os.Remove(filepath.Join(s.Dir, lock))
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
