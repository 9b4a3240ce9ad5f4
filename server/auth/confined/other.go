//go:build !linux

package confined

import "errors"

// start fails: only Linux can confine a child.
func start() (*child, error) { return nil, errors.New("only Linux can confine it") }
