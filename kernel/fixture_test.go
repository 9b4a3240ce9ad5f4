package kernel

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// worker starts a process with the LocalSystem token and returns it with its first thread.
func worker(t *testing.T, s *System) (*Process, *nt.Thread) {
	t.Helper()
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.NewProcess("p", tok)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	return p, th
}
