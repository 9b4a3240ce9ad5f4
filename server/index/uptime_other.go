//go:build !linux

package index

import "time"

// uptime is not known here.
func uptime() time.Duration { return 0 }

// bootID is not known here.
func bootID() string { return "" }
