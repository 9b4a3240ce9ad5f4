package kernel

import (
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Config configures the boot of a kernel. The zero value is the default.
type Config struct {
	// Profile chooses the behaviour where the documents and Windows differ.
	// Documented is the default. docs/CAVEATS.md lists all differences.
	Profile nt.Profile
	// Faults is called with the name of each point that can run out of memory. If
	// it returns true, that point fails (O-81). With nil none fails.
	Faults func(point string) bool
	// Log is the audit log. nil means a new log with the default policy and a
	// memory sink: see [System.Audit]. A Log belongs to one system.
	Log *audit.Log
	LSA logon.Authority // resolves names; nil knows only the well-known ones
	// FirstLUID fixes the number after which LUIDs are allocated, including those of logon
	// sessions, for transcripts that print them. 0 starts at 64 random bits, so that no start
	// repeats the logon SID of an earlier one (F-198). Leave it 0 if any data outlives the
	// system.
	FirstLUID winnt.LUID
}
