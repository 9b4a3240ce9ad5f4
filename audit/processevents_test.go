package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
)

// Events 4688 and 4696 contain the new process, its token and its parent, but no command line (U-84).
func TestProcessRecordsHaveNoCommandLine(t *testing.T) {
	log, sink := newLog(t, audit.ProcessCreation)
	target := audit.Target{ProcessID: 0x99, ProcessName: `C:\child.exe`, Token: tokenU(t)}
	log.ProcessCreated(origin(t), target, `C:\parent.exe`)
	log.TokenAssigned(origin(t), target)
	target.Token = nil
	log.ProcessCreated(origin(t), target, `C:\parent.exe`)
	events := sink.Drain()
	if !slices.Equal(ids(events), []int{4688, 4696, 4688}) {
		t.Fatalf("events %v", ids(events))
	}
	for name, want := range map[string]string{"NewProcessId": "0x99", "NewProcessName": `C:\child.exe`,
		"ParentProcessName": `C:\parent.exe`, "MandatoryLabel": "S-1-16-8192", "TargetUserSid": userU.String(),
		"TargetUserName": "alice", "CommandLine": ""} {
		if got := field(t, events[0], name); got != want {
			t.Errorf("4688: %s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"TargetProcessId": "0x99", "TargetProcessName": `C:\child.exe`,
		"TargetUserSid": userU.String()} {
		if got := field(t, events[1], name); got != want {
			t.Errorf("4696: %s is %q, want %q", name, got, want)
		}
	}
	if got := field(t, events[2], "MandatoryLabel"); got == "S-1-16-8192" {
		t.Errorf(`4688 of a process without a token: MandatoryLabel %q, want anything but "S-1-16-8192"`, got)
	}
}
