package kernel

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// worker starts a process with the LocalSystem token and returns it with its first thread.
func worker(t *testing.T, s *System) (*Process, *nt.Thread) {
	t.Helper()
	tok := must(token.New(token.LocalSystem()))
	p := must(s.NewProcess("p", tok))
	return p, must(p.NewThread())
}

// must returns v, or panics if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
