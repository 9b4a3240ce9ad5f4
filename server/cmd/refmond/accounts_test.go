package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/server/lsa"
)

// TestChangeRecords: each change is a record, with no policy that asks for it, those
// of rights under their documented numbers (L-50, L-22).
func TestChangeRecords(t *testing.T) {
	none, err := audit.NewPolicy(audit.PolicySpec{})
	if err != nil {
		t.Fatal(err)
	}
	m := audit.NewMemory(0, 0)
	log := &audit.Log{Sink: m}
	log.Policy.Store(none)
	by, to := "S-1-22-1-1000", "S-1-22-1-77"
	var got []string
	for _, c := range []lsa.Change{
		{By: by, What: "right granted", Subject: to, Detail: "SeTcbPrivilege"},
		{By: by, What: "right revoked", Subject: to, Detail: "SeTcbPrivilege"},
		{By: by, What: "right granted", Subject: to, Detail: "SeBatchLogonRight"},
		{By: by, What: "right revoked", Subject: to, Detail: "SeBatchLogonRight"},
		{By: by, What: "account created", Subject: "alice", Detail: "S-1-5-21-1-2-3-1001"},
	} {
		if err := recordChange(log, c); err != nil {
			t.Fatal(err)
		}
	}
	for e := range m.Events() {
		text := fmt.Sprint(e.ID)
		for f := range e.Fields() {
			if f.Name == "SubjectUserSid" || f.Name == "TargetSid" || f.Name == "PrivilegeList" || f.Name == "Change" ||
				f.Name == "Target" || f.Name == "AccessGranted" || f.Name == "AccessRemoved" {
				v, _ := e.Field(f.Name)
				text += " " + v
			}
		}
		got = append(got, text)
	}
	want := []string{"4704 " + by + " " + to + " SeTcbPrivilege", "4705 " + by + " " + to + " SeTcbPrivilege",
		"4717 " + by + " " + to + " SeBatchLogonRight", "4718 " + by + " " + to + " SeBatchLogonRight",
		"64050 " + by + " account created alice"}
	if !slices.Equal(got, want) {
		t.Errorf("records %q, want %q", got, want)
	}
	if err := recordChange(log, lsa.Change{By: "alice", What: "account created"}); err == nil {
		t.Error("a change that no SID made was recorded")
	}
}
