//go:build !linux

package outfile

// isMount returns false: only Linux mounts files.
func isMount(string) bool { return false }
