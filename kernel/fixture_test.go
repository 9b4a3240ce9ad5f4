package kernel

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// worker starts a process with the LocalSystem token and returns it with its first thread.
func worker(t *testing.T, s *System) (*Process, *nt.Thread) {
	t.Helper()
	tok := check.Must(token.New(token.LocalSystem()))
	p := check.Must(s.NewProcess("p", tok))
	return p, check.Must(p.NewThread())
}
