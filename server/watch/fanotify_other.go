//go:build !linux

package watch

import "errors"

// OverFUSE returns false for every path: only Linux has FUSE mounts that it recognizes.
func OverFUSE(string) bool { return false }

// listen fails: only Linux reports changes. Use walks.
func listen(string) (changes, error) { return nil, errors.ErrUnsupported }
