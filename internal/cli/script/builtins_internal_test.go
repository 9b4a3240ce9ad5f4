package script

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/audit"
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

// The options of audit_policy are independent of each other.
func TestAuditPolicySetsEachOption(t *testing.T) {
	r := New(Config{})
	defer r.Close()
	python := map[bool]string{false: "False", true: "True"}
	for _, full := range []bool{false, true} {
		for crash, want := range map[bool]audit.CrashOnAuditFail{false: audit.ProceedOnAuditFail,
			true: audit.FailOnAuditFail} {
			call := fmt.Sprintf("audit_policy({}, full_privilege_auditing=%s, crash_on_audit_fail=%s)", python[full],
				python[crash])
			check.NoError(t, r.Run("p.star", []byte(call)))
			check.Equal(t, r.sys.Audit().Policy.Load().Options(),
				audit.Options{FullPrivilegeAuditing: full, CrashOnAuditFail: want}, "%s", call)
		}
	}
}
