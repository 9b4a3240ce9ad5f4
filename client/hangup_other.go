//go:build !linux

package client

import "os"

// No server hands out a connection here (W-50): no program is started with one.

// untilHungUp returns at once on this system.
func untilHungUp(*os.File) {}

// hangUp does nothing on this system.
func hangUp(*os.File) {}
