//go:build !linux

package watch

import "errors"

// OverFUSE reports false: only Linux has FUSE mounts that it knows.
func OverFUSE(string) bool { return false }

// listen fails: only Linux reports changes. Use walks.
func listen(string) (changes, error) { return nil, errors.ErrUnsupported }
