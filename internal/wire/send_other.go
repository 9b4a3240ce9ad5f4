//go:build !unix

package wire

// writeNow writes nothing: a socket of this system may wait.
func writeNow(uintptr, []byte) (int, error) { return 0, nil }
