package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestExitIsRecorded: the end of a process is one record, however often it is
// asked to exit (U-86).
func TestExitIsRecorded(t *testing.T) {
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.ProcessTermination: audit.OnSuccess},
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := audit.NewMemory(0, 0)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	sys.Audit().Policy.Store(policy)
	tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("worker", tok)
	if err != nil {
		t.Fatal(err)
	}
	p.Exit()
	p.Exit()
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
	events := sink.Drain()
	if len(events) != 1 || events[0].ID != 4689 {
		t.Fatalf("%d records", len(events))
	}
	for name, want := range map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-1107", "ProcessName": "worker",
		"Status": "0x0"} {
		if got, _ := events[0].Field(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
