package main

import "golang.org/x/sys/unix"

// coreLimit is how many bytes a core may have: too few for a file, and the one number with
// which the host starts no program for it either (core(5); with 0 it does).
const coreLimit = 1

// noCores keeps this process from leaving a core behind: it would have keys of services,
// and passwords on their way (K-83). Programs that it starts have the same limit.
func (s *service) noCores() {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: coreLimit, Max: coreLimit}); err != nil {
		s.log.Warn("a crash can leave a core file, with keys in it", "error", err)
	}
}
