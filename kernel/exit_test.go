package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// recordsEnds boots a system that records the ends of processes.
func recordsEnds(t *testing.T) (*kernel.System, *audit.Memory) {
	t.Helper()
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.ProcessTermination: audit.OnSuccess},
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := audit.NewMemory(0, 0)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	sys.Audit().Policy.Store(policy)
	return sys, sink
}

// isEnd takes the records, which have to be one of the end of a process of 1107.
func isEnd(t *testing.T, sink *audit.Memory, process, status string) {
	t.Helper()
	events := sink.Drain()
	if len(events) != 1 || events[0].ID != 4689 {
		t.Fatalf("%d records", len(events))
	}
	for name, want := range map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-1107", "ProcessName": process,
		"Status": status} {
		if got, _ := events[0].Field(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestExitIsRecorded: the end of a process is one record, however often it is
// asked to exit (U-86).
func TestExitIsRecorded(t *testing.T) {
	sys, sink := recordsEnds(t)
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
	isEnd(t, sink, "worker", "0x0")
}
