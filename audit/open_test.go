package audit_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
)

// TestNothingToRecord gives the log no open, or one without a request: it fails,
// so that the open is not granted (U-64), and a SACL asks for no record.
func TestNothingToRecord(t *testing.T) {
	l := new(audit.Log)
	for _, o := range []*audit.Opening{nil, {}} {
		if h, st := l.Opened(o); st != ntstatus.AuditFailed || h != (audit.HandleAudit{}) {
			t.Errorf("%+v: %+v, %s", o, h, st)
		}
	}
	if v := new(audit.Policy).Evaluate("File", nil, access.Decision{}, nil); v.Success || v.Failure {
		t.Errorf("%+v", v)
	}
}
