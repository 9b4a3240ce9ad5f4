//go:build !linux

package watch

import "errors"

// listen fails: only Linux reports changes. Use walks.
func listen(string) (changes, error) { return nil, errors.ErrUnsupported }
