package refusals

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// TestCallReportsLeaks checks that a call is an error with its name if an object is still referenced at the end (P-5).
func TestCallReportsLeaks(t *testing.T) {
	leak := &Refusal{Name: "leak", service: registry()["NtClose"], profiles: []nt.Profile{nt.Observed},
		inject: func(w *world, _ any) { w.token(clientSpec(winnt.SecurityImpersonation), open()).Ref(ob.TagCall) }}
	if _, err := Call("NtClose", nt.Documented, leak); err == nil || !strings.Contains(err.Error(), "NtClose with ") {
		t.Errorf("P-5: a call with a leaked token: %v, want an error with its name", err)
	}
}
