//go:build !linux

package watch

import "time"

// uptime returns 0: unknown on this system.
func uptime() time.Duration { return 0 }

// BootID returns "": unknown on this system.
func BootID() string { return "" }
