//go:build !linux

package mutants

import "os"

// Clean removes all files of Scratch. Programs that stopped tests left run on.
func (r *Runner) Clean() error { return os.RemoveAll(r.Scratch) }
