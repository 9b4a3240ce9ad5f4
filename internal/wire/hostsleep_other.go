//go:build !linux

package wire

import "time"

// hostSleep blocks for d.
func hostSleep(d time.Duration) { time.Sleep(d) }
