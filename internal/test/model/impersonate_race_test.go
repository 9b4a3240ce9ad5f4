package model_test

import (
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// state is one quadruple of an impersonation, the token by its id.
type state struct {
	token               winnt.LUID
	copyOnOpen, effects bool
	level               winnt.SecurityImpersonationLevel
}

// While one thread changes its impersonation state, readers see only states that were set, never parts of two (P-13,
// I-47), and that every reference count is restored at the end (P-5).
func TestReadersSeeWholeImpersonationStates(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	p, err := sys.NewProcess("server", value(t, token.LocalSystem()))
	check.NoError(t, err)
	th, err := p.NewThread()
	check.NoError(t, err)
	k, target := sys.KernelMode(th), sys.ThreadObject(th)
	set := map[state]bool{}
	var states []state
	var tokens []*kernel.AccessToken
	for i, level := range []winnt.SecurityImpersonationLevel{1, 2, 3} {
		spec := token.StandardUser(sid.LocalService)
		spec.Type, spec.Level = winnt.TokenImpersonation, level
		tok := k.NewToken(value(t, spec))
		s := state{tok.ID(), i%2 == 0, i%2 == 1, level}
		states, tokens, set[s] = append(states, s), append(tokens, tok), true
	}
	stop := read(t, sys, target, set)
	for i := range 20_000 {
		s := states[i%len(states)]
		if st := k.PsImpersonateClient(target, tokens[i%len(tokens)], s.copyOnOpen, s.effects,
			s.level); !st.IsSuccess() {
			t.Fatal(st)
		}
		if i%7 == 0 {
			k.PsRevertToSelf()
		}
	}
	stop()
	k.PsRevertToSelf()
	for _, tok := range tokens {
		if n := tok.Head().PointerCount(); n != 1 {
			t.Errorf("token %d has %d references, want 1", tok.ID(), n)
		}
		k.PsDereferenceImpersonationToken(tok)
	}
	check.NoError(t, sys.Close())
}

// read starts two readers of a thread's state and returns a function that stops them.
func read(t *testing.T, sys *kernel.System, target *kernel.EThread, set map[state]bool) (end func()) {
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		reader, err := sys.SystemThread()
		check.NoError(t, err)
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				tok, copyOnOpen, effective, level := reader.PsReferenceImpersonationToken(target)
				if tok == nil {
					continue
				}
				if s := (state{tok.ID(), copyOnOpen, effective, level}); !set[s] {
					t.Errorf("a reader saw %+v, which was never set", s)
				}
				reader.PsDereferenceImpersonationToken(tok)
			}
		})
	}
	return func() {
		close(stop)
		readers.Wait()
	}
}

func value(t *testing.T, s token.Spec) *token.Token {
	t.Helper()
	v, err := token.New(s)
	check.NoError(t, err)
	return v
}
