//go:build !linux

package auditlog

import "os"

// syncData makes the content of a file durable.
func syncData(f *os.File) error { return f.Sync() }
