//go:build !linux

package watch

import "time"

// uptime returns 0: unknown on this system.
func uptime() time.Duration { return 0 }

// BootID returns "", because this system has no known ID of a boot.
func BootID() string { return "" }
