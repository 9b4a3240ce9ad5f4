//go:build !linux

package watch

// mountTable is empty on this system.
type mountTable struct{ points map[string]struct{} }

// openMounts returns a table that never changes: mounts are followed on Linux only.
func openMounts(string) (*mountTable, error) { return &mountTable{}, nil }

// close does nothing.
func (*mountTable) close() {}

// changed returns false.
func (*mountTable) changed() (bool, error) { return false, nil }

// reload returns no mounts.
func (*mountTable) reload() (came, gone []string, err error) { return nil, nil, nil }

// inodeAt returns 0, because walks on this system do not report inodes.
func inodeAt(string) uint64 { return 0 }
