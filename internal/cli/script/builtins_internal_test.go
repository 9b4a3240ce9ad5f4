package script

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/token"
)

// noBackend is a backend that makes no process.
type noBackend struct{}

var errNoProcess = errors.New("no process")

func (noBackend) NewProcess(string, *token.Token) (BackendProcess, error) { return nil, errNoProcess }

// A process that the backend cannot make leaves none in the program's own kernel.
func TestRefusedBackendProcessLeavesNoProcess(t *testing.T) {
	var refused *UnaskableError
	for call, want := range map[string]func(error) bool{
		`process("p", token_profile("user"), sd="D:")`: func(err error) bool { return errors.As(err, &refused) },
		`process("p", token_profile("user"))`:          func(err error) bool { return errors.Is(err, errNoProcess) },
	} {
		r := New(Config{Backend: noBackend{}})
		objects, handles, references := r.sys.Counts()
		err := r.Run("p.star", []byte(call))
		check.That(t, want(err), "%s: %v, want the refusal", call, err)
		if o, h, n := r.sys.Counts(); o != objects || h != handles || n != references {
			t.Errorf("%s left %d objects, %d handles and %d references, want %d, %d and %d", call, o, h, n, objects,
				handles, references)
		}
		check.NoError(t, r.Close())
	}
}
