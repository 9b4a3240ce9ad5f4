package main

import "golang.org/x/sys/unix"

// getAttribute reads an extended attribute.
func getAttribute(path, name string) ([]byte, error) {
	value := make([]byte, 1<<16)
	n, err := unix.Getxattr(path, name, value)
	return value[:max(n, 0)], err
}

// setAttribute writes an extended attribute.
func setAttribute(path, name string, value []byte) error { return unix.Setxattr(path, name, value, 0) }
