//go:build !linux

package index

import "errors"

// listen fails: other systems than Linux have walks only.
func listen(string) (changes, error) { return nil, errors.ErrUnsupported }
