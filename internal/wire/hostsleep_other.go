//go:build !linux

package wire

import "time"

func hostSleep(d time.Duration) { time.Sleep(d) }
