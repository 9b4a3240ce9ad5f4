package main

import "golang.org/x/sys/unix"

// coreLimit is the size limit of a core dump, in bytes. It is too small for a file. Unlike 0, it
// also prevents the host from starting a core handler (core(5)).
const coreLimit = 1

// noCores prevents core dumps of this process and its children, because they would contain service
// keys and passwords (K-83). It logs a failure.
func (s *service) noCores() {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: coreLimit, Max: coreLimit}); err != nil {
		s.log.Warn("cannot disable core files: a crash could write keys to one", "error", err)
	}
}
