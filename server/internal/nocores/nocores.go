// Package nocores keeps a daemon from leaving core dumps, which would have the passwords and keys in its memory.
package nocores

import (
	"log/slog"

	"golang.org/x/sys/unix"
)

// limit is the size limit of a core dump, in bytes. It is too small for a file. Unlike 0, it also prevents the host
// from starting a core handler (core(5)).
const limit = 1

// Set prevents core dumps of this process and of the programs that it starts (K-83). Call it before the process reads a
// secret. The process cannot take it back. It logs a failure as a warning, and the process goes on.
func Set(log *slog.Logger) {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		log.Warn("cannot disable core files: a crash could write keys to one", "error", err)
	}
}
