//go:build !linux

package auditlog

import "os"

// free returns -1, because the free space is not known on this system.
func free(string) int64 { return -1 }

// syncData makes the content of a file durable.
func syncData(f *os.File) error { return f.Sync() }
